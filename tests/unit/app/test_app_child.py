import asyncio
import os
import signal

import pytest
from fakes.shop_crew import house
from fakes.waiting import eventually

from gateway.app.child import Child, WorkerFailed
from gateway.app.drain import Drain
from gateway.app.slots import CLOSED, Slots


@pytest.fixture
async def rig(tmp_path):
    async with house(tmp_path) as made:
        made.slots = Slots.make(2)
        yield made
        made.slots.close()


async def started(rig):
    child = Child(1, 0)
    await child.start(rig.sock, rig.slots, lambda: rig.handover(1, 0), lambda _: None)
    return child


async def test_it_is_ready_asked_and_ends_when_told(rig):
    child = await started(rig)
    await asyncio.wait_for(child.ready, 60)
    assert rig.slots[0] == CLOSED
    child.accept()
    await eventually(lambda: rig.slots[0] == 0)

    await child.count()
    figures = child.figures
    child.drain(Drain(5, 0))
    await asyncio.wait_for(child.ended.wait(), 60)

    assert figures["connections"] == [[[], 0]]
    assert child.how == "exit code 0"
    assert not child.has_started
    assert rig.slots[0] == CLOSED


@pytest.mark.parametrize("name", ["gateway/__init__.py", "hiredis.py", "pickle.py"])
async def test_what_lies_in_the_working_directory_is_never_imported(rig, tmp_path, monkeypatch, name):
    planted = tmp_path / "elsewhere" / name
    planted.parent.mkdir(parents=True)
    planted.write_text("raise SystemExit(f'{__file__} was run')\n")
    monkeypatch.chdir(tmp_path / "elsewhere")

    child = await started(rig)
    await asyncio.wait_for(child.ready, 60)

    child.drain(Drain(5, 0))
    await asyncio.wait_for(child.ended.wait(), 60)
    assert child.how == "exit code 0"


async def test_what_a_terminal_sends_never_reaches_one_that_starts(rig):
    child = await started(rig)

    group = os.getpgid(child.pid)

    assert group != os.getpgid(0)
    child.drain(Drain(5, 0))
    await asyncio.wait_for(child.ended.wait(), 60)


async def test_one_told_to_end_while_it_starts_ends(rig):
    child = await started(rig)

    child.drain(Drain(5, 0))
    await asyncio.wait_for(child.ended.wait(), 60)

    assert child.leaving.is_set()
    with pytest.raises(WorkerFailed):
        child.ready.result()


async def test_one_told_to_end_before_there_is_a_line_to_it_never_begins(rig):
    """It would serve on until it is killed: nobody tells it a second time."""
    child = Child(1, 0)
    starting = asyncio.ensure_future(
        child.start(rig.sock, rig.slots, lambda: rig.handover(1, 0), lambda _: None),
    )
    await asyncio.sleep(0)

    child.drain(Drain(5, 0))

    with pytest.raises(WorkerFailed, match="told to end"):
        await starting
    child.kill()
    await asyncio.wait_for(child.ended.wait(), 60)


async def test_one_that_is_killed_leaves_its_askers_without_an_answer(rig):
    child = await started(rig)
    await asyncio.wait_for(child.ready, 60)
    os.kill(child.pid, signal.SIGSTOP)
    asking = asyncio.ensure_future(child.reload("never read"))
    await asyncio.sleep(0)

    child.kill()

    assert await asyncio.wait_for(asking, 60) == "it does not answer"
    await child.ended.wait()
    assert child.how == "signal 9"
    child.kill()  # nobody is there any more


async def test_why_it_could_not_start_is_told(rig):
    rig.loaded = rig.load(logs="{access: /nonexistent/access.log, level: error}")
    child = await started(rig)

    with pytest.raises(WorkerFailed, match="No such file or directory"):
        await asyncio.wait_for(child.ready, 60)
    await child.ended.wait()
