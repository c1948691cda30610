"""Round trips: one deadline, one kind of failure, and no connection given back with answers to come."""

import asyncio

import pytest
from fakes.wire import ScriptedPool
from redis.exceptions import BusyLoadingError, NoScriptError, ReadOnlyError

from gateway.errors import StoreUnavailable
from gateway.state.calls import Calls, Script

SCRIPT = Script("return 1", "5ha")


def calls_on(pool, **options):
    return Calls(pool, scripts=[SCRIPT], **{"timeout": 5.0, **options})


async def never():
    await asyncio.Event().wait()


async def test_independent_commands_go_out_together_and_come_back_in_order():
    pool = ScriptedPool(1, 2)

    assert await calls_on(pool).many([("GET", "a"), ("GET", "b")]) == [1, 2]

    assert pool.sent == [("GET", "a"), ("GET", "b")]
    assert (len(pool.connections), pool.lent) == (1, 0)
    assert pool.connections[0].open


async def test_a_script_that_is_unknown_is_loaded_and_only_what_missed_it_runs_again():
    pool = ScriptedPool(b"OK", NoScriptError(), b"5ha", 7)

    answers = await calls_on(pool).many([("SET", "a", "1"), SCRIPT.on(["k"], "arg")])

    assert answers == [b"OK", 7]
    assert pool.sent[2:] == [("SCRIPT", "LOAD", "return 1"), ("EVALSHA", "5ha", "1", "k", "arg")]


async def test_a_script_that_stays_unknown_is_an_outage():
    calls = calls_on(ScriptedPool(NoScriptError(), b"5ha", NoScriptError()))

    with pytest.raises(StoreUnavailable):
        async with calls.budget():
            await calls.one(*SCRIPT.on([]))


async def test_a_refused_command_leaves_the_other_answers_where_they_belong():
    pool = ScriptedPool(ReadOnlyError("replica"), 2, 3)
    calls = calls_on(pool)

    with pytest.raises(StoreUnavailable, match="ReadOnlyError"):
        async with calls.budget():
            await calls.many([("SET", "a", "1"), ("GET", "b")])

    assert pool.answers == [3]
    assert pool.connections[0].open


@pytest.mark.parametrize("failure", [BusyLoadingError("loading"), ConnectionResetError("reset"), TimeoutError("late")])
async def test_every_failure_is_an_outage_and_closes_the_connection(failure):
    pool = ScriptedPool(1, failure)
    calls = calls_on(pool)

    with pytest.raises(StoreUnavailable):
        async with calls.budget():
            await calls.many([("GET", "a"), ("GET", "b")])

    assert not pool.connections[0].open
    assert pool.lent == 0


async def test_a_late_answer_is_an_outage_and_closes_the_connection():
    pool = ScriptedPool(never)
    calls = calls_on(pool, timeout=0.01)

    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.01 s"):
        async with calls.budget():
            await calls.one("GET", "a")

    assert not pool.connections[0].open


async def test_a_budget_spans_all_round_trips_inside():
    async def slow():
        await asyncio.sleep(0.04)

    calls = calls_on(ScriptedPool(slow, slow), timeout=0.05)

    async def two_reads():
        async with calls.budget():
            await calls.one("GET", "a")
            await calls.one("GET", "b")

    with pytest.raises(StoreUnavailable):
        await two_reads()


async def test_a_cancelled_caller_takes_its_connection_with_it():
    pool = ScriptedPool(never)
    calls = calls_on(pool)
    task = asyncio.ensure_future(calls.one("GET", "a"))
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not pool.connections[0].open
    assert pool.lent == 0


async def test_only_so_many_calls_run_at_once():
    gate = asyncio.Event()

    async def wait():
        await gate.wait()

    pool = ScriptedPool(*[wait] * 5)
    calls = calls_on(pool, limit=2)
    tasks = [asyncio.ensure_future(calls.one("GET", "a")) for _ in range(5)]
    await asyncio.sleep(0.01)

    assert pool.lent == 2

    gate.set()
    await asyncio.gather(*tasks)
    assert pool.lent == 0


async def test_a_programming_error_is_not_dressed_up_as_an_outage():
    calls = calls_on(ScriptedPool())

    with pytest.raises(ZeroDivisionError):
        async with calls.budget():
            1 / 0  # noqa: B018 - the error is the point


async def test_closing_closes_the_pool():
    pool = ScriptedPool()

    await calls_on(pool).close()

    assert pool.closed


@pytest.mark.parametrize("name", ["open", "add", "update", "rotate", "revoke", "revoke_token", "mark", "hint"])
def test_every_script_is_shipped_beside_the_module(name):
    script = Script.load(name)

    assert len(script.sha) == 40
    assert script.source.startswith("-- Shared by all scripts.")


async def test_a_store_that_has_fallen_silent_is_not_waited_for_by_the_next_step():
    pool = ScriptedPool(never)
    calls = calls_on(pool, timeout=0.01)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            async with calls.budget():
                await calls.one("GET", "a")

    assert pool.sent == [("GET", "a")], "the second was not tried"
    assert calls.failures == 2
