"""Scopes and tenants of a session: never more than allowed, never more than was asked for."""

from types import SimpleNamespace

import pytest

from gateway.broker.scopes import allowed_scopes, granted_scopes, kept_scopes, kept_tenant
from gateway.errors import ScopeRejected
from gateway.model import Account, OAuthClient


def account(*tenants, scopes=("a", "b")):
    return Account("staff", "1", "ada", scopes=scopes, tenants=tuple(SimpleNamespace(name=name) for name in tenants))


@pytest.mark.parametrize(
    ("client", "allowed"),
    [
        (None, ("a", "b")),
        (OAuthClient("c", ""), ("a", "b")),
        (OAuthClient("c", "", scopes=("b", "c")), ("b",)),
        (OAuthClient("c", "", scopes=("x",)), ()),
    ],
    ids=str,
)
def test_a_client_that_lists_scopes_caps_those_of_its_users(client, allowed):
    assert allowed_scopes(account(), client) == allowed


def test_what_is_granted_is_what_was_asked_for_or_everything_allowed():
    assert granted_scopes(("a", "b"), None) == ("a", "b")
    assert granted_scopes(("a", "b"), ("b",)) == ("b",)
    assert granted_scopes(("a", "b"), ()) == ()
    with pytest.raises(ScopeRejected):
        granted_scopes(("a",), ("a", "b"))


def test_what_is_kept_is_no_more_than_was_asked_for_or_is_allowed_now():
    assert kept_scopes(("a", "c"), None) == ("a", "c")
    assert kept_scopes(("a", "c"), ("a", "b")) == ("a",)


@pytest.mark.parametrize(
    ("tenants", "had", "kept"),
    [(("x", "y"), "y", "y"), (("x", "y"), "z", ""), (("x",), "z", "x"), ((), "z", ""), (("x",), "", "x")],
)
def test_a_tenant_is_kept_while_the_user_has_it(tenants, had, kept):
    assert kept_tenant(account(*tenants), had) == kept
