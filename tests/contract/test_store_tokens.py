"""One token among those of a session: why it is dead, and how it comes to live longer. On both servers."""

from dataclasses import replace
from math import inf

import pytest
from fakes.records import access, digest, refresh, session

from gateway.errors import StoreUnavailable
from gateway.state.records import FoundToken, Standing


@pytest.fixture
async def one(store, clock):
    """A session with an access and a refresh token."""
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])
    return store


async def test_a_live_token_is_judged_as_it_is_found(one):
    assert await one.judge_token(digest("a")) == await one.find_token(digest("a"))
    assert isinstance(await one.judge_token(digest("r")), FoundToken)


async def test_a_token_nobody_issued_is_unknown(one):
    assert await one.judge_token(digest("never")) is Standing.UNKNOWN


async def test_a_token_that_is_over_has_expired(one, clock):
    clock.advance(900)

    assert await one.judge_token(digest("a")) is Standing.EXPIRED


async def test_a_token_whose_session_is_over_has_expired(store, clock):
    await store.open_session(session("s1", clock, absolute_expiry=clock() + 60), [refresh("r", clock)])
    clock.advance(60)

    assert await store.judge_token(digest("r")) is Standing.EXPIRED


async def test_a_token_that_was_revoked_alone_is_revoked_and_its_siblings_live(one):
    await one.revoke_token(digest("a"))

    assert await one.judge_token(digest("a")) is Standing.REVOKED
    assert isinstance(await one.judge_token(digest("r")), FoundToken)


@pytest.mark.parametrize(
    "revoke",
    [
        lambda store: store.revoke_session("s1", "test"),
        lambda store: store.revoke_user("staff", "101", "test"),
        lambda store: store.revoke_tenant("GardenWorld", "test"),
        lambda store: store.revoke_all("test"),
    ],
)
async def test_tokens_of_a_revoked_session_are_revoked(one, revoke):
    await revoke(one)

    assert [await one.judge_token(digest(name)) for name in "ar"] == [Standing.REVOKED, Standing.REVOKED]


async def test_a_pointer_to_a_session_that_does_not_list_the_token_is_unknown(one):
    await one.calls.one("HDEL", one.keys.session("s1"), digest("a"))

    assert await one.judge_token(digest("a")) is Standing.UNKNOWN


async def test_a_token_lives_longer_and_its_session_its_pointer_and_its_listing_with_it(server, one, clock):
    until = clock() + 500_000

    assert await one.extend_token("s1", digest("a"), until)

    assert (await one.find_token(digest("a"))).record == replace(access("a", clock), expires_at=until)
    lives = [server.admin("PTTL", key) for key in (one.keys.session("s1"), one.keys.token(digest("a")))]
    assert all(499_000_000 < life <= 500_100_000 for life in lives)
    clock.advance(499_999)
    assert isinstance(await one.judge_token(digest("a")), FoundToken)
    assert len(await one.sessions_of("staff", "101")) == 1
    clock.advance(1)
    assert await one.judge_token(digest("a")) is Standing.EXPIRED


async def test_a_token_never_comes_to_live_shorter(one, clock):
    until = clock() + 900

    assert await one.extend_token("s1", digest("a"), clock() + 10)

    assert (await one.find_token(digest("a"))).record.expires_at == until


async def test_a_token_may_lose_its_end(server, one, clock):
    assert await one.extend_token("s1", digest("a"), inf)
    clock.advance(1e9)

    assert (await one.find_token(digest("a"))).record.expires_at == inf
    assert server.admin("TTL", one.keys.session("s1")) == -1
    assert server.admin("TTL", one.keys.token(digest("a"))) == -1


async def test_what_is_dead_does_not_come_back(one, clock):
    until = clock() + 500_000
    await one.revoke_token(digest("a"))
    assert not await one.extend_token("s1", digest("a"), until)
    assert not await one.extend_token("s1", digest("never"), until)
    assert not await one.extend_token("never", digest("a"), until)

    clock.advance(86400)
    assert not await one.extend_token("s1", digest("r"), until)
    await one.revoke_session("s1", "test")
    assert not await one.extend_token("s1", digest("r"), until)

    assert await one.judge_token(digest("a")) is Standing.REVOKED
    assert await one.find_token(digest("r")) is None


async def test_an_outage_is_an_outage(one, clock):
    one.calls.timeout = 0.0

    with pytest.raises(StoreUnavailable):
        await one.judge_token(digest("a"))
    with pytest.raises(StoreUnavailable):
        await one.extend_token("s1", digest("a"), clock() + 1)
