"""Bans by names and addresses, on the real store."""

from itertools import count

import pytest
from fakes.clock import Clock
from fakes.servers import StoreServer
from fakes.token_fixtures import checks
from fakes.token_rig import users

from gateway.admin.control import Lifting
from gateway.app import bans
from gateway.identity_providers.contract import ProviderTools
from gateway.identity_providers.users import Users
from gateway.state.attempts import Attempt, Attempts, Limits

__all__ = ["checks"]

NUMBERS = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = StoreServer("valkey", tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.stop()


@pytest.fixture
async def attempts(server):
    server.admin("FLUSHALL")
    clock = Clock()
    store = server.connect(clock)
    yield Attempts(store.calls, store.keys, clock)
    await store.close()


@pytest.fixture
def providers(checks):
    return {"staff": Users(users("ada"), ProviderTools("staff", checks)), "erp": object()}


async def ban(attempts, provider="staff", name="ada", address="192.0.2.7", **changes):
    fields = {"user_id": "", "address_is_shared": False, "limits": Limits(max_failures=1), **changes}
    tried = Attempt(f"{next(NUMBERS):016x}", provider, name, address=address, **fields)
    await attempts.reserve(tried)
    await attempts.failed(tried)


async def test_a_ban_is_told_as_an_operator_reads_it(attempts):
    await ban(attempts, user_id="101")

    (seen,) = await bans.listed(attempts)

    assert (seen.scope, seen.provider, seen.user_id, seen.address) == ("account", "staff", "101", "192.0.2.7")


async def test_a_user_is_meant_by_any_spelling_of_the_name_or_by_the_id(attempts, providers):
    user_id = providers["staff"].id_of("ada")
    for name in ("ada", "ADA", "\uff41\uff44\uff41", user_id):
        await ban(attempts, user_id=user_id)
        assert await bans.lift(attempts, providers, Lifting(user=name)) == 1


async def test_a_listed_user_is_found_whatever_the_ban_was_counted_under(attempts, providers):
    await ban(attempts)
    await ban(attempts, user_id=providers["staff"].id_of("ada"), address="192.0.2.8")

    assert await bans.lift(attempts, providers, Lifting(user="Ada", provider="staff")) == 2


async def test_a_user_of_an_erp_is_found_by_the_name_of_an_earlier_login(attempts, providers):
    right = Attempt("f" * 16, "erp", "bob", "", "192.0.2.9", address_is_shared=False, limits=Limits())
    await attempts.reserve(right)
    await attempts.succeeded(right, "7")
    await ban(attempts, "erp", "bob", user_id="7")

    assert await bans.lift(attempts, providers, Lifting(user="bob", provider="staff")) == 0
    assert await bans.lift(attempts, providers, Lifting(user="bob")) == 1


async def test_an_oauth2_client_is_found_by_its_id(attempts, providers):
    await ban(attempts, "@clients", "portal")

    assert await bans.lift(attempts, providers, Lifting(user="portal")) == 1


async def test_an_address_is_meant_by_any_of_its_network(attempts, providers):
    await ban(attempts, address="2001:db8::")

    assert await bans.lift(attempts, providers, Lifting(address="2001:db8::beef")) == 1


async def test_nothing_named_is_everybody(attempts, providers):
    await ban(attempts)
    await ban(attempts, "erp", "bob", address="192.0.2.9")

    assert await bans.lift(attempts, providers, Lifting()) == 2
