"""Refresh: one successor, a fixed grace, theft, retries, races and bounds. On both servers."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from fakes.records import access, digest, refresh, rotation, session

from gateway.model import TokenKind
from gateway.state.records import Outcome, RotationResult, Standing, TokenKnown, TokenRecord


@pytest.fixture
async def opened(store, clock):
    """Session s1 with the tokens a and r."""
    whole = session("s1", clock)
    await store.open_session(whole, [access("a", clock), refresh("r", clock)])
    return whole


async def test_a_refresh_token_is_spent_for_its_successors(store, clock, opened):
    result = await store.rotate(rotation("s1", "r", "n", clock))

    assert result == RotationResult(Outcome.ROTATED, session=opened)
    assert await store.find_token(digest("r")) is None
    assert (await store.find_refresh(digest("r"))).standing is Standing.SPENT
    assert (await store.find_refresh(digest("n.refresh"))).standing is Standing.LIVE
    assert (await store.find_token(digest("n.access"))).session == opened
    assert await store.find_token(digest("a")), "rotation alone kills no access token"


async def test_a_second_use_within_the_grace_gets_the_first_answer(store, clock, opened):
    await store.rotate(rotation("s1", "r", "first", clock))
    clock.advance(10)

    result = await store.rotate(rotation("s1", "r", "second", clock))

    assert result == RotationResult(Outcome.REPLAYED, b"sealed first", opened)
    assert await store.find_token(digest("second.access")) is None
    assert await store.find_refresh(digest("second.refresh")) is None


async def test_the_grace_runs_from_the_first_use_and_never_slides(store, clock, opened):
    await store.rotate(rotation("s1", "r", "first", clock))
    clock.advance(9)
    await store.rotate(rotation("s1", "r", "second", clock))
    clock.advance(2)

    assert (await store.rotate(rotation("s1", "r", "third", clock))).outcome is Outcome.REUSED


async def test_reuse_after_the_grace_ends_the_whole_session(store, clock, opened):
    await store.rotate(rotation("s1", "r", "first", clock))
    clock.advance(11)

    result = await store.rotate(rotation("s1", "r", "thief", clock))

    assert result == RotationResult(Outcome.REUSED, session=opened)
    for name in ("a", "r", "first.access", "first.refresh", "thief.access", "thief.refresh"):
        assert await store.find_token(digest(name)) is None
    assert (await store.rotate(rotation("s1", "first.refresh", "n", clock))).outcome is Outcome.REVOKED
    assert (await store.find_refresh(digest("first.refresh"))).standing is Standing.REVOKED


async def test_without_grace_a_second_use_is_a_breach_at_once(store, clock, opened):
    await store.rotate(rotation("s1", "r", "first", clock, grace=0.0))

    assert (await store.rotate(rotation("s1", "r", "second", clock, grace=0.0))).outcome is Outcome.REUSED
    assert await store.find_token(digest("first.access")) is None


async def test_without_grace_a_rotation_that_nobody_heard_of_is_answered_again(store, clock, opened):
    """The store committed and its answer was lost: what comes next is a client that was told to try again."""
    rules = {"grace": 0.0, "unsettled": 60.0}
    await store.rotate(rotation("s1", "r", "first", clock, **rules))

    soon = await store.rotate(rotation("s1", "r", "second", clock, **rules))
    clock.advance(2)
    again = await store.rotate(rotation("s1", "r", "third", clock, **rules))

    assert soon.outcome is Outcome.UNSETTLED
    assert again == RotationResult(Outcome.REPLAYED, b"sealed first", opened)
    assert await store.find_token(digest("first.access"))
    assert await store.find_token(digest("second.access")) is None


async def test_without_grace_a_settled_rotation_makes_a_second_use_a_breach(store, clock, opened):
    first = rotation("s1", "r", "first", clock, grace=0.0, unsettled=60.0)
    await store.rotate(first)
    await store.settle_rotation(first)

    second = await store.rotate(rotation("s1", "r", "second", clock, grace=0.0, unsettled=60.0))

    assert second.outcome is Outcome.REUSED


async def test_what_nobody_settled_is_a_breach_after_its_time(server, store, clock, opened):
    rules = {"grace": 0.0, "unsettled": 60.0}
    await store.rotate(rotation("s1", "r", "first", clock, **rules))
    assert 60_000 < server.admin("PTTL", "gw:g:{s1}") <= 61_000
    clock.advance(61)

    assert (await store.rotate(rotation("s1", "r", "second", clock, **rules))).outcome is Outcome.REUSED


async def test_only_the_last_rotation_of_a_session_may_be_unsettled(server, store, clock, opened):
    rules = {"grace": 0.0, "unsettled": 60.0}
    await store.rotate(rotation("s1", "r", "n1", clock, **rules))
    await store.rotate(rotation("s1", "n1.refresh", "n2", clock, **rules))

    assert server.admin("HKEYS", "gw:g:{s1}") == [b"?" + digest("n1.refresh").encode()]
    clock.advance(3)
    assert (await store.rotate(rotation("s1", "r", "late", clock, **rules))).outcome is Outcome.REUSED


async def test_a_late_request_is_answered_even_if_its_successor_was_spent_since(store, clock, opened):
    """Three tabs: the second refreshes again before the third has its answer."""
    await store.rotate(rotation("s1", "r", "n1", clock))
    await store.rotate(rotation("s1", "n1.refresh", "n2", clock))
    await store.rotate(rotation("s1", "n2.refresh", "n3", clock))

    late = await store.rotate(rotation("s1", "r", "late", clock))

    assert (late.outcome, late.sealed) == (Outcome.REPLAYED, b"sealed n1")
    assert await store.find_token(digest("n3.access"))


async def test_sealed_successors_are_not_kept_longer_than_the_grace(server, store, clock, opened):
    await store.rotate(rotation("s1", "r", "n1", clock, grace=5.0))
    assert server.admin("PTTL", "gw:g:{s1}") <= 6000

    clock.advance(6)
    await store.rotate(rotation("s1", "n1.refresh", "n2", clock))

    assert server.admin("HKEYS", "gw:g:{s1}") == [digest("n1.refresh").encode()]


async def test_the_same_rotation_again_is_the_same_answer(store, clock, opened):
    """A time-out may have hidden the first answer: a store failure consumes nothing."""
    same = rotation("s1", "r", "n", clock, grace=0.0)
    await store.rotate(same)

    assert (await store.rotate(same)).outcome is Outcome.ROTATED
    assert await store.find_token(digest("n.access"))
    assert await store.find_token(digest("n.refresh"))


async def test_a_known_successor_is_refused_and_nothing_is_spent(store, clock, opened):
    clash = (access("a", clock), refresh("n.refresh", clock))

    with pytest.raises(TokenKnown):
        await store.rotate(rotation("s1", "r", "n", clock, successors=clash))

    assert (await store.find_refresh(digest("r"))).standing is Standing.LIVE
    assert await store.find_refresh(digest("n.refresh")) is None


async def test_a_second_use_is_never_taken_for_a_repetition_because_the_access_token_is_the_same(store, clock, opened):
    """Where nothing in an access token is random, two refreshes of one second make the same bytes."""
    first, second = (
        rotation("s1", "r", name, clock, grace=0.0, successors=(access("same", clock), refresh(name, clock)))
        for name in ("first", "second")
    )
    await store.rotate(first)

    with pytest.raises(TokenKnown):
        await store.rotate(second)

    assert await store.find_refresh(digest("second")) is None
    assert await store.find_token(digest("same"))
    assert (await store.rotate(rotation("s1", "r", "other", clock, grace=0.0))).outcome is Outcome.REUSED


async def test_of_simultaneous_refreshes_with_the_same_access_token_one_wins_and_its_tokens_live(store, clock, opened):
    rivals = [
        rotation("s1", "r", name, clock, successors=(access("same", clock), refresh(name, clock)))
        for name in map(str, range(20))
    ]

    results = await asyncio.gather(*(store.rotate(each) for each in rivals), return_exceptions=True)

    won = [name for name, result in enumerate(results) if isinstance(result, RotationResult)]
    assert [results[name].outcome for name in won] == [Outcome.ROTATED]
    assert sum(isinstance(result, TokenKnown) for result in results) == 19
    assert await store.find_token(digest("same"))
    assert (await store.find_refresh(digest(str(won[0])))).standing is Standing.LIVE


async def test_a_successor_known_to_another_session_is_refused(store, clock, opened):
    await store.open_session(session("s2", clock), [access("theirs", clock)])
    clash = (access("theirs", clock), refresh("n.refresh", clock))

    with pytest.raises(TokenKnown):
        await store.rotate(rotation("s1", "r", "n", clock, successors=clash))

    assert (await store.find_token(digest("theirs"))).session.id == "s2"


@pytest.mark.parametrize("spent", ["a", "never", "url"])
async def test_only_a_refresh_token_of_the_session_is_rotated(store, clock, opened, spent):
    await store.add_tokens("s1", [TokenRecord(digest("url"), TokenKind.URL, clock() + 60)])

    assert (await store.rotate(rotation("s1", spent, "n", clock))).outcome is Outcome.UNKNOWN
    assert await store.find_refresh(digest(spent)) is None
    assert await store.find_token(digest("r")), "a mistake is no theft"


async def test_a_token_of_another_session_is_unknown(store, clock, opened):
    await store.open_session(session("s2", clock), [refresh("theirs", clock)])

    assert (await store.rotate(rotation("s1", "theirs", "n", clock))).outcome is Outcome.UNKNOWN
    assert (await store.rotate(rotation("never", "theirs", "m", clock))).outcome is Outcome.UNKNOWN


async def test_an_expired_refresh_token_is_not_rotated(store, clock, opened):
    clock.advance(86400)

    assert (await store.find_refresh(digest("r"))).standing is Standing.EXPIRED
    assert (await store.rotate(rotation("s1", "r", "n", clock))).outcome is Outcome.EXPIRED
    assert await store.find_token(digest("n.access")) is None


async def test_a_rotation_after_the_logout_gets_nothing(store, clock, opened):
    await store.revoke_session("s1", "logout")

    result = await store.rotate(rotation("s1", "r", "n", clock))

    assert result == RotationResult(Outcome.REVOKED, session=opened)
    assert await store.find_token(digest("n.access")) is None


async def test_without_rotation_the_refresh_token_stays(store, clock, opened):
    for name in ("n1", "n2"):
        rules = {"rotate": False, "successors": (access(f"{name}.access", clock),)}
        assert (await store.rotate(rotation("s1", "r", name, clock, **rules))).outcome is Outcome.ROTATED

    for name in ("a", "r", "n1.access", "n2.access"):
        assert await store.find_token(digest(name))


async def test_a_login_may_kill_the_earlier_access_tokens(store, clock, opened):
    await store.add_tokens("s1", [TokenRecord(digest("app"), TokenKind.APPLICATION)])

    await store.rotate(rotation("s1", "r", "n", clock, revoke_access=True))

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("app")), "an application token is no access token of this login"
    assert await store.find_token(digest("n.access"))


async def test_a_refresh_brings_the_roles_of_now(store, clock, opened):
    promoted = replace(opened, roles=("boss",), tenant="Other")

    result = await store.rotate(rotation("s1", "r", "n", clock, session=promoted))

    assert result.session == promoted
    assert (await store.find_token(digest("n.access"))).session == promoted
    assert (await store.find_token(digest("a"))).session == promoted


async def test_a_session_slides_with_its_tokens(server, store, clock, opened):
    clock.advance(86000)
    await store.rotate(rotation("s1", "r", "n", clock))
    clock.advance(86000)

    assert await store.find_token(digest("n.refresh"))
    assert [found.id for found in await store.sessions_of("staff", "101")] == ["s1"]
    for key in ("gw:s:{s1}", "gw:x:{s1}"):
        assert 86400 <= server.admin("TTL", key) <= 86400 + 60


@pytest.mark.parametrize("grace", [10.0, 0.0])
async def test_of_fifty_simultaneous_refreshes_one_makes_the_successor(server, store, clock, opened, grace):
    """Several gateways at once: no connection, no process and no lock is shared."""
    gateways = [server.connect(clock) for _ in range(5)]
    start = asyncio.Event()

    async def refresh_once(number):
        await start.wait()
        return await gateways[number % 5].rotate(rotation("s1", "r", f"n{number}", clock, grace=grace))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(refresh_once(number)) for number in range(50)]
        start.set()
    results = [task.result() for task in tasks]
    for gateway in gateways:
        await gateway.close()

    winner = next(at for at, result in enumerate(results) if result.outcome is Outcome.ROTATED)
    live = [at for at in range(50) if await store.find_token(digest(f"n{at}.access"))]
    outcomes = Counter(result.outcome for result in results)
    if grace:
        assert outcomes == {Outcome.ROTATED: 1, Outcome.REPLAYED: 49}
        assert {result.sealed for result in results} == {b"", f"sealed n{winner}".encode()}
        assert live == [winner]
    else:
        assert outcomes == {Outcome.ROTATED: 1, Outcome.REUSED: 1, Outcome.REVOKED: 48}
        assert live == []


async def test_those_that_lost_the_race_leave_nothing_behind(server, store, clock, opened):
    await asyncio.gather(*(store.rotate(rotation("s1", "r", f"n{number}", clock)) for number in range(20)))

    assert len(server.admin("KEYS", "gw:t:*")) == 4


async def test_a_session_stays_bounded_whatever_its_holder_does(server, store, clock, opened):
    spent = "r"
    for number in range(1030):
        name = f"n{number}"
        rules = {"sealed": b"s" * 1500, "session": opened}
        assert (await store.rotate(rotation("s1", spent, name, clock, **rules))).outcome is Outcome.ROTATED
        spent = f"{name}.refresh"

    keys = server.admin("KEYS", "*")
    cost = sum(server.admin("MEMORY", "USAGE", key, "SAMPLES", 0) for key in keys)
    assert len(keys) == 5 + 256 + 1000
    assert cost < 450 * 1024, cost
    assert server.admin("HLEN", "gw:g:{s1}") == 16
    assert await store.find_refresh(digest("r")) is None, "the oldest is forgotten, and opens nothing"
    assert (await store.find_refresh(digest("n100.refresh"))).standing is Standing.SPENT
    assert await store.find_token(digest("n1029.access"))
