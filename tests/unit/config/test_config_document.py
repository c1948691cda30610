import pytest
from fakes.configs import MINIMAL, USERS

from gateway.config.problems import ConfigRefused
from gateway.config.secret import Secret
from gateway.config.section import Section
from gateway.config.values import Flag, Whole


class Switches(Section):
    strict: Flag = False
    size: Whole = 1
    secret: Secret = Secret()


@pytest.fixture
def native(load_text):
    """A loaded configuration whose native login has these options."""

    def load_it(options, files=None):
        return load_text(MINIMAL + USERS.replace("path: /auth", f"path: /auth, {options}"), files=files)

    return load_it


def bind(loaded):
    return loaded.bind(Switches, loaded.config.logins["native"].options, ("logins", "native"))


def test_a_variants_options_are_bound_to_its_own_model(native):
    bound = bind(native("strict: true, size: 7, secret_file: s", files={"s": "hush\n"}))

    assert (bound.strict, bound.size, bound.secret.reveal()) == (True, 7, "hush")


def test_what_is_wrong_with_options_is_collected_with_its_place(native):
    loaded = native("strict: yes, sise: 7")

    assert bind(loaded) is None
    assert [str(problem).partition("config.yaml:")[2] for problem in loaded.problems] == [
        "11:50: logins.native.strict: must be true or false",
        '11:55: logins.native.sise: unknown key; did you mean "size"?',
    ]
    with pytest.raises(ConfigRefused):
        loaded.refuse_if_faulty()


def test_a_file_without_faults_is_not_refused(native):
    loaded = native("size: 2")

    bind(loaded)
    loaded.refuse_if_faulty()

    assert loaded.problems == []


def test_assembly_adds_its_own_problems_and_warnings_with_their_place(load_text, tmp_path):
    loaded = load_text(MINIMAL)

    loaded.report(("routes", 0, "path"), "has a wildcard too many")
    loaded.warn(("upstreams", "odoo"), "is slow")

    assert str(loaded.problems[0]) == f"{tmp_path}/config.yaml:4:23: routes[0].path: has a wildcard too many"
    assert str(loaded.warnings[0]) == f"{tmp_path}/config.yaml:2:9: upstreams.odoo: is slow"


def test_files_are_named_for_those_who_watch_them(native, tmp_path):
    loaded = native("secret_file: s", files={"s": "hush"})
    bind(loaded)

    assert loaded.files == {tmp_path / "config.yaml", tmp_path / "s"}
    assert loaded.base == tmp_path


def test_a_value_that_was_reported_is_not_reported_again_by_what_holds_it(refused):
    text = MINIMAL.replace('["http://127.0.0.1:8069"]', '["${A}"], injector: {basic: }')

    assert [problem.split(": ")[1] for problem in refused(text)] == [
        "upstreams.odoo.servers[0]",
        "upstreams.odoo.injector.basic",
    ]
