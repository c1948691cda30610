"""Password checks: off the loop, bounded, and equally dear for names that do not exist."""

import asyncio

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from fakes.token_rig import HASHER, PASSWORD, PASSWORD_HASH

from gateway.errors import Unavailable
from gateway.identity_providers.passwords import PasswordChecks, decoy_hash, threads_for


async def test_the_right_password_matches_and_others_do_not(checks):
    assert await checks.matches(PASSWORD_HASH, PASSWORD)
    for wrong in ("", PASSWORD + " ", PASSWORD.upper(), "x" * 10_000):
        assert not await checks.matches(PASSWORD_HASH, wrong)


async def test_passwords_equal_in_their_first_72_bytes_are_not_equal(checks):
    """bcrypt stops there (CVE-2025-22228)."""
    assert not await checks.matches(HASHER.hash("x" * 72 + "right"), "x" * 72 + "wrong")


async def test_a_hash_that_is_none_matches_nothing(checks):
    assert not await checks.matches("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAA", PASSWORD)


def test_processes_that_share_a_machine_have_one_thread_each_at_least():
    alone = threads_for(1)

    assert alone >= threads_for(2) >= threads_for(256) == 1
    assert threads_for(2) * 2 <= max(2, alone)


async def test_a_full_queue_is_an_outage(checks):
    small = PasswordChecks(workers=1, queue=2)

    answers = await asyncio.gather(*(small.matches(PASSWORD_HASH, PASSWORD) for _ in range(10)), return_exceptions=True)

    assert answers.count(True) == 3
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 7
    assert refused[0].retry_after == 2
    small.close()


async def test_room_is_given_back_even_when_callers_leave():
    small = PasswordChecks(workers=1, queue=2)
    leaving = [asyncio.ensure_future(small.matches(PASSWORD_HASH, PASSWORD)) for _ in range(3)]
    await asyncio.sleep(0)
    for one in leaving:
        one.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)

    async with asyncio.timeout(60):
        while small._pending:  # noqa: ASYNC110 - the count is all there is to wait for
            await asyncio.sleep(0)

    assert await small.matches(PASSWORD_HASH, PASSWORD)
    small.close()


async def test_a_closed_pool_keeps_no_count():
    small = PasswordChecks(workers=1, queue=1)
    small.close()

    with pytest.raises(RuntimeError):
        await small.matches(PASSWORD_HASH, PASSWORD)

    assert small._pending == 0


def test_a_check_that_ends_after_the_loop_disturbs_nobody():
    small = PasswordChecks(workers=1, queue=1)

    async def leave():
        asyncio.ensure_future(small.matches(PASSWORD_HASH, PASSWORD))  # noqa: RUF006 - the loop ends before it
        await asyncio.sleep(0)

    asyncio.run(leave())
    small._pool.shutdown(wait=True)

    assert small._pending <= 1


def test_the_decoy_costs_what_most_hashes_do():
    rare, usual = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("x"), PASSWORD_HASH

    assert extract_parameters(decoy_hash([rare, usual, usual])) == extract_parameters(usual)
    assert decoy_hash([usual]) != decoy_hash([usual])
    assert extract_parameters(decoy_hash([])) == extract_parameters(PasswordHasher().hash("x"))


def test_the_decoy_is_checked_to_the_end_and_does_not_match():
    """A malformed hash would be refused at once, and tell."""
    with pytest.raises(VerifyMismatchError):
        HASHER.verify(decoy_hash([PASSWORD_HASH]), PASSWORD)
