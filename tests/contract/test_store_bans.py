"""Bans are listed while they are in force, and lifted before their time. On both servers."""

from itertools import count

import pytest

from gateway.errors import StoreUnavailable
from gateway.state.attempts import Attempt, Attempts, Limits, Verdict
from gateway.state.keys import account_tag

LIMITS = Limits(max_failures=2, window=60.0, ban=120.0)
NUMBERS = count()
ADA, BOB = account_tag("staff", user_id="101"), account_tag("staff", user_id="102")
HERE, THERE = "192.0.2.7", "198.51.100.9"


@pytest.fixture
def attempts(store, clock):
    return Attempts(store.calls, store.keys, clock)


def attempt(user_id="101", address=HERE, **changes):
    fields = {"name": "ada", "address_is_shared": False, "limits": LIMITS, **changes}
    return Attempt(id=f"{next(NUMBERS):016x}", provider="staff", user_id=user_id, address=address, **fields)


async def fail(attempts, times=2, **who):
    for _ in range(times):
        tried = attempt(**who)
        assert (await attempts.reserve(tried)).verdict is Verdict.RESERVED
        bans = await attempts.failed(tried)
    return bans


async def verdict(attempts, **who):
    tried = attempt(**who)
    found = await attempts.reserve(tried)
    if found.verdict is Verdict.RESERVED:
        await attempts.released(tried)
    return found.verdict


async def test_a_ban_is_listed_from_its_beginning_to_its_end(attempts, clock):
    await fail(attempts)
    clock.advance(10)
    await fail(attempts, address=THERE)

    first, second = await attempts.bans.listed()
    assert (first.scope, first.provider, first.user_id, first.address) == ("account", "staff", "101", HERE)
    assert (second.address, second.until - first.until) == (THERE, 10.0)
    clock.advance(110)
    assert await attempts.bans.listed() == [second]
    clock.advance(10)
    assert await attempts.bans.listed() == []


async def test_a_banned_address_is_listed_without_an_account(attempts):
    for number in range(20):
        await fail(attempts, 1, user_id=f"user{number}")

    (ban,) = await attempts.bans.listed()
    assert (ban.scope, ban.address, ban.user_id, ban.provider) == ("address", HERE, "", "")


async def test_a_lifted_account_may_try_as_often_as_if_nothing_had_been(attempts):
    await fail(attempts)
    await fail(attempts, address=THERE)
    await fail(attempts, user_id="102")

    assert await attempts.bans.lift(accounts={ADA}) == 2

    assert [ban.user_id for ban in await attempts.bans.listed()] == ["102"]
    assert not (await fail(attempts, 1)).account
    assert await verdict(attempts, address=THERE) is Verdict.RESERVED
    assert await verdict(attempts, user_id="102") is Verdict.BANNED
    assert (await attempts.reserve(attempt(address="203.0.113.1"))).account_failures == 1


async def test_an_account_is_lifted_from_one_address_alone(attempts):
    await fail(attempts)
    await fail(attempts, address=THERE)

    assert await attempts.bans.lift(accounts={ADA}, address=HERE) == 1

    assert await verdict(attempts) is Verdict.RESERVED
    assert await verdict(attempts, address=THERE) is Verdict.BANNED


async def test_an_address_is_lifted_with_all_accounts_from_there(attempts):
    for number in range(18):
        await fail(attempts, 1, user_id=f"user{number}")
    await fail(attempts)
    await fail(attempts, address=THERE)
    assert await verdict(attempts, user_id="somebody") is Verdict.BANNED

    assert await attempts.bans.lift(address=HERE) == 2

    assert await verdict(attempts) is Verdict.RESERVED
    assert await verdict(attempts, user_id="somebody") is Verdict.RESERVED
    assert await verdict(attempts, address=THERE) is Verdict.BANNED


async def test_all_bans_are_lifted_at_once(attempts):
    await fail(attempts)
    await fail(attempts, user_id="102", address=THERE)

    assert await attempts.bans.lift() == 2

    assert await attempts.bans.listed() == []
    assert await verdict(attempts) is Verdict.RESERVED


async def test_a_ban_that_was_never_listed_is_lifted_by_account_and_address(server, attempts):
    await fail(attempts)
    server.admin("DEL", "gw:b")
    assert await attempts.bans.listed() == []

    assert await attempts.bans.lift(accounts={ADA}) == 0
    assert await attempts.bans.lift(accounts={BOB, ADA}, address=HERE) == 1

    assert await verdict(attempts) is Verdict.RESERVED


async def test_a_listed_ban_whose_counter_is_gone_is_not_told(server, attempts):
    await fail(attempts)
    for key in server.admin("KEYS", "gw:f:*"):
        server.admin("DEL", key)

    assert await attempts.bans.listed() == []
    assert await attempts.bans.lift() == 0


async def test_what_is_being_judged_goes_on_while_a_ban_is_lifted(attempts):
    await fail(attempts, 1)
    tried = attempt()
    await attempts.reserve(tried)

    await attempts.bans.lift(accounts={ADA}, address=HERE)

    other = attempt()
    assert (await attempts.reserve(other)).verdict is Verdict.RESERVED
    assert await verdict(attempts) is Verdict.BUSY
    assert not (await attempts.failed(tried)).account
    assert (await attempts.failed(other)).account


async def test_the_list_ends_with_its_last_ban_and_costs_little(server, attempts):
    """The figure in the docstring."""
    for number in range(100):
        await fail(attempts, user_id=f"user{number}", address=f"192.0.2.{number}")

    assert 0 < server.admin("TTL", "gw:b") <= 120 + 61
    assert server.admin("MEMORY", "USAGE", "gw:b") < 100 * 0.3 * 1024


async def test_a_ban_holds_and_is_told_where_the_list_could_not_be_written(attempts, monkeypatch):
    async def away(_):
        raise StoreUnavailable("the store went away")

    monkeypatch.setattr(attempts.bans, "note", away)

    assert (await fail(attempts)).account
    assert await verdict(attempts) is Verdict.BANNED


async def test_a_store_that_is_away_is_an_outage(own_server, clock):
    store = own_server.connect(clock, timeout=0.2)
    bans = Attempts(store.calls, store.keys, clock).bans
    own_server.pause()

    for step in (bans.listed(), bans.lift(), bans.lift(address=HERE)):
        with pytest.raises(StoreUnavailable):
            await step

    own_server.resume()
    await store.close()
