"""One subscription: alive by its own heartbeats only, and every gap is told."""

import asyncio
import logging
import re
from time import monotonic

import pytest
from fakes.listened_server import SUBSCRIBED, Listened
from fakes.waiting import eventually

from gateway.errors import StoreUnavailable
from gateway.state.calls import Calls
from gateway.state.keys import Keys
from gateway.state.subscription import ALIVE, Subscription
from gateway.state.topology import Single


@pytest.fixture
async def rig():
    async with Listened() as rig:
        rig.calls = Calls(Single(rig.node), timeout=5.0)
        rig.heard = []
        rig.moves = []
        yield rig


def subscribe(rig, restore=None):
    restore = restore or nothing_lost
    return Subscription(
        rig.calls,
        Keys("gw:"),
        rig.node,
        heard=rig.heard.append,
        moved=lambda: rig.moves.append(monotonic()),
        restore=restore,
    )


async def nothing_lost():
    """The store is what it was."""


async def test_it_is_alive_once_a_heartbeat_came_back_and_for_half_a_second_from_when_it_was_written(rig):
    subscription = subscribe(rig)
    assert subscription.alive_until == 0.0

    await eventually(lambda: subscription.alive_until)

    assert subscription.alive_until == subscription.proven_at + ALIVE
    assert subscription.proven_at <= monotonic()
    assert rig.heard == [None]
    assert rig.moves
    await subscription.stop()
    assert subscription.alive_until == 0.0


async def test_a_heartbeat_is_a_write_to_whoever_judges_it(rig):
    """A master that may not write refuses it, although nothing is written."""
    subscription = subscribe(rig)
    await eventually(lambda: rig.beats)

    command, _sha, count, key, channel, data = rig.beats[0]

    assert (command, count, key) == ("EVALSHA", "1", "gw:beat")
    assert re.fullmatch(r"gw:feed:[0-9a-f]{16}", channel)
    assert float(data) <= monotonic()
    await subscription.stop()


async def test_what_is_published_is_passed_on(rig):
    subscription = subscribe(rig)
    await eventually(lambda: rig.heard)

    rig.publish("hello")
    await eventually(lambda: len(rig.heard) == 2)

    assert rig.heard == [None, b"hello"]
    await subscription.stop()


async def test_it_has_caught_up_once_what_was_on_its_way_was_heard(rig):
    subscription = subscribe(rig)
    await eventually(lambda: subscription.alive_until)
    rig.pending = ["ended"]

    await subscription.catch_up()

    assert rig.heard == [None, b"ended"]
    assert subscription.alive_until
    await subscription.stop()
    await subscription.catch_up()


async def test_one_that_cannot_catch_up_vouches_for_nothing(rig):
    subscription = subscribe(rig)
    await eventually(lambda: subscription.alive_until)
    rig.passes_on = rig.answers_pings = False

    catching_up = asyncio.ensure_future(subscription.catch_up())
    await eventually(lambda: rig.server.commands.count(("PING",)) == 2)
    rig.server.hang_up(rig.listener)
    await catching_up

    assert subscription.alive_until == 0.0
    await subscription.stop()


async def test_a_lost_connection_is_dead_at_once_and_the_next_one_tells_of_the_gap(rig):
    subscription = subscribe(rig)
    await eventually(lambda: subscription.alive_until)

    rig.server.hang_up(rig.listener)
    await eventually(lambda: not subscription.alive_until)
    assert not subscription.answers_until, "it may be gone altogether"
    await eventually(lambda: subscription.alive_until)

    assert rig.heard == [None, None]
    await subscription.stop()


async def test_heartbeats_that_do_not_come_back_end_the_connection(rig):
    subscription = subscribe(rig)
    await eventually(lambda: subscription.alive_until)

    rig.passes_on = False
    await eventually(lambda: subscription.alive_until == 0.0)
    rig.passes_on = True

    await eventually(lambda: subscription.alive_until)
    assert rig.heard.count(None) >= 2
    await subscription.stop()


async def test_a_refused_subscription_is_never_alive_and_is_tried_again(rig):
    rig.subscribed = b"-NOPERM no channel\r\n+PONG\r\n"
    subscription = subscribe(rig)

    await eventually(lambda: [command[0] for command in rig.server.commands].count("SUBSCRIBE") >= 2)
    assert subscription.alive_until == 0.0
    rig.subscribed = SUBSCRIBED

    await eventually(lambda: subscription.alive_until)
    await subscription.stop()


async def test_each_reason_of_a_gap_is_told_once_and_so_is_its_end(rig, caplog):
    caplog.set_level(logging.INFO, "gateway.state.subscription")
    rig.subscribed = b"-NOPERM no channel\r\n+PONG\r\n"
    subscription = subscribe(rig)
    await eventually(lambda: [command[0] for command in rig.server.commands].count("SUBSCRIBE") >= 2)
    rig.subscribed = b"-NOAUTH who is it\r\n+PONG\r\n"
    await eventually(lambda: "NOAUTH" in caplog.text)
    rig.subscribed = SUBSCRIBED
    await eventually(lambda: subscription.alive_until)
    await subscription.stop()

    said = [record.getMessage().partition(" is ")[2] for record in caplog.records]
    assert said == [
        "lost, and tried again: Refusal: NOPERM no channel",
        "lost, and tried again: Refusal: NOAUTH who is it",
        "back",
    ]


async def test_why_heartbeats_do_not_come_back_is_told(rig, caplog):
    subscription = subscribe(rig)
    await eventually(lambda: subscription.alive_until)

    rig.beaten = b"-READONLY not here\r\n"
    rig.passes_on = False

    await eventually(lambda: "READONLY not here" in caplog.text)
    await subscription.stop()


async def test_a_master_that_takes_heartbeats_answers_even_if_none_is_heard(rig):
    rig.subscribed = b"-NOPERM no channel\r\n+PONG\r\n"
    subscription = subscribe(rig)

    await eventually(lambda: subscription.answers_until > monotonic())

    assert subscription.alive_until == 0.0
    await subscription.stop()


async def test_a_server_without_resp3_cannot_be_listened_to():
    async with Listened(hello=b"-ERR unknown command\r\n") as rig:
        rig.calls, rig.heard, rig.moves = Calls(Single(rig.node), timeout=5.0), [], []
        subscription = subscribe(rig)

        await eventually(lambda: len(rig.server.connections) > 2)

        assert "SUBSCRIBE" not in [command[0] for command in rig.server.commands]
        assert rig.heard == []
        await subscription.stop()


async def test_nothing_is_vouched_for_before_the_store_has_back_what_it_may_have_lost(rig):
    may_go_on, tries = asyncio.Event(), []

    async def restore():
        tries.append(list(rig.heard))
        if len(tries) == 1:
            raise StoreUnavailable("read-only")
        await may_go_on.wait()

    subscription = subscribe(rig, restore)
    await eventually(lambda: len(tries) == 2)
    beats = len(rig.beats)
    await eventually(lambda: len(rig.beats) > beats + 1)

    assert tries == [[None], [None, None]], "it is told of the gap first"
    assert (subscription.alive_until, subscription.proven_at) == (0.0, float("-inf"))

    may_go_on.set()
    await eventually(lambda: subscription.alive_until)
    await subscription.stop()
