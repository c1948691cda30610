import pytest
from fakes.configs import MINIMAL, USERS

from gateway.config.section import Section


def login(line):
    return MINIMAL + USERS.partition("logins:")[0] + f"logins: {{erp: {{{line}}}}}\n"


@pytest.mark.parametrize("dialect", ["native", "oauth2", "idempiere", "jdx", "odoo", "itempath", "jmix"])
def test_every_dialect_may_be_named(load_text, dialect):
    found = load_text(login(f"dialect: {dialect}, path: /x, identity_provider: staff"))

    assert found.config.logins["erp"].dialect == dialect


@pytest.mark.parametrize(
    "path", ["auth", "/", "/auth/", "//auth", "/auth//x", "/a/../b", "/.", "/a%20b", "/auth/*", "/auth?x", "/a b", '""']
)
def test_a_login_is_mounted_on_a_plain_path(refused, path):
    problems = refused(login(f"dialect: native, path: {path}, identity_provider: staff"))

    assert "logins.erp.path: " in problems[0]
    assert len(problems) == 1


@pytest.mark.parametrize("path", ["/auth", "/api/v1/auth", "/restapi/1.0/common/oauth2", "/a-b_c~d"])
def test_plain_paths_are_fine(load_text, path):
    assert (
        load_text(login(f"dialect: native, path: {path}, identity_provider: staff")).config.logins["erp"].path == path
    )


def test_what_is_left_out_is_the_dialects_to_say(load_text):
    found = load_text(login("dialect: native, path: /auth, identity_provider: staff")).config.logins["erp"]

    assert (found.token_format, found.access_ttl, found.refresh_ttl, found.absolute_ttl) == (None, None, None, None)
    assert (found.refresh.rotate, found.refresh.grace, found.refresh.revoke_access) == (None, None, None)


def test_lifetimes_are_seconds(load_text):
    found = load_text(
        login(
            "dialect: native, path: /auth, identity_provider: staff, access_ttl: 5m, refresh: {grace: 0s, rotate: false}"
        )
    ).config.logins["erp"]

    assert found.access_ttl == 300.0
    assert found.refresh.grace == 0.0
    assert found.refresh.rotate is False


def protected(line):
    return login(f"dialect: native, path: /auth, identity_provider: staff, protection: {{{line}}}")


def test_protection_is_on_where_nothing_is_said(load_text):
    found = load_text(login("dialect: native, path: /auth, identity_provider: staff")).config.logins["erp"].protection

    assert (found.max_failures, found.window, found.ban) == (5, 900.0, 900.0)


def test_protection_can_be_set(load_text):
    found = load_text(protected("max_failures: 3, window: 1m, ban: 1h")).config.logins["erp"].protection

    assert (found.max_failures, found.window, found.ban) == (3, 60.0, 3600.0)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("max_failures: 0", "max_failures: must be 1 to 100"),
        ("max_failures: 101", "max_failures: must be 1 to 100"),
        ("window: 25h", "window: must not be longer than a day"),
        ("window: 0s", "window: must be more than zero"),
        ("ban: 0s", "ban: must be more than zero"),
        ("max_failure: 3", 'max_failure: unknown key; did you mean "max_failures"?'),
    ],
)
def test_protection_cannot_be_switched_off_by_a_value(refused, line, problem):
    problems = refused(protected(line))

    assert len(problems) == 1
    assert problems[0].endswith(f"logins.erp.protection.{problem}")


def test_other_keys_are_kept_for_the_dialect(load_text):
    found = load_text(
        login("dialect: native, path: /auth, identity_provider: staff, switch: on, more: [1]")
    ).config.logins["erp"]

    assert found.options == {"switch": "on", "more": ["1"]}
    assert repr(found.options) == "Options(switch, more)"


def test_a_misspelt_common_key_is_found_when_the_dialect_binds_its_options(load_text):
    loaded = load_text(login("dialect: native, path: /auth, identity_provider: staff, acces_ttl: 5m"))

    assert loaded.bind(Section, loaded.config.logins["erp"].options, ("logins", "erp")) is None
    assert 'logins.erp.acces_ttl: unknown key; did you mean "access_ttl"?' in str(loaded.problems[0])
