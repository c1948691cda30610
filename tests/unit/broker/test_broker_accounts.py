"""What a session is worth now: everything that a configuration may have changed since it was opened."""

from dataclasses import dataclass, replace

import pytest
from fakes.token_rig import CLIENTS, users

from gateway.broker.accounts import (
    CLIENTS_PROVIDER,
    PASSWORD_MARK,
    CurrentSessions,
    account_of_client,
    as_it_is_now,
    has_same_password,
)
from gateway.broker.clients import OAuthClients
from gateway.errors import Reason
from gateway.identity_providers.users import ProviderTools, Users
from gateway.model import Account, Session
from gateway.tokens.made_keys import key_session

ADA = Session("s1", "native", "staff", "100", "ada", 1.0, roles=("old",), scopes=("rest-api",), tenant="GardenWorld")
PORTAL = CLIENTS[0]


@dataclass
class Asked:
    """A provider that could tell only by asking an ERP."""

    name: str = "erp"

    async def verify(self, username, password, call):
        return None

    async def lookup(self, user_id, session=None):
        return None


@pytest.fixture
def current(checks):
    return CurrentSessions(
        {"staff": Users(users("ada", "bob"), ProviderTools("staff", checks)), "erp": Asked()},
        OAuthClients(CLIENTS, checks),
    )


def test_name_roles_and_scopes_are_those_of_today(current):
    found = current(replace(ADA, user="Ada as she was called"))

    assert (found.user, found.roles, found.scopes) == ("ada", ("sales",), ("rest-api", "reports"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"user_id": "999"}, Reason.USER_GONE),
        ({"provider": "a provider that is not configured any more"}, Reason.REVOKED),
        ({"tenant": "a tenant that was taken away"}, Reason.TENANT_GONE),
        ({"context": {"mark": "of another password"}}, Reason.REVOKED),
        ({"client_id": "a client that was removed"}, Reason.REVOKED),
        ({"client_id": "elsewhere", "login": "oauth2"}, Reason.REVOKED),
        ({"provider": CLIENTS_PROVIDER, "user_id": "gone", "client_id": "gone"}, Reason.REVOKED),
        ({"provider": CLIENTS_PROVIDER, "user_id": "portal", "client_id": ""}, Reason.REVOKED),
    ],
)
def test_a_session_of_somebody_or_something_that_is_gone_is_worth_nothing(current, changes, why):
    assert current(replace(ADA, **changes)) is why


def test_a_password_is_compared_where_both_sides_know_it():
    session = replace(ADA, context={PASSWORD_MARK: "m1"})

    assert has_same_password(session, Account("staff", "100", "ada", password_mark="m1"))
    assert not has_same_password(session, Account("staff", "100", "ada", password_mark="m2"))
    assert has_same_password(session, Account("erp", "100", "ada"))
    assert has_same_password(ADA, Account("staff", "100", "ada", password_mark="m2"))


def test_a_session_without_a_tenant_gets_none(current):
    """Whoever has still to choose has not chosen the only one."""
    assert current(replace(ADA, tenant="")).tenant == ""


def test_what_was_chosen_at_login_stays_chosen(current):
    chosen = replace(ADA, roles=("clerk",), context={"roles": ["clerk"], "scopes": ["reports"]})

    found = current(chosen)

    assert (found.roles, found.scopes) == (("clerk",), ("reports",))


def test_a_client_caps_scopes_as_it_does_today(current):
    assert current(replace(ADA, client_id="portal")).scopes == ("rest-api",)


def test_a_client_s_own_session_has_its_roles_of_today(current):
    own = replace(ADA, provider=CLIENTS_PROVIDER, user_id="portal", client_id="portal", tenant="")

    found = current(own)

    assert (found.user, found.roles, found.scopes) == ("portal", ("machine",), ("rest-api",))


def test_a_provider_that_lists_nobody_is_not_asked_here(current):
    assert current(replace(ADA, provider="erp")) == replace(ADA, provider="erp")


def test_a_tenant_that_was_taken_away_is_not_kept():
    account = Account("staff", "100", "ada", roles=("sales",))

    assert as_it_is_now(ADA, account, None).tenant == ""


def test_a_client_is_the_user_of_its_own_sessions():
    account = account_of_client(PORTAL)

    assert (account.provider, account.id, account.type) == (CLIENTS_PROVIDER, "portal", "client")


def test_a_login_may_say_what_the_choice_of_its_sessions_is_worth(checks):
    provider = Users(users("ada"), ProviderTools("staff", checks))
    current = CurrentSessions(
        {"staff": provider},
        OAuthClients(CLIENTS, checks),
        {
            "idempiere": lambda session, account: replace(session, roles=(*account.roles, "chosen")),
            "strict": lambda _session, _account: None,
        },
    )

    assert current(replace(ADA, login="idempiere")).roles == ("sales", "chosen")
    assert current(replace(ADA, login="strict")) is Reason.CHOICE_GONE
    assert current(ADA).roles == ("sales",)


def test_a_key_that_was_made_depends_on_nothing_that_is_configured(current):
    key = key_session("scanner-1", "scanner", created=1.0)

    assert current(key) is key
