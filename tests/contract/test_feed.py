"""The invalidation feed: alive only while every revocation would be heard, and back by itself. On both servers."""

import asyncio
from time import monotonic

import pytest
from fakes.hearing import Heard
from fakes.records import access, digest, refresh, rotation, session
from fakes.waiting import eventually

from gateway.state.feed import ALIVE, Feed, Invalidation


@pytest.fixture
async def feed(store):
    feed = Feed(store)
    await feed.start()
    await eventually(lambda: feed.alive)
    yield feed
    await feed.stop()


@pytest.fixture
async def own_store(own_server, clock):
    store = own_server.connect(clock, timeout=0.2)
    yield store
    await store.close()


@pytest.fixture
async def own_feed(own_store):
    """The feed of a server that the test may kill."""
    feed = Feed(own_store)
    await feed.start()
    await eventually(lambda: feed.alive)
    yield feed
    await feed.stop()


async def test_a_feed_is_dead_until_its_first_heartbeat_came_back(store):
    feed = Feed(store)

    assert not feed.alive

    await feed.start()
    assert not feed.alive
    await eventually(lambda: feed.alive)
    await feed.stop()

    assert not feed.alive


async def test_a_feed_stays_alive_and_never_vouches_for_more_than_half_a_second(feed):
    generation = feed.generation
    vouched = set()
    while len(vouched) < 5:
        vouched.add(feed.alive_until)
        assert feed.alive_until - monotonic() <= ALIVE
        await asyncio.sleep(0.01)

    assert feed.generation == generation, "one connection, and no gap in it"


async def test_a_connect_counts_as_an_invalidation(server, store):
    """What happened before it was not heard."""
    feed, heard = Feed(store), []
    feed.listen(heard.append)

    await feed.start()
    await eventually(lambda: feed.alive)
    await feed.stop()

    assert heard == [Invalidation("reconnect")] * server.masters
    assert feed.generation == server.masters


async def test_a_revocation_is_heard_by_every_gateway_before_the_next_heartbeat(server, store, clock, feed):
    other_store = server.connect(clock)
    other = Feed(other_store)
    await other.start()
    await eventually(lambda: other.alive)
    await store.open_session(session("s1", clock), [access("a", clock)])
    generations = feed.generation, other.generation

    await store.revoke_session("s1", "logout")
    vouched = feed.alive_until, other.alive_until
    await eventually(lambda: feed.alive_until > vouched[0] and other.alive_until > vouched[1])

    assert feed.generation > generations[0]
    assert other.generation > generations[1]
    await other.stop()
    await other_store.close()


async def test_what_this_process_ends_it_has_heard_of_once_that_is_answered(server, store, clock, feed):
    """The answer and the message come over two connections: without waiting for both, now one is first, now the other."""
    heard = Heard(feed, server)

    for number in range(40):
        name, spent = f"s{number}", f"r{number}"
        tokens = [access(name, clock), access(f"{name}.other", clock), refresh(spent, clock)]
        await store.open_session(session(name, clock), tokens)
        await store.revoke_token(digest(name))
        assert Invalidation("token", token_hash=digest(name)) in heard
        await store.rotate(rotation(name, spent, f"next {name}", clock, revoke_access=True))
        assert Invalidation("token", token_hash=digest(f"{name}.other")) in heard
        await store.revoke_session(name, "logout")
        assert Invalidation("session", session_id=name) in heard
        await store.revoke_tenant(f"tenant {number}", "closed")
        assert heard[-1].tenant == f"tenant {number}"


async def test_a_mark_is_heard_with_its_time(server, store, feed):
    heard = Heard(feed, server)

    await store.revoke_user("sta ff", 'üser"1', "fired")
    await store.revoke_tenant("Garden World", "closed")
    await store.revoke_all("leak")
    await eventually(lambda: len(heard) == 3)

    assert [(one.kind, one.provider, one.user_id, one.tenant) for one in heard] == [
        ("user", "sta ff", 'üser"1', ""),
        ("tenant", "", "", "Garden World"),
        ("all", "", "", ""),
    ]
    seconds, _ = server.admin("TIME")
    assert all(abs(one.not_before - seconds) < 5 for one in heard)


async def test_the_feed_dies_with_the_server_and_comes_back_by_itself(own_server, own_store, own_feed):
    heard = []
    own_feed.listen(heard.append)

    own_server.kill()
    await eventually(lambda: not own_feed.alive)
    own_server.start()
    await eventually(lambda: own_feed.alive)

    assert heard == [Invalidation("reconnect")]
    await own_store.revoke_all("leak")
    await eventually(lambda: len(heard) == 2)


async def test_a_hung_server_takes_the_feed_down_within_its_promise(own_server, own_feed):
    own_server.pause()
    began = monotonic()
    await eventually(lambda: not own_feed.alive)

    assert monotonic() - began < ALIVE + 2

    own_server.resume()
    await eventually(lambda: own_feed.alive)


async def test_a_dropped_subscription_is_noticed_although_the_store_answers(server, store, feed):
    heard = []
    feed.listen(heard.append)

    server.admin("CLIENT", "KILL", "TYPE", "pubsub")
    await eventually(lambda: len(heard) >= server.masters)
    await eventually(lambda: feed.alive)

    assert set(heard) == {Invalidation("reconnect")}


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '["session"]', '["user","p","u","now"]', b"\xff", '["new",1]'])
async def test_a_message_nobody_can_read_voids_everything(server, feed, rubbish):
    """It may have been the end of something."""
    heard = Heard(feed, server)

    server.admin("PUBLISH", "gw:feed", rubbish)
    await eventually(lambda: heard)

    assert heard == [Invalidation("reconnect")]
    assert feed.alive


async def test_a_listener_that_fails_does_not_end_the_feed(server, store, clock, feed, caplog):
    heard = Heard(feed, server)
    feed.listen(lambda invalidation: 1 / 0 if invalidation.kind == "session" else None)
    await store.open_session(session("s1", clock), [access("a", clock)])

    await store.revoke_session("s1", "logout")
    await eventually(lambda: len(heard) == 2)
    await eventually(lambda: feed.alive)

    assert [one.kind for one in heard] == ["session", "reconnect"]
    assert "division by zero" in caplog.text


async def test_a_feed_without_a_server_waits_for_it(own_server, own_store):
    own_server.kill()
    feed = Feed(own_store)
    await feed.start()
    await asyncio.sleep(0.3)
    assert not feed.alive

    own_server.start()
    await eventually(lambda: feed.alive)
    await feed.stop()


async def test_the_token_that_ended_is_named(server, store, clock, feed):
    heard = Heard(feed, server)
    await store.open_session(session("s1", clock), [access("a", clock)])

    await store.revoke_token(digest("a"))
    await eventually(lambda: heard)

    assert heard == [Invalidation("token", token_hash=digest("a"))]
