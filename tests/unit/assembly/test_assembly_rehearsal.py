import pytest

from gateway.assembly.rehearsal import rehearse
from gateway.config.load import load
from gateway.config.problems import ConfigRefused

TEXT = """\
upstreams: {erp: {servers: ["http://127.0.0.1:8069"]}}
identity_providers: {staff: {type: users, users: [{username: a, id: 1, password_hash: "%s"}]}}
logins: {native: {dialect: native, path: /auth, identity_provider: staff}}
routes: [{name: all, path: /**, upstream: erp}]
"""
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43


@pytest.fixture
def loaded(tmp_path):
    def loaded(change=lambda text: text):
        file = tmp_path / "config.yaml"
        file.write_text(change(TEXT % HASH))
        return load(file, {})

    return loaded


def test_a_sound_configuration_is_built_and_leaves_nothing_behind(loaded, tmp_path):
    rehearse(loaded())

    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_pattern_that_does_not_compile_is_found_with_its_line(loaded):
    with pytest.raises(ConfigRefused) as refused:
        rehearse(loaded(lambda text: text.replace("/**", "/**/x")))

    (problem,) = refused.value.problems
    assert (problem.line, problem.where) == (4, "routes[0].path")


def test_options_of_a_variant_are_read(loaded):
    with pytest.raises(ConfigRefused, match=r"logins\.native\.nonsense"):
        rehearse(loaded(lambda text: text.replace("path: /auth", "path: /auth, nonsense: 1")))


def test_a_redis_is_not_asked(loaded):
    secrets = "store: {url: 'redis://127.0.0.1:1', encryption_key: 0123456789abcdef0123456789abcdef}\n"
    keys = "signing_keys: [{kid: k, algorithm: HS256, secret: 0123456789abcdef0123456789abcdef}]\n"

    rehearse(loaded(lambda text: secrets + keys + text))
