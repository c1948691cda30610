import asyncio
import os
import signal

import pytest
from fakes.plain_client import PlainClient
from fakes.shop_crew import house
from fakes.waiting import eventually

from gateway.app.child import WorkerFailed
from gateway.app.drain import AT_ONCE, Drain
from gateway.app.handover import pack


@pytest.fixture
async def rig(tmp_path):
    async with house(tmp_path) as made:
        yield made


@pytest.fixture
async def crew(rig):
    crew = rig.crew(2)
    await crew.start(rig.listen)
    yield crew
    await crew.stop(Drain(5, 0))


def get(port):
    return PlainClient(port).get("/x").status


async def test_every_post_is_filled_and_serves(rig, crew):
    assert [child.number for child in crew.serving] == [1, 2]
    assert {await asyncio.to_thread(get, rig.port) for _ in range(6)} == {401}


async def test_a_worker_that_ends_is_replaced_and_what_it_counted_is_handed_on(rig, crew):
    await asyncio.to_thread(get, rig.port)
    await crew.figures()
    one, other = crew.serving
    for child in (one, other):
        os.kill(child.pid, signal.SIGKILL)

    await eventually(lambda: len(crew.serving) == 2 and not {one, other} & set(crew.serving), seconds=60)

    assert await asyncio.to_thread(get, rig.port) == 401
    assert sum(figures["requests_total"][0][1] for figures in rig.kept if figures["requests_total"]) == 1
    assert sum(count for _, count in rig.metrics.snapshot()["worker_restarts_total"]) == 2


async def test_a_worker_told_to_end_finishes_and_is_replaced(crew):
    leaving = crew.serving[0]

    os.kill(leaving.pid, signal.SIGTERM)

    await eventually(lambda: len(crew.serving) == 2 and leaving not in crew.serving, seconds=60)
    await asyncio.wait_for(leaving.ended.wait(), 60)
    assert leaving.how == "exit code 0"


async def test_a_restart_replaces_all_while_somebody_always_serves(rig, crew):
    before = crew.serving

    await crew.restart(Drain(5, 0.1))

    assert len(crew.serving) == 2
    assert not set(before) & set(crew.serving)
    for child in before:
        await asyncio.wait_for(child.ended.wait(), 60)
    assert rig.metrics.snapshot()["worker_restarts_total"] == []


async def test_a_new_configuration_reaches_every_worker(rig, crew):
    problems = await crew.reload(pack((rig.load(routes="[{name: new, path: /new/**, upstream: erp}]"), None)))

    assert problems == []
    assert {await asyncio.to_thread(get, rig.port) for _ in range(6)} == {404}


async def test_a_worker_that_cannot_take_it_is_replaced(rig, crew):
    before = crew.serving

    problems = await crew.reload("bm9uc2Vuc2U=")

    assert len(problems) == 2
    assert "did not take the configuration and is replaced" in problems[0]
    await eventually(lambda: len(crew.serving) == 2 and not set(before) & set(crew.serving), seconds=60)


async def test_a_stuck_worker_is_killed_and_replaced(crew, monkeypatch):
    monkeypatch.setattr("gateway.app.crew.TICK_SECONDS", 0.05)
    monkeypatch.setattr("gateway.app.crew.STUCK_TICKS", 100)
    stuck = crew.serving[0]

    os.kill(stuck.pid, signal.SIGSTOP)

    await eventually(lambda: len(crew.serving) == 2 and stuck not in crew.serving, seconds=60)
    assert stuck.how == "signal 9"


async def test_a_start_that_was_given_up_leaves_its_place_to_another_for_good(rig):
    """Its process ends later, when the place may be taken."""
    given_up = []

    def handover(number, slot):
        if not given_up:
            given_up.extend(crew.children)
            raise OSError("nothing to hand over")
        return rig.handover(number, slot)

    crew = rig.crew(1, handover)
    crew._free = {0}
    with pytest.raises(WorkerFailed, match="nothing to hand over"):
        await crew.launch(1)

    launching = asyncio.ensure_future(crew.launch(1))
    await eventually(lambda: given_up[0].how, seconds=60)
    successor = await launching

    assert successor.slot == 0
    assert crew._free == set()
    await crew.stop(AT_ONCE)


async def test_starts_that_keep_failing_are_given_up(rig, monkeypatch):
    monkeypatch.setattr("gateway.app.crew.HOPELESS", 2)
    crew = rig.crew(1, lambda number, slot: "bm9uc2Vuc2U=")

    with pytest.raises(WorkerFailed):
        await crew.start(rig.listen)

    await crew.stop(AT_ONCE)
