"""Sessions and their tokens: what is found, what is not, and what is left behind. On both servers."""

from math import inf

import pytest
from fakes.records import access, digest, refresh, session

from gateway.errors import StoreUnavailable
from gateway.model import TokenKind
from gateway.state.records import FoundToken, Standing, TokenKnown, TokenRecord


async def test_a_token_is_found_with_its_session(store, clock):
    bob = session("s1", clock, user="Böb", context={"role": {"id": 102}}, scopes=("rest-api",), client_id="portal")
    tokens = [access("a", clock), refresh("r", clock)]

    await store.open_session(bob, tokens)

    assert await store.find_token(digest("a")) == FoundToken(tokens[0], bob)
    assert await store.find_token(digest("r")) == FoundToken(tokens[1], bob)
    assert await store.session("s1") == bob


async def test_a_token_nobody_issued_is_not_found(store):
    assert await store.find_token(digest("never")) is None
    assert await store.find_refresh(digest("never")) is None
    assert await store.session("never") is None


async def test_a_token_expires(store, clock):
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])

    clock.advance(900)

    assert await store.find_token(digest("a")) is None
    assert await store.find_token(digest("r")) is not None


async def test_no_token_outlives_the_absolute_expiry_of_its_session(store, clock):
    await store.open_session(session("s1", clock, absolute_expiry=clock() + 60), [refresh("r", clock)])

    clock.advance(60)

    assert await store.find_token(digest("r")) is None
    assert (await store.find_refresh(digest("r"))).standing is Standing.EXPIRED


async def test_a_token_without_an_end_lives_as_long_as_its_session(server, store, clock):
    endless = TokenRecord(digest("app"), TokenKind.APPLICATION)
    await store.open_session(session("s1", clock), [endless])

    clock.advance(1e9)

    assert (await store.find_token(digest("app"))).record == endless
    assert [server.admin("TTL", key) for key in server.admin("KEYS", "*")] == [-1] * 4

    await store.revoke_session("s1", "ended")

    assert await store.find_token(digest("app")) is None
    assert all(server.admin("TTL", key) > 0 for key in server.admin("KEYS", "*"))


async def test_the_first_tokens_of_an_hour_decide_nothing_for_later_ones(store, clock):
    """Marks, pointers and sessions are looked at on every call: nothing is remembered between two."""
    await store.open_session(session("s1", clock), [access("a", clock)])
    assert await store.find_token(digest("a"))

    await store.revoke_session("s1", "logout")

    assert await store.find_token(digest("a")) is None


async def test_tokens_are_added_to_a_live_session_only(store, clock):
    await store.open_session(session("s1", clock), [refresh("r", clock)])

    assert await store.add_tokens("s1", [access("a", clock)])
    await store.revoke_session("s1", "logout")

    assert not await store.add_tokens("s1", [access("b", clock)])
    assert not await store.add_tokens("never", [access("c", clock)])
    for name in "abc":
        assert await store.find_token(digest(name)) is None


async def test_bytes_that_are_known_are_never_issued_twice(store, clock):
    """A JWT without a random part can come out the same within one second."""
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])

    with pytest.raises(TokenKnown):
        await store.open_session(session("s2", clock, user_id="7"), [access("new", clock), access("a", clock)])
    with pytest.raises(TokenKnown):
        await store.add_tokens("s1", [access("a", clock)])

    assert await store.session("s2") is None
    assert await store.find_token(digest("new")) is None
    assert (await store.find_token(digest("a"))).session.id == "s1"


async def test_a_session_remembers_its_tokens_even_if_their_pointers_are_lost(server, store, clock):
    await store.open_session(session("s1", clock), [access("a", clock)])
    server.admin("DEL", f"gw:t:{digest('a')}")

    with pytest.raises(TokenKnown):
        await store.add_tokens("s1", [access("a", clock)])


async def test_bytes_of_a_revoked_token_do_not_come_back(store, clock):
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])
    await store.revoke_token(digest("a"))

    with pytest.raises(TokenKnown):
        await store.add_tokens("s1", [access("a", clock)])

    assert await store.find_token(digest("a")) is None


async def test_a_session_id_is_opened_once(store, clock):
    await store.open_session(session("s1", clock), [access("a", clock)])

    with pytest.raises(TokenKnown):
        await store.open_session(session("s1", clock, user_id="7"), [access("b", clock)])

    assert (await store.session("s1")).user_id == "101"
    assert await store.find_token(digest("b")) is None


async def test_a_pointer_alone_opens_nothing(server, store, clock):
    """It is written first: a crash between the two steps leaves only this."""
    await store.open_session(session("s1", clock), [access("a", clock)])
    server.admin("SET", f"gw:t:{digest('stray')}", server.admin("GET", f"gw:t:{digest('a')}"))

    assert await store.find_token(digest("stray")) is None
    assert await store.find_refresh(digest("stray")) is None


@pytest.mark.parametrize("rubbish", ["", "s1", "s1 x y", "s1 x y soon", b"\xff\xfe", "a b c 1 2"])
async def test_a_pointer_nobody_can_read_opens_nothing(server, store, clock, rubbish):
    server.admin("SET", f"gw:t:{digest('a')}", rubbish)

    assert await store.find_token(digest("a")) is None


@pytest.mark.parametrize("rubbish", ["", "{", "[]", "null", '{"id":"s1"}', '{"id":7}'])
async def test_a_session_nobody_can_read_opens_nothing(server, store, clock, rubbish):
    await store.open_session(session("s1", clock), [access("a", clock)])
    server.admin("HSET", "gw:s:{s1}", "meta", rubbish)

    assert await store.find_token(digest("a")) is None
    assert await store.sessions_of("staff", "101") == []


async def test_a_record_that_names_another_session_is_an_outage_not_a_login(server, store, clock):
    await store.open_session(session("s1", clock), [access("a", clock)])
    server.admin("HSET", "gw:s:{s1}", "id", "s2")

    with pytest.raises(StoreUnavailable, match="another session"):
        await store.find_token(digest("a"))


async def test_a_record_that_names_another_token_is_an_outage_not_a_login(server, store, clock):
    await store.open_session(session("s1", clock), [access("a", clock), access("b", clock)])
    server.admin("HSET", "gw:s:{s1}", digest("a"), server.admin("HGET", "gw:s:{s1}", digest("b")))

    with pytest.raises(StoreUnavailable, match="another token"):
        await store.find_token(digest("a"))


@pytest.mark.parametrize(
    ("key", "field", "rubbish"),
    [("gw:s:{s1}", "opened", "soon"), ("gw:s:{s1}", digest("a"), "access"), ("gw:s:{s1}", digest("a"), "toll 1 - x")],
)
async def test_a_damaged_record_is_an_outage_not_a_bad_credential(server, store, clock, key, field, rubbish):
    await store.open_session(session("s1", clock), [access("a", clock)])
    server.admin("HSET", key, field, rubbish)

    with pytest.raises(StoreUnavailable):
        await store.find_token(digest("a"))


async def test_a_user_sees_the_sessions_that_are_not_over(store, clock):
    first = session("s1", clock)
    clock.advance(1)
    second = session("s2", clock)
    await store.open_session(second, [access("b", clock)])
    await store.open_session(first, [access("a", clock, life=60)])
    await store.open_session(session("s3", clock, user_id="7"), [access("c", clock)])
    await store.open_session(session("s4", clock, provider="other"), [access("d", clock)])
    await store.open_session(session("s5", clock), [access("e", clock)])
    await store.revoke_session("s5", "logout")

    assert await store.sessions_of("staff", "101") == [first, second]

    clock.advance(60)

    assert await store.sessions_of("staff", "101") == [second]
    assert await store.sessions_of("nobody", "101") == []


async def test_everything_has_an_end(server, store, clock):
    """A key without a time to live would stay for ever."""
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])
    await store.add_tokens("s1", [TokenRecord(digest("u"), TokenKind.URL, clock() + 60)])
    await store.revoke_user("staff", "7", "fired")
    await store.revoke_all("restart")

    left = {key.decode(): server.admin("TTL", key) for key in server.admin("KEYS", "*")}

    assert len(left) == 8
    assert all(ttl > 0 for ttl in left.values()), left
    assert 86400 <= left["gw:s:{s1}"] <= 86400 + 60


async def test_live_tokens_of_a_session_are_bounded_and_the_refresh_token_stays(server, store, clock):
    await store.open_session(session("s1", clock), [refresh("r", clock)])

    for number in range(300):
        await store.add_tokens("s1", [access(f"a{number}", clock, life=900 + number)])

    assert server.admin("HLEN", "gw:s:{s1}") == 256 + 6
    assert await store.find_token(digest("a0")) is None
    assert await store.find_token(digest("a299"))
    assert await store.find_token(digest("r"))


async def test_what_has_expired_makes_room(server, store, clock):
    await store.open_session(session("s1", clock), [refresh("r", clock), access("a", clock)])

    clock.advance(901)
    await store.add_tokens("s1", [access("b", clock)])

    assert not server.admin("HEXISTS", "gw:s:{s1}", digest("a"))


async def test_an_ordinary_session_costs_what_the_store_says(server, store, clock):
    await store.open_session(session("s1", clock), [access("a", clock), refresh("r", clock)])

    cost = sum(server.admin("MEMORY", "USAGE", key) for key in server.admin("KEYS", "*"))

    assert cost < 2 * 1024, cost


async def test_endless_sessions_keep_their_index_entry_beside_short_ones(server, store, clock):
    await store.open_session(session("app", clock), [TokenRecord(digest("app"), TokenKind.APPLICATION, inf)])
    await store.open_session(session("s1", clock), [access("a", clock)])

    clock.advance(1e8)
    await store.open_session(session("s2", clock), [access("b", clock)])

    assert [found.id for found in await store.sessions_of("staff", "101")] == ["app", "s2"]
    assert server.admin("ZCARD", next(iter(server.admin("KEYS", "gw:u:*")))) == 2
