import pytest

from gateway.authn.sources.rpc import rpc_call
from gateway.errors import Forbidden, LoginRejected, MalformedBody


@pytest.mark.parametrize("method", ["login", "authenticate"])
def test_a_login_names_its_user(method):
    asked = rpc_call("common", method, ["prod", "ada", "secret", {}], 7)

    assert (asked.id, asked.database, asked.who, asked.password, asked.is_login) == (7, "prod", "ada", "secret", True)


@pytest.mark.parametrize("method", ["execute", "execute_kw"])
def test_a_call_of_an_object_names_its_uid(method):
    asked = rpc_call("object", method, ["prod", 2, "secret", "res.partner", "read"])

    assert (asked.who, asked.is_login) == (2, False)


def test_the_version_is_asked_by_nobody():
    assert rpc_call("common", "version", []).who is None


def test_the_password_is_not_shown():
    assert "secret" not in repr(rpc_call("common", "login", ["prod", "ada", "secret"]))


@pytest.mark.parametrize(
    ("service", "method"),
    [
        ("db", "version"), ("report", "render"), ("common", "about"), ("object", "login"), ("common", "execute"),
        ("object", "exec_workflow"), ("object", "execute_other"), (None, None), ("common", ["login"][:0]), ("", "version"),
    ],
)  # fmt: skip
def test_nothing_else_passes(service, method):
    with pytest.raises(Forbidden):
        rpc_call(service, method if isinstance(method, str) else None, ["prod", 2, "secret"])


@pytest.mark.parametrize(
    ("service", "method", "args"),
    [
        ("common", "login", []),
        ("common", "login", ["prod", "ada"]),
        ("common", "login", ["prod", 2, "secret"]),
        ("common", "login", ["prod", "ada", None]),
        ("common", "login", [["prod"], "ada", "secret"]),
        ("common", "login", ["prod", "a\ud800", "secret"]),
        ("common", "login", ["prod", "a\0b", "secret"]),
        ("common", "login", ["prod", "a" * 257, "secret"]),
        ("common", "login", ["prod", "ada", "s" * 8193]),
        ("common", "login", ["p" * 257, "ada", "secret"]),
        ("object", "execute", ["prod", "2", "secret"]),
        ("object", "execute", ["prod", True, "secret"]),
        ("object", "execute", ["prod", 0, "secret"]),
        ("object", "execute", ["prod", 2.0, "secret"]),
        ("object", "execute", ["prod", 2**31, "secret"]),
    ],
)
def test_who_calls_is_said_in_one_way(service, method, args):
    with pytest.raises(MalformedBody):
        rpc_call(service, method, args)


@pytest.mark.parametrize("uid", [False, None])
def test_a_call_with_what_a_failed_login_answered_is_a_wrong_password(uid):
    with pytest.raises(LoginRejected):
        rpc_call("object", "execute_kw", ["prod", uid, "secret", "res.partner", "search", []])
