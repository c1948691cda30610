"""A fail-over that lost revocations gets them back from whoever heard them, before anything is cached. On both servers."""

import pytest
from fakes.records import access, digest, refresh, session
from fakes.waiting import eventually

from gateway.state.feed import Feed, Invalidation
from gateway.state.records import Standing
from gateway.state.rewriting import Rewriting

ENDS = {
    "session": lambda store: store.revoke_session("s1", "logout"),
    "token": lambda store: store.revoke_token(digest("a1")),
    "user": lambda store: store.revoke_user("staff", "u1", "fired"),
    "tenant": lambda store: store.revoke_tenant("t1", "closed"),
    "all": lambda store: store.revoke_all("leak"),
}


# A loss is staged with the tools of one server; real fail-overs are in test_failover.py.
pytestmark = pytest.mark.parametrize("server", ["redis", "valkey"], indirect=True)


@pytest.fixture
async def feed(store):
    feed = Feed(store)
    await feed.start()
    await eventually(lambda: feed.alive)
    yield feed
    await feed.stop()


@pytest.fixture
async def stranger(server, clock):
    """Another gateway, which has heard nothing."""
    store = server.connect(clock)
    yield store
    await store.close()


class Loss:
    """Brings a server back to what it held at a moment, as a fail-over to a replica that lags behind does."""

    def __init__(self, server):
        with server.client() as client:
            self.held = {key: client.dump(key) for key in client.keys("gw:*")}

    def happen(self, server):
        with server.client() as client:
            for key in set(client.keys("gw:*")) - set(self.held):
                client.delete(key)
            for key, value in self.held.items():
                client.restore(key, 3_600_000, value, replace=True)
            client.execute_command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
            client.execute_command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "pubsub")


async def open_two(store, clock):
    for number in (1, 2):
        whole = session(f"s{number}", clock, user_id=f"u{number}", tenant=f"t{number}")
        await store.open_session(whole, [access(f"a{number}", clock), refresh(f"r{number}", clock)])


@pytest.mark.parametrize("what", ENDS)
async def test_what_was_lost_is_written_again_before_the_feed_is_trusted(server, store, clock, feed, stranger, what):
    heard, states = [], []
    await open_two(store, clock)
    loss = Loss(server)
    await ENDS[what](store)
    await eventually(lambda: len(store.tombstones))
    feed.listen(lambda event: states.append((event.kind, feed.alive)))
    feed.listen(heard.append)

    loss.happen(server)
    await eventually(lambda: heard)
    await eventually(lambda: feed.alive)

    assert states[0] == ("reconnect", False)
    assert await stranger.judge_token(digest("a1")) in {Standing.REVOKED, Standing.UNKNOWN}
    assert (await stranger.find_token(digest("a2")) is None) is (what == "all")


@pytest.mark.parametrize("what", ENDS)
async def test_who_heard_it_is_not_fooled_meanwhile(server, store, clock, feed, stranger, what):
    await open_two(store, clock)
    loss = Loss(server)
    await ENDS[what](store)
    await eventually(lambda: len(store.tombstones))
    await feed.stop()
    loss.happen(server)

    assert await eventually(lambda: stranger.find_token(digest("a1"))), "it has come back"
    assert await store.judge_token(digest("a1")) is Standing.REVOKED
    if what != "token":
        assert (await store.find_refresh(digest("r1"))).standing is Standing.REVOKED
        assert await store.session("s1") is None
        assert await store.sessions_of("staff", "u1") == []
        assert not await store.add_tokens("s1", [access("new", clock)])


async def test_a_session_opened_after_a_lost_mark_lives(server, store, clock, feed, stranger):
    await open_two(store, clock)
    loss = Loss(server)
    await store.revoke_user("staff", "u1", "password changed")
    await eventually(lambda: len(store.tombstones))
    await stranger.open_session(session("s3", clock, user_id="u1", tenant="t1"), [access("a3", clock)])
    loss.held |= {
        key: value for key, value in Loss(server).held.items() if b"{s3}" in key or key.endswith(digest("a3").encode())
    }

    loss.happen(server)
    await eventually(lambda: not feed.alive)
    await eventually(lambda: feed.alive)

    assert await stranger.find_token(digest("a1")) is None
    assert await stranger.find_token(digest("a3"))
    assert await store.find_token(digest("a3"))


async def test_others_are_told_to_ask_again_of_a_mark_that_was_lost(server, store, clock, feed, stranger):
    """They may have read what it ended, on a feed that was connected after the loss."""
    other, heard = Feed(stranger), []
    await open_two(store, clock)
    loss = Loss(server)
    await store.revoke_user("staff", "u1", "fired")
    await eventually(lambda: len(store.tombstones))
    await feed.stop()
    loss.happen(server)
    await other.start()
    await eventually(lambda: other.alive)
    other.listen(heard.append)

    await eventually(Rewriting(store).write_again)
    await eventually(lambda: len(heard) == 2)

    assert heard == [Invalidation("session", session_id="s1"), Invalidation("reconnect")]
    await other.stop()


async def test_where_nothing_was_lost_nobody_hears_anything(store, clock, feed):
    heard = []
    await open_two(store, clock)
    for what in ("token", "session", "user", "tenant", "all"):
        await ENDS[what](store)
    await eventually(lambda: len(store.tombstones) == len(ENDS))
    feed.listen(heard.append)

    assert await Rewriting(store).write_again() == 0

    assert heard == []


async def test_many_are_written_again_in_a_few_round_trips(server, store, clock, feed):
    for number in range(450):
        store.tombstones.hear(Invalidation("session", session_id=f"gone{number}"))
        store.tombstones.hear(Invalidation("token", token_hash=digest(f"gone{number}")))
    await open_two(store, clock)
    store.tombstones.hear(Invalidation("session", session_id="s1"))
    store.tombstones.hear(Invalidation("token", token_hash=digest("a2")))
    store.tombstones.hear(Invalidation("tenant", tenant="t9", not_before=1.5))

    assert await Rewriting(store).write_again() == 3

    assert server.admin("HGET", "gw:s:{s1}", "revoked") == b"revoked before a fail-over"
    assert server.admin("HGET", "gw:s:{s2}", digest("a2")).startswith(b"dead ")
    (mark,) = server.admin("KEYS", "gw:n:t:*")
    assert server.admin("GET", mark).startswith(b"1.500000 ")
    assert server.admin("TTL", mark) > 30_000_000
