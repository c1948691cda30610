"""Listed users: one account per name however it is spelled, and nothing told to strangers."""

import time
from statistics import median

import pytest
from argon2 import PasswordHasher
from fakes.token_rig import PASSWORD, call, users

from gateway.errors import AccountLocked
from gateway.identity_providers import PROVIDERS
from gateway.identity_providers.users import ProviderTools, Users

CALL = call()


def provider(checks, *names, **changes):
    return Users(users(*names, **changes), ProviderTools("staff", checks))


async def test_the_right_password_gives_the_account(checks):
    account = await provider(checks, "GardenAdmin").verify("GardenAdmin", PASSWORD, CALL)

    assert (account.provider, account.id, account.name, account.type) == ("staff", "100", "GardenAdmin", "user")
    assert (account.roles, account.scopes, account.default_tenant) == (
        ("sales",),
        ("rest-api", "reports"),
        "GardenWorld",
    )


@pytest.mark.parametrize("spelling", ["gardenadmin", "GARDENADMIN", "\uff27arden\uff21dmin"])
async def test_a_name_is_found_without_case_and_width(checks, spelling):
    assert (await provider(checks, "GardenAdmin").verify(spelling, PASSWORD, CALL)).name == "GardenAdmin"


@pytest.mark.parametrize("name", ["", "gardenadmin ", " gardenadmin", "gardenadmin@corp", "gardenadmin.", "garden"])
async def test_another_name_is_another_user(checks, name):
    assert await provider(checks, "GardenAdmin").verify(name, PASSWORD, CALL) is None


async def test_a_password_counts_byte_for_byte(checks):
    assert await provider(checks, "ada").verify("ada", PASSWORD.upper(), CALL) is None


async def test_a_lookup_finds_who_is_listed_now(checks):
    staff = provider(checks, "ada", "bob")

    assert (await staff.lookup("101")).name == "bob"
    assert await staff.lookup("999") is None
    assert await staff.lookup("bob") is None


async def test_time_does_not_tell_who_exists(checks):
    """Both kinds of refusal pay for one argon2 with the same parameters."""
    strong = PasswordHasher(time_cost=2, memory_cost=8192, parallelism=1).hash(PASSWORD)
    staff = provider(checks, "ada", password_hash=strong)
    times = {"ada": [], "nobody": []}
    for _ in range(15):
        for name, spent in times.items():
            began = time.perf_counter()
            await staff.verify(name, "wrong", CALL)
            spent.append(time.perf_counter() - began)

    known, unknown = min(times["ada"]), min(times["nobody"])
    assert 0.5 < known / unknown < 2
    assert 0.3 < median(times["ada"]) / median(times["nobody"]) < 3


def test_the_registry_holds_it():
    assert PROVIDERS["users"] is Users


async def test_a_locked_user_is_told_so_only_with_the_right_password(checks):
    locked = provider(checks, "ada", locked=True)

    with pytest.raises(AccountLocked):
        await locked.verify("ada", PASSWORD, CALL)
    assert await locked.verify("ada", "wrong", CALL) is None


async def test_a_locked_user_is_not_found_and_keeps_name_and_id(checks):
    locked = provider(checks, "ada", locked=True)

    assert (await locked.lookup("100"), locked.listed("100")) == (None, None)
    assert locked.id_of("ADA") == "100"
    assert locked.id_of("nobody") == ""


async def test_each_password_has_a_mark_of_its_own(checks):
    """Sessions keep it, so that they end with the password; the hash cannot be told from it."""
    first, same = provider(checks, "ada").listed("100"), provider(checks, "ada").listed("100")
    other = provider(
        checks, "ada", password_hash=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    )

    assert first.password_mark == same.password_mark != other.listed("100").password_mark
    assert len(first.password_mark) == 16
    assert first.password_mark not in repr(first)
