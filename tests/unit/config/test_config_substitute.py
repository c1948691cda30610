import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.substitute import substitute

ENVIRON = {"HOST": "erp", "EMPTY": "", "NESTED": "${HOST}", "PORT": "80"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("${HOST}", "erp"),
        ("http://${HOST}:${PORT}/", "http://erp:80/"),
        ("${HOST:-other}", "erp"),
        ("${MISSING:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${MISSING:-}", ""),
        ("${MISSING:-a:-b}", "a:-b"),
        ("${NESTED}", "${HOST}"),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("$argon2id$v=19$m=1", "$argon2id$v=19$m=1"),
        ("$HOST $$ $", "$HOST $$ $"),
    ],
)
def test_variables_are_filled_in_once(text, filled):
    assert substitute(text, ENVIRON) == filled


@pytest.mark.parametrize(
    "text", ["${", "${}", "${HOST", "${1A}", "${A B}", "${HOST:?x}", "${HOST-x}", "${A:-${B}}", "x${"]
)
def test_a_malformed_variable_is_refused(text):
    with pytest.raises(ValueError, match="malformed variable"):
        substitute(text, ENVIRON)


def test_a_variable_that_is_not_set_is_named():
    with pytest.raises(ValueError, match="MISSING is not set"):
        substitute("${MISSING}", ENVIRON)


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_variables_stays_as_it_is(text):
    assert substitute(text, ENVIRON) == text


@given(st.text())
def test_what_a_variable_holds_is_never_looked_at_again(value):
    assert substitute("<${V}>", {"V": value}) == f"<{value}>"


def test_the_type_is_read_after_substitution(load_text):
    text = """\
        server: {limits: {connections: "${N}"}, timeouts: {idle: "${T:-7s}"}}
        store: {password: "${P}"}
        upstreams: {a: {servers: ["http://${H}:${N}"]}}
        routes:
          - path: /**
            upstream: a
            public: ${PUBLIC}
        """

    config = load_text(text, environ={"N": "12", "H": "erp", "P": "123", "PUBLIC": "true"}).config

    assert config.server.limits.connections == 12
    assert config.server.timeouts.idle == 7.0
    assert config.store.password.reveal() == "123"
    assert str(config.upstreams["a"].servers[0]) == "http://erp:12"
    assert config.routes[0].public is True


def test_keys_are_not_substituted(refused):
    text = 'upstreams: {"${U}": {servers: [http://h]}}\nroutes: [{path: /**, upstream: a}]\n'

    assert refused(text, environ={"U": "a"})[0].startswith("1:13: upstreams.${U}: must be 1 to 64 letters")
