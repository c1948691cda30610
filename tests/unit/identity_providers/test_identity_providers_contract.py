"""The options that all ERP providers share, and what they remember of a user."""

import pytest
from fakes.token_rig import START
from pydantic import ValidationError

from gateway.errors import Unavailable
from gateway.identity_providers.contract import ErpAccounts, ErpOptions, ProviderTools, no_client, plain_path
from gateway.identity_providers.erp_answers import JSON_HEADERS
from gateway.model import ErpAnswer, ErpSession, Session


class Notes:
    """An ErpClient that keeps what it is asked."""

    def __init__(self):
        self.asked = []

    async def ask(self, method, path, **rest):
        self.asked.append((method, path, rest))
        return ErpAnswer(200, {}, {}, b"")


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def accounts(checks, notes):
    options = ErpOptions.model_validate({"upstream": "odoo", "roles": ["staff"]})
    return ErpAccounts(options, ProviderTools("erp-users", checks, lambda _: notes))


async def test_a_session_tells_who_its_user_is(accounts):
    session = Session("s1", "native", "erp-users", "7", "ada", created=START, roles=("old",), tenant="GardenWorld")

    account = await accounts.lookup("7", session)

    assert (account.provider, account.id, account.name, account.roles) == ("erp-users", "7", "ada", ("staff",))
    assert account.default_tenant == "GardenWorld"
    assert account.erp_session is None


async def test_without_a_session_nobody_is_known(accounts):
    assert await accounts.lookup("7") is None


async def test_nothing_is_left_to_choose_where_a_provider_says_no_more(accounts):
    erp = ErpSession(secrets={"refresh": "r"})

    assert await accounts.settle(erp, {"tenant": "11"}) is erp
    assert accounts.tenants(erp) == ()


@pytest.mark.parametrize(("status", "said"), [(401, True), (200, False), (403, False), (500, False)])
def test_a_401_says_that_a_session_has_ended(accounts, status, said):
    assert accounts.says_expired(status, {}, None) is said


async def test_a_call_has_one_deadline_and_json_in_it(accounts, notes):
    await accounts._ask("POST", "/renew", body=b"{}", token="t", address="192.0.2.7")

    ((method, path, rest),) = notes.asked
    assert (method, path, rest["body"], rest["address"], rest["timeout"]) == ("POST", "/renew", b"{}", "192.0.2.7", 10)
    assert rest["headers"] == {**JSON_HEADERS, "Authorization": "Bearer t"}


def test_no_upstream_is_no_client():
    with pytest.raises(Unavailable):
        no_client("odoo")


@pytest.mark.parametrize("path", ["oauth", "/oauth/", "/", "", "/a b", "/a?x", "/a#x", "/a%2f", "/ä", "/a\\b", "/a\tb"])
def test_a_path_is_plain(path):
    with pytest.raises(ValueError, match="must be"):
        plain_path(path)


def test_a_plain_path_is_taken():
    assert plain_path("/api/v1/auth") == "/api/v1/auth"


@pytest.mark.parametrize(
    "options", [{}, {"upstream": ""}, {"upstream": "odoo", "timeout": "0s"}, {"upstream": "o", "x": 1}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        ErpOptions.model_validate(options)
