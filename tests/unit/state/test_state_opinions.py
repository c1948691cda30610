"""Several servers are asked the same: the dead and the slow keep nobody waiting."""

import asyncio

import pytest

from gateway.state.opinions import opinions


async def says(word, *, after=0.0):
    await asyncio.sleep(after)
    return word


async def fails():
    raise OSError("dead")


async def test_answers_come_in_the_order_of_asking_and_failures_are_left_out():
    assert await opinions([says("a", after=0.01), fails(), says("c")], name="test") == ["a", "c"]


async def test_nobody_who_answers_means_no_opinion():
    assert await opinions([fails(), fails()], name="test") == []


async def test_the_slow_are_broken_off_once_one_has_answered():
    never = asyncio.Event()
    broken_off = []

    async def silent():
        try:
            await never.wait()
        except asyncio.CancelledError:
            broken_off.append(True)
            raise

    assert await opinions([silent(), says("b")], name="test") == ["b"]
    await asyncio.sleep(0)

    assert broken_off


async def test_questions_end_with_the_one_who_asks():
    asked = asyncio.ensure_future(opinions([says("late", after=60)], name="of a cancelled one"))
    await asyncio.sleep(0.01)

    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await asyncio.sleep(0)

    assert not [task for task in asyncio.all_tasks() if task.get_name() == "of a cancelled one"]
