"""Ending tokens, sessions, users, tenants and everything: what dies, what lives, and who is told. On both servers."""

import asyncio
from dataclasses import replace

import pytest
from fakes.hearing import Heard
from fakes.records import access, digest, refresh, rotation, session
from fakes.waiting import eventually

from gateway.model import TokenKind
from gateway.state.feed import Feed, Invalidation
from gateway.state.records import Outcome, Standing, TokenRecord


@pytest.fixture
async def heard(server, store):
    """What a gateway's feed hears, the (re)connect aside."""
    feed = Feed(store)
    heard = Heard(feed, server, timeless=True)
    await feed.start()
    await eventually(lambda: feed.alive)
    heard.clear()
    yield heard
    await feed.stop()


async def settled(heard, count):
    await eventually(lambda: len(heard) >= count)
    return heard


async def test_a_revoked_session_takes_all_its_tokens_along(store, clock, heard):
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])

    assert await store.revoke_session("s1", "logout")

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("r")) is None
    assert (await store.find_refresh(digest("r"))).standing is Standing.REVOKED
    assert await store.session("s1") is None
    assert await settled(heard, 1) == [Invalidation("session", session_id="s1")]


async def test_a_session_ends_once(store, clock, heard):
    await store.open_session(session("s1", clock), [access("a", clock)])
    await store.revoke_session("s1", "logout")

    assert not await store.revoke_session("s1", "again")
    assert not await store.revoke_session("never", "again")

    await asyncio.sleep(0.05)
    assert len(heard) == 1


async def test_a_tombstone_says_why_and_outlives_the_tokens(server, store, clock):
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])

    await store.revoke_session("s1", "logout")

    assert server.admin("HGET", "gw:s:{s1}", "revoked") == b"logout"
    assert server.admin("TTL", "gw:s:{s1}") >= server.admin("TTL", f"gw:t:{digest('r')}")
    assert server.admin("KEYS", "gw:[uw]:*") == [], "what is over is not listed"


async def test_one_token_is_revoked_and_the_rest_of_its_session_lives(store, clock, heard):
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])

    assert await store.revoke_token(digest("a"))

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("r"))
    assert await settled(heard, 1) == [Invalidation("token", token_hash=digest("a"))]
    assert not await store.revoke_token(digest("a"))
    assert not await store.revoke_token(digest("never"))


async def test_a_refresh_that_kills_access_tokens_tells_which(store, clock, heard):
    await store.open_session(session("s1", clock), [access("a", clock), access("b", clock), refresh("r", clock)])

    await store.rotate(rotation("s1", "r", "n", clock, revoke_access=True))

    assert {one.token_hash for one in await settled(heard, 2)} == {digest("a"), digest("b")}


async def test_theft_is_told_to_everybody(store, clock, heard):
    await store.open_session(session("s1", clock), [refresh("r", clock)])
    await store.rotate(rotation("s1", "r", "n", clock, grace=0.0))

    await store.rotate(rotation("s1", "r", "m", clock, grace=0.0))

    assert await settled(heard, 1) == [Invalidation("session", session_id="s1")]


async def test_a_user_is_logged_out_everywhere_and_may_come_back(store, clock, heard):
    await store.open_session(session("s1", clock), [access("a", clock)])
    await store.open_session(session("s2", clock, tenant=""), [TokenRecord(digest("b"), TokenKind.APPLICATION)])
    await store.open_session(session("s3", clock, user_id="7"), [access("c", clock)])
    await store.open_session(session("s4", clock, provider="other"), [access("d", clock)])

    assert await store.revoke_user("staff", "101", "fired") == 2

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("b")) is None
    assert await store.find_token(digest("c"))
    assert await store.find_token(digest("d"))
    assert (await settled(heard, 3))[0] == Invalidation("user", provider="staff", user_id="101")

    await store.open_session(session("s5", clock), [access("e", clock)])

    assert await store.find_token(digest("e")), "the clock stands still, and still a login after it counts"
    assert [one.id for one in await store.sessions_of("staff", "101")] == ["s5"]


async def test_names_with_separators_are_not_confused(store, clock):
    await store.open_session(session("s1", clock, provider="a", user_id="b c"), [access("a", clock)])
    await store.open_session(session("s2", clock, provider="a b", user_id="c"), [access("b", clock)])

    await store.revoke_user("a", "b c", "fired")

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("b"))


async def test_a_tenant_is_closed(store, clock, heard):
    await store.open_session(session("s1", clock, tenant="Garden"), [access("a", clock)])
    await store.open_session(session("s2", clock, tenant="System"), [access("b", clock)])
    await store.open_session(session("s3", clock, tenant=""), [access("c", clock)])

    assert await store.revoke_tenant("Garden", "closed") == 1

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("b"))
    assert await store.find_token(digest("c"))
    assert (await settled(heard, 2))[0] == Invalidation("tenant", tenant="Garden")


async def test_a_session_that_changed_its_tenant_follows_the_new_one(store, clock):
    """Its first token's pointer still names the old tenant's mark."""
    before = session("s1", clock, tenant="Garden")
    await store.open_session(before, [access("a", clock), refresh("r", clock)])
    await store.rotate(rotation("s1", "r", "next", clock, session=replace(before, tenant="System")))

    assert await store.revoke_tenant("Garden", "closed") == 0
    assert (await store.find_token(digest("a"))).session.tenant == "System"

    assert await store.revoke_tenant("System", "closed") == 1
    assert await store.find_token(digest("a")) is None


async def test_everybody_is_logged_out(store, clock, heard):
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])
    await store.open_session(session("s2", clock, user_id="7"), [TokenRecord(digest("b"), TokenKind.APPLICATION)])

    await store.revoke_all("leak")

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("b")) is None
    assert (await store.find_refresh(digest("r"))).standing is Standing.REVOKED
    assert await store.sessions_of("staff", "101") == []
    assert await store.session("s1") is None
    assert not await store.add_tokens("s1", [access("c", clock)])
    assert await settled(heard, 1) == [Invalidation("all")]

    await store.open_session(session("s3", clock), [access("d", clock)])
    assert await store.find_token(digest("d"))


@pytest.mark.parametrize("index", ["gw:u:*", "gw:w:*"])
async def test_a_lost_index_entry_saves_nobody(server, store, clock, index):
    """Indexes are hints; the mark decides."""
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])
    for key in server.admin("KEYS", index):
        server.admin("DEL", key)

    if index == "gw:u:*":
        await store.revoke_user("staff", "101", "fired")
    else:
        await store.revoke_tenant("GardenWorld", "closed")

    assert await store.find_token(digest("a")) is None
    assert (await store.find_refresh(digest("r"))).standing is Standing.REVOKED


async def test_tokens_made_for_a_session_behind_a_mark_open_nothing(server, store, clock):
    """A refresh that was under way when everybody was logged out."""
    await store.open_session(session("s1", clock), [refresh("r", clock)])
    under_way = rotation("s1", "r", "n", clock)
    await store.revoke_all("leak")

    assert (await store.rotate(under_way)).outcome is Outcome.ROTATED

    assert await store.find_token(digest("n.access")) is None
    assert (await store.find_refresh(digest("n.refresh"))).standing is Standing.REVOKED


async def test_a_session_opened_after_the_mark_is_not_ended_with_the_listed_ones(store, clock, monkeypatch):
    """Between the mark and the walk through the index, the user logs in again."""
    await store.open_session(session("s1", clock), [access("a", clock)])
    walk = store._revoke_listed

    async def log_in_first(*arguments):
        await store.open_session(session("s2", clock), [access("b", clock)])
        return await walk(*arguments)

    monkeypatch.setattr(store, "_revoke_listed", log_in_first)
    assert await store.revoke_user("staff", "101", "password changed") == 1

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("b"))
