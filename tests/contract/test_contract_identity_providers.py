"""What holds for every identity provider in the registry."""

import pytest
from fakes.token_fixtures import checks
from fakes.token_rig import PASSWORD, call, users

from gateway.identity_providers import PROVIDERS
from gateway.identity_providers.users import ProviderTools, Users

__all__ = ["checks"]

MAKERS = {"users": lambda checks: Users(users("ada"), ProviderTools("staff", checks))}
"""A provider that knows ada, for each type."""


def test_every_type_is_tried():
    assert set(MAKERS) == set(PROVIDERS)


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_provider_knows_its_user_under_its_own_name(kind, checks):
    provider = MAKERS[kind](checks)

    account = await provider.verify("ada", PASSWORD, call())

    assert provider.name == account.provider == "staff"
    assert await provider.lookup(account.id) == account


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("ada", ""), ("", "")])
async def test_a_wrong_name_or_password_is_none(kind, checks, name, password):
    assert await MAKERS[kind](checks).verify(name, password, call()) is None


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_nobody_is_found_by_a_name_that_is_no_id(kind, checks):
    assert await MAKERS[kind](checks).lookup("ada") is None
