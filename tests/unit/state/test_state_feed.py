"""What the messages of the scripts mean, and whom a feed listens to."""

from contextlib import AsyncExitStack

import pytest
from fakes.listened_server import Listened
from fakes.waiting import eventually

from gateway.errors import StoreUnavailable
from gateway.state.calls import Calls
from gateway.state.feed import Feed, Invalidation, _read
from gateway.state.keys import Keys
from gateway.state.store import Store

TABLE = [
    (b'["session","s1"]', Invalidation("session", session_id="s1")),
    (b'["token","ab"]', Invalidation("token", token_hash="ab")),
    (b'["user","staff","101",1.5]', Invalidation("user", provider="staff", user_id="101", not_before=1.5)),
    (b'["tenant","Garden",1.5]', Invalidation("tenant", tenant="Garden", not_before=1.5)),
    (b'["all",1.5]', Invalidation("all", not_before=1.5)),
]
UNREADABLE = [b"", b"{", b"7", b"null", b'["session"]', b'["session",1]', b'["all","now"]', b'["new","x"]', b"\xff"]


@pytest.mark.parametrize(("data", "meaning"), TABLE)
def test_a_message_says_what_ended(data, meaning):
    assert _read(data) == meaning


@pytest.mark.parametrize("data", UNREADABLE)
def test_what_cannot_be_read_may_have_ended_anything(data):
    assert _read(data) == Invalidation("reconnect")


class Shards:
    """Masters that come and go; `trouble` is raised in place of saying who they are."""

    def __init__(self, *nodes):
        self.nodes = nodes
        self.trouble = None

    async def masters(self):
        if self.trouble:
            raise self.trouble
        return self.nodes

    def key_on(self, _master, stem):
        return stem

    def doubt(self, _master):
        pass


@pytest.fixture
async def two():
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Listened()) for _ in range(2)]


def feed_of(shards, clock=lambda: 0.0):
    return Feed(Store(Calls(shards, timeout=5.0), Keys("gw:"), clock))


async def test_a_feed_is_as_alive_as_the_least_alive_of_its_masters(two):
    feed = feed_of(Shards(*(one.node for one in two)))
    await feed.start()
    await eventually(lambda: feed.alive)

    two[1].passes_on = False
    await eventually(lambda: not feed.alive)
    two[1].passes_on = True
    await eventually(lambda: feed.alive)

    assert feed.proven_at == min(one.proven_at for one in feed._subscriptions.values())
    await feed.stop()
    assert not feed.alive


async def test_a_store_that_is_not_heard_answers_all_the_same(two):
    feed = feed_of(Shards(*(one.node for one in two)))
    await feed.start()
    await eventually(lambda: feed.alive)
    two[1].passes_on = False
    await eventually(lambda: not feed.alive)

    await eventually(lambda: feed.store_answers)
    assert not feed.alive
    two[1].beaten = b"-READONLY not here\r\n"
    await eventually(lambda: not feed.store_answers)
    await feed.stop()


async def test_a_new_master_is_listened_to_and_vouches_for_nothing_until_it_is_heard(two):
    old, new = two
    shards = Shards(old.node)
    feed = feed_of(shards)
    heard = []
    feed.listen(heard.append)
    await feed.start()
    await eventually(lambda: feed.alive)

    new.passes_on = False
    shards.nodes = (new.node,)
    await eventually(lambda: heard == [Invalidation("reconnect")] * 2)
    assert not feed.alive
    new.passes_on = True
    await eventually(lambda: feed.alive)

    assert [*feed._subscriptions] == [new.node]
    await feed.stop()


async def test_a_revocation_on_a_master_that_nobody_listens_to_yet_is_not_served_over(two):
    """The former one goes on passing heartbeats for a moment, and knows nothing of it."""
    old, new = two
    shards = Shards(old.node)
    feed = feed_of(shards)
    await feed.start()
    await eventually(lambda: feed.alive)

    new.passes_on = False
    shards.nodes = (new.node,)
    await feed.catch_up()

    assert not feed.alive
    await eventually(lambda: not feed._former)
    await feed.stop()
    await feed.catch_up()
    assert not feed._subscriptions


@pytest.mark.parametrize("trouble", [StoreUnavailable("away"), ConnectionError("refused"), ValueError("nonsense")])
async def test_masters_that_are_not_known_now_were_known_before(two, trouble):
    shards = Shards(two[0].node)
    feed = feed_of(shards)
    await feed.start()
    await eventually(lambda: feed.alive)

    shards.trouble = trouble
    vouched = feed.alive_until
    await eventually(lambda: feed.alive_until > vouched + 0.5)
    shards.trouble, shards.nodes = None, (two[0].node, two[1].node)
    await eventually(lambda: len(feed._subscriptions) == 2)

    await feed.stop()
