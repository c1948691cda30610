"""Failed logins, counted in the store: who may try, who is banned, for how long. On both servers."""

import asyncio
from itertools import count

import pytest

from gateway.errors import StoreUnavailable
from gateway.state.attempts import Attempt, Attempts, Limits, NewBans, Verdict

LIMITS = Limits(max_failures=3, window=60.0, ban=120.0)
NUMBERS = count()


@pytest.fixture
def attempts(store, clock):
    return Attempts(store.calls, store.keys, clock)


def attempt(name="ada", address="192.0.2.7", **changes):
    fields = {"provider": "staff", "user_id": "", "address_is_shared": False, "limits": LIMITS, **changes}
    return Attempt(id=f"{next(NUMBERS):016x}", name=name, address=address, **fields)


async def fail(attempts, **who):
    """One wrong password, all the way."""
    tried = attempt(**who)
    assert (await attempts.reserve(tried)).verdict is Verdict.RESERVED
    return await attempts.failed(tried)


async def verdict(attempts, **who):
    """What an attempt would hear now; nothing stays of it."""
    tried = attempt(**who)
    found = await attempts.reserve(tried)
    if found.verdict is Verdict.RESERVED:
        await attempts.released(tried)
    return found.verdict


async def test_an_account_is_banned_from_an_address_at_its_last_failure(attempts):
    assert await fail(attempts) == NewBans()
    assert await fail(attempts) == NewBans()
    assert await fail(attempts) == NewBans(account=True)

    found = await attempts.reserve(attempt())
    assert (found.verdict, found.retry_after) == (Verdict.BANNED, 120.0)


async def test_a_ban_is_for_the_account_and_the_address_together(attempts):
    for _ in range(3):
        await fail(attempts)

    assert await verdict(attempts, name="bob") is Verdict.RESERVED
    assert await verdict(attempts, address="192.0.2.8") is Verdict.RESERVED
    assert await verdict(attempts, provider="other") is Verdict.RESERVED


async def test_a_ban_ends_and_all_tries_are_there_again(attempts, clock):
    for _ in range(3):
        await fail(attempts)
    clock.advance(119.5)
    assert (await attempts.reserve(attempt())).retry_after == 0.5

    clock.advance(0.5)

    assert await fail(attempts) == NewBans()
    assert await fail(attempts) == NewBans()


async def test_a_ban_shorter_than_the_window_ends_just_as_well(attempts):
    short = Limits(max_failures=2, window=600.0, ban=0.001)
    await fail(attempts, limits=short)

    assert await fail(attempts, limits=short) == NewBans(account=True)

    assert (await attempts.reserve(attempt(limits=short))).verdict is Verdict.BANNED


async def test_failures_age_out_one_by_one(attempts, clock):
    """A window that slides: no border at which the count begins anew."""
    await fail(attempts)
    clock.advance(40)
    await fail(attempts)
    clock.advance(30)

    assert await fail(attempts) == NewBans()
    assert await fail(attempts) == NewBans(account=True)


async def test_a_right_password_resets_the_account_here_and_not_the_address(attempts):
    everyone = Limits(max_failures=1)
    for number in range(9):
        await fail(attempts, name=f"user{number}", limits=everyone)
    right = attempt(name="ada", limits=everyone)
    await attempts.reserve(right)
    await attempts.succeeded(right, "101")

    assert await fail(attempts, name="last", limits=everyone) == NewBans(account=True, address=True)


async def test_a_right_password_forgets_what_failed_before(attempts):
    for _ in range(2):
        await fail(attempts)
    right = attempt()
    await attempts.reserve(right)
    await attempts.succeeded(right, "101")

    assert await fail(attempts) == NewBans()
    assert await fail(attempts) == NewBans()


async def test_an_address_is_banned_for_every_account_at_ten_times_the_limit(attempts):
    for number in range(29):
        assert not (await fail(attempts, name=f"user{number}")).address
    assert await fail(attempts, name="user29") == NewBans(address=True)

    found = await attempts.reserve(attempt(name="somebody else"))
    assert (found.verdict, found.retry_after) == (Verdict.BANNED, 120.0)
    assert await verdict(attempts, name="somebody else", address="192.0.2.8") is Verdict.RESERVED


async def test_a_shared_address_is_counted_and_never_banned(attempts):
    for number in range(40):
        assert await fail(attempts, name=f"user{number}", address_is_shared=True) == NewBans()

    found = await attempts.reserve(attempt(name="more", address_is_shared=True))

    assert (found.verdict, found.address_failures) == (Verdict.RESERVED, 40)


async def test_an_account_behind_a_shared_address_is_banned_from_there(attempts):
    for _ in range(3):
        await fail(attempts, address_is_shared=True)

    assert await verdict(attempts, address_is_shared=True) is Verdict.BANNED
    assert await verdict(attempts, address="192.0.2.8") is Verdict.RESERVED


async def test_two_hundred_at_once_get_as_many_tries_as_may_fail(attempts):
    found = await asyncio.gather(*(attempts.reserve(attempt()) for _ in range(200)))

    assert [one.verdict for one in found].count(Verdict.RESERVED) == 3
    assert {one.verdict for one in found} == {Verdict.RESERVED, Verdict.BUSY}


async def test_two_gateways_share_one_count(server, store, clock):
    other = server.connect(clock)
    here, there = Attempts(store.calls, store.keys, clock), Attempts(other.calls, other.keys, clock)
    found = await asyncio.gather(*(each.reserve(attempt()) for _ in range(50) for each in (here, there)))

    assert [one.verdict for one in found].count(Verdict.RESERVED) == 3
    await other.close()


async def test_accounts_at_once_from_one_address_are_no_more_than_the_address_may_fail(attempts):
    found = await asyncio.gather(*(attempts.reserve(attempt(name=f"user{number}")) for number in range(100)))

    assert [one.verdict for one in found].count(Verdict.RESERVED) == 30


async def test_a_try_that_was_given_back_is_there_again(attempts):
    held = [attempt() for _ in range(3)]
    for one in held:
        await attempts.reserve(one)
    assert await verdict(attempts) is Verdict.BUSY

    await attempts.released(held[0])

    assert await verdict(attempts) is Verdict.RESERVED


async def test_a_try_that_nobody_settled_counts_as_failed(attempts, clock):
    """The gateway died after the password was looked at: nobody may gain a try by that."""
    slow = Limits(max_failures=3, window=600.0, ban=600.0)
    for _ in range(3):
        await attempts.reserve(attempt(limits=slow))
    clock.advance(121)

    found = await attempts.reserve(attempt(limits=slow))

    assert (found.verdict, found.retry_after) == (Verdict.BANNED, pytest.approx(479.0))


async def test_an_account_is_counted_wherever_its_failures_come_from(attempts, clock):
    for number in range(4):
        await fail(attempts, address=f"192.0.2.{number}")
    right = attempt()
    await attempts.reserve(right)
    await attempts.succeeded(right, "")

    assert (await attempts.reserve(attempt(address="198.51.100.1"))).account_failures == 4
    clock.advance(61)
    assert (await attempts.reserve(attempt(address="198.51.100.2"))).account_failures == 0


async def test_every_name_that_a_user_has_logged_in_by_is_one_account(attempts):
    """An e-mail address beside a user name was a second counter in Authelia (CVE-2025-24806)."""
    for name in ("ada", "ada@example.com"):
        right = attempt(name=name)
        await attempts.reserve(right)
        await attempts.succeeded(right, "101")
    names = {name: await attempts.user_named("staff", name) for name in ("ada", "ada@example.com", "bob")}
    assert names == {"ada": "101", "ada@example.com": "101", "bob": ""}
    assert await attempts.user_named("other", "ada") == ""

    await fail(attempts, name="ada", user_id="101")
    await fail(attempts, name="ada@example.com", user_id="101")

    assert await fail(attempts, name="ada", user_id="101") == NewBans(account=True)


async def test_what_failed_before_the_first_login_by_a_name_is_not_forgotten_by_it(attempts):
    """The first right password tells whose name it is, from wherever it comes: a guesser's count goes on."""
    guesser = {"address": "203.0.113.9"}
    for _ in range(2):
        await fail(attempts, **guesser)
    await fail(attempts, address="203.0.113.10")
    right = attempt()
    await attempts.reserve(right)
    await attempts.succeeded(right, "101")

    assert await fail(attempts, user_id="101", **guesser) == NewBans(account=True)
    assert await verdict(attempts, user_id="101", **guesser) is Verdict.BANNED
    seen = await attempts.reserve(attempt(user_id="101", address="203.0.113.11"))
    assert (seen.verdict, seen.account_failures) == (Verdict.RESERVED, 4)


async def test_a_ban_from_before_the_first_login_by_a_name_stays_in_force(attempts):
    guesser = {"address": "203.0.113.9"}
    for _ in range(3):
        await fail(attempts, **guesser)
    right = attempt()
    await attempts.reserve(right)
    await attempts.succeeded(right, "101")

    assert await verdict(attempts, user_id="101", **guesser) is Verdict.BANNED


async def test_tries_under_way_when_a_name_becomes_known_are_counted_with_those_after(attempts):
    before = [attempt(address="203.0.113.9") for _ in range(2)]
    for one in before:
        await attempts.reserve(one)
    after = attempt(address="203.0.113.9", user_id="101")
    assert (await attempts.reserve(after)).verdict is Verdict.RESERVED
    assert await verdict(attempts, address="203.0.113.9", user_id="101") is Verdict.BUSY

    for one in (*before, after):
        bans = await attempts.failed(one)

    assert bans == NewBans(account=True)


async def test_a_right_password_forgets_what_failed_under_the_name_here(attempts):
    for _ in range(2):
        await fail(attempts)
    right = attempt(user_id="101")
    await attempts.reserve(right)
    await attempts.succeeded(right, "101")

    assert await fail(attempts, user_id="101") == NewBans()
    assert await fail(attempts, user_id="101") == NewBans()


async def test_an_id_that_reads_like_a_name_is_another_account(attempts):
    for _ in range(3):
        await fail(attempts, name="101")

    assert await verdict(attempts, name="ada", user_id="101") is Verdict.RESERVED


async def test_nothing_that_a_client_typed_stands_in_the_store_and_everything_ends(server, attempts):
    for _ in range(3):
        await fail(attempts, name="my secret passphrase", address="203.0.113.77")
    right = attempt(name="my secret passphrase", address="203.0.113.78")
    await attempts.reserve(right)
    await attempts.succeeded(right, "101")

    keys = server.admin("KEYS", "*")
    kept = {key: key + server.admin("DUMP", key) for key in keys}
    assert not [key for key, value in kept.items() if b"secret" in value]
    assert [key for key, value in kept.items() if b"113.77" in value] == [
        b"gw:b"
    ]  # operators see whom they let in again
    assert all(server.admin("TTL", key) > 0 for key in keys)
    assert max(server.admin("TTL", key) for key in keys if not key.startswith((b"gw:fn:", b"gw:b"))) <= 121


async def test_what_an_address_costs_is_bounded(server, attempts):
    for number in range(1300):
        tried = attempt(name=f"user{number % 10}", address_is_shared=True, limits=Limits(max_failures=100))
        await attempts.reserve(tried)
        await attempts.failed(tried)

    sizes = [server.admin("ZCARD", key) for key in server.admin("KEYS", "gw:f:*") + server.admin("KEYS", "gw:fa:*")]
    assert max(sizes) == 1000
    assert sum(server.admin("MEMORY", "USAGE", key) for key in server.admin("KEYS", "gw:f*")) < 400_000


async def test_what_a_failed_login_costs(server, attempts):
    """The figure in the docstring."""
    for number in range(100):
        await fail(attempts, name=f"user{number}", address=f"192.0.2.{number}")

    assert sum(server.admin("MEMORY", "USAGE", key) for key in server.admin("KEYS", "gw:f*")) < 100 * 0.6 * 1024


async def test_a_failed_login_of_a_store_that_is_away_is_an_outage(own_server, clock):
    store = own_server.connect(clock, timeout=0.2)
    attempts = Attempts(store.calls, store.keys, clock)
    tried = attempt()
    await attempts.reserve(tried)
    own_server.pause()

    for step in (
        attempts.failed(tried),
        attempts.released(tried),
        attempts.reserve(attempt()),
        attempts.user_named("staff", "ada"),
    ):
        with pytest.raises(StoreUnavailable):
            await step

    own_server.resume()
    await store.close()
