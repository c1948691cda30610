"""Shared work runs once for all who ask at the same time."""

import asyncio

import pytest

from gateway.state.shared import Shared


class Work:
    """Each run waits until it is let go, and fails if it is told to."""

    def __init__(self):
        self.runs = 0
        self.go = asyncio.Event()
        self.failure = None

    async def __call__(self):
        self.runs += 1
        await self.go.wait()
        if self.failure:
            raise self.failure


@pytest.fixture
async def work():
    return Work()


async def test_all_who_ask_meanwhile_wait_for_the_same_run_and_the_next_starts_another(work):
    shared = Shared(work, name="test")
    waiting = [asyncio.ensure_future(shared.run()) for _ in range(3)]
    await asyncio.sleep(0)
    work.go.set()
    await asyncio.gather(*waiting)
    assert work.runs == 1

    await shared.run()

    assert work.runs == 2


async def test_a_caller_who_goes_does_not_take_the_run_along(work):
    shared = Shared(work, name="test")
    goes, stays = asyncio.ensure_future(shared.run()), asyncio.ensure_future(shared.run())
    await asyncio.sleep(0)

    goes.cancel()
    await asyncio.wait((goes,))
    work.go.set()

    await stays
    assert goes.cancelled()


async def test_all_are_told_of_a_failure_and_nobody_has_to_be_there(work, caplog):
    shared = Shared(work, name="test")
    work.failure = OSError("no")
    waiting = [asyncio.ensure_future(shared.run()) for _ in range(2)]
    work.go.set()
    assert [str(told) for told in await asyncio.gather(*waiting, return_exceptions=True)] == ["no", "no"]

    await asyncio.wait((shared.start(),))

    assert work.runs == 2
    assert caplog.records == []


async def test_a_run_that_is_broken_off_is_cancelled_for_those_who_wait(work):
    shared = Shared(work, name="test")
    waiting = asyncio.ensure_future(shared.run())
    await asyncio.sleep(0)

    shared.cancel()
    await asyncio.wait((waiting,))

    assert waiting.cancelled()
    shared.cancel()  # nothing is under way: nothing to do
