"""The options that all ERP providers share, and what they remember of a user."""

import pytest
from fakes.token_rig import START
from pydantic import ValidationError

from gateway.errors import Unavailable
from gateway.identity_providers.contract import ErpAccounts, ErpOptions, ProviderTools, no_client, plain_path
from gateway.model import Session


def accounts(checks):
    options = ErpOptions.model_validate({"upstream": "odoo", "roles": ["staff"]})
    return ErpAccounts(options, ProviderTools("erp-users", checks))


async def test_a_session_tells_who_its_user_is(checks):
    session = Session("s1", "native", "erp-users", "7", "ada", created=START, roles=("old",), tenant="GardenWorld")

    account = await accounts(checks).lookup("7", session)

    assert (account.provider, account.id, account.name, account.roles) == ("erp-users", "7", "ada", ("staff",))
    assert account.default_tenant == "GardenWorld"
    assert account.erp_session is None


async def test_without_a_session_nobody_is_known(checks):
    assert await accounts(checks).lookup("7") is None


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
