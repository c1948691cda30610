"""Steps of round trips: one deadline for all of them, and one kind of failure."""

import asyncio

import pytest
from fakes.wire import ScriptedTopology

from gateway.errors import StoreUnavailable
from gateway.state.calls import Calls
from gateway.state.durable import Durability
from gateway.state.link import Refusal


def calls_on(topology, *, timeout=5.0):
    return Calls(topology, timeout=timeout)


async def never():
    await asyncio.Event().wait()


class Node:
    """Answers as it is told."""

    def __init__(self, answer):
        self._answer = answer

    async def ask(self, commands):
        assert len(commands) == 1
        if isinstance(self._answer, OSError):
            raise self._answer
        return [self._answer]


async def test_independent_commands_go_out_together_and_come_back_in_order():
    topology = ScriptedTopology(1, 2)

    assert await calls_on(topology).many([("GET", "a"), ("GET", "b")]) == [1, 2]

    assert topology.sent == [("GET", "a"), ("GET", "b")]
    assert topology.rounds == 1


async def test_one_command_has_one_answer():
    assert await calls_on(ScriptedTopology(b"A")).one("GET", "a") == b"A"


async def test_what_is_refused_is_said_in_the_log(caplog):
    calls = calls_on(ScriptedTopology(Refusal("OOM full"), Refusal("OOM full")))

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            async with calls.budget():
                await calls.one("SET", "a", "1")

    assert caplog.messages == ["the store failed: Refusal: OOM full"]


async def test_what_is_late_is_said_in_the_log_with_the_key_to_turn(caplog):
    calls = calls_on(ScriptedTopology(), timeout=0.01)

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            async with calls.budget():
                await never()

    assert caplog.messages[0] == "the store did not answer within 0.01 s (store.timeout)"
    assert len(caplog.messages) == 1


async def test_what_a_former_master_refuses_of_a_heartbeat_is_no_complaint(caplog):
    with pytest.raises(StoreUnavailable, match="MOVED"):
        await calls_on(ScriptedTopology()).through(Node(Refusal("MOVED 7 127.0.0.1:7001")), ("PUBLISH", "gw:beat", "1"))

    assert caplog.messages == []


async def test_a_refused_command_is_an_outage_that_says_why():
    topology = ScriptedTopology(Refusal("READONLY You can't write"), 2, Refusal("OOM full"))
    calls = calls_on(topology)

    with pytest.raises(StoreUnavailable, match="READONLY"):
        async with calls.budget():
            await calls.many([("SET", "a", "1"), ("GET", "b")])
    with pytest.raises(StoreUnavailable, match="OOM"):
        async with calls.budget():
            await calls.one("SET", "a", "1")

    assert calls.failures == 2


@pytest.mark.parametrize(
    "failure", [Refusal("LOADING"), ConnectionResetError("reset"), TimeoutError("late"), OSError()]
)
async def test_every_failure_is_an_outage(failure):
    calls = calls_on(ScriptedTopology(1, failure))

    with pytest.raises(StoreUnavailable):
        async with calls.budget():
            await calls.many([("GET", "a"), ("GET", "b")])

    assert calls.failures == 1


async def test_a_late_answer_is_an_outage():
    calls = calls_on(ScriptedTopology(never), timeout=0.01)

    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.01 s"):
        async with calls.budget():
            await calls.one("GET", "a")


async def test_a_budget_spans_all_round_trips_inside():
    async def slow():
        await asyncio.sleep(0.04)

    calls = calls_on(ScriptedTopology(slow, slow), timeout=0.05)

    async def two_reads():
        async with calls.budget():
            await calls.one("GET", "a")
            await calls.one("GET", "b")

    with pytest.raises(StoreUnavailable):
        await two_reads()


async def test_a_programming_error_is_not_dressed_up_as_an_outage():
    calls = calls_on(ScriptedTopology())

    with pytest.raises(ZeroDivisionError):
        async with calls.budget():
            1 / 0  # noqa: B018 - the error is the point


async def test_a_command_for_one_master_goes_through_it():
    assert await calls_on(ScriptedTopology()).through(Node(b"PONG"), ("PING",)) == b"PONG"


@pytest.mark.parametrize("failure", [Refusal("MOVED 1 h:1"), ConnectionRefusedError()])
async def test_a_master_that_refuses_or_is_away_is_an_outage(failure):
    calls = calls_on(ScriptedTopology())

    with pytest.raises(StoreUnavailable):
        await calls.through(Node(failure), ("PING",))

    assert calls.failures == 1


async def test_masters_that_cannot_be_found_out_in_time_are_an_outage():
    topology = ScriptedTopology()
    topology.masters = never

    with pytest.raises(StoreUnavailable, match="masters"):
        await calls_on(topology, timeout=0.01).masters()


async def test_closing_closes_the_connections():
    topology = ScriptedTopology()

    await calls_on(topology).close()

    assert topology.closed


async def test_a_store_that_has_fallen_silent_is_not_waited_for_by_the_next_step():
    topology = ScriptedTopology(never)
    calls = calls_on(topology, timeout=0.01)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            async with calls.budget():
                await calls.one("GET", "a")

    assert topology.sent == [("GET", "a")], "the second was not tried"
    assert calls.failures == 2


class Replicas(ScriptedTopology):
    """One master, and so many replicas that acknowledge."""

    acknowledged = 0

    async def ask_durably(self, commands, replicas, seconds):
        self.asked_for = replicas, seconds
        return await self.ask(commands), self.acknowledged


async def test_a_durable_write_is_fenced_and_waits_for_its_replicas():
    topology = Replicas(b"OK", b"OK")
    topology.acknowledged = 2
    calls = Calls(topology, timeout=4.0, durability=Durability(2, "gw:"))

    async with calls.budget():
        assert await calls.one_durably("SET", "gw:a", "1") == b"OK"

    assert topology.asked_for == (2, 2.0)
    assert topology.sent == [("SET", "gw:a", "1"), ("SET", "gw:d:{gw:a}", "", "PX", "1000")]


async def test_too_few_replicas_are_an_outage_that_says_nothing_about_the_master():
    calls = Calls(Replicas(1, b"OK"), timeout=4.0, durability=Durability(1, "gw:"))

    with pytest.raises(StoreUnavailable, match="0 replicas"):
        async with calls.budget():
            await calls.one_durably("DEL", "gw:a")

    assert calls.failures == 1
    assert not calls.breaker.is_open


async def test_a_refused_durable_write_is_a_refusal_first():
    topology = Replicas(Refusal("READONLY"), b"OK")
    calls = Calls(topology, timeout=4.0, durability=Durability(1, "gw:"))

    with pytest.raises(StoreUnavailable, match="READONLY"):
        async with calls.budget():
            await calls.one_durably("SET", "gw:a", "1")


async def test_without_replicas_a_durable_write_is_any_write():
    topology = ScriptedTopology(b"OK")

    assert await Calls(topology, timeout=4.0).one_durably("SET", "gw:a", "1") == b"OK"
    assert topology.sent == [("SET", "gw:a", "1")]
