import asyncio
import socket
import time

import pytest
import uvloop

from gateway.model import spawn
from gateway.state.deadline import deadline


async def test_it_ends_what_takes_longer():
    with pytest.raises(TimeoutError):
        async with deadline(0.01):
            await asyncio.Event().wait()


async def test_what_was_done_in_time_is_left_alone():
    async with deadline(0.02):
        await asyncio.sleep(0)

    await asyncio.sleep(0.05)


async def test_a_cancelled_caller_is_cancelled_and_not_late():
    async def wait():
        async with deadline(60.0):
            await asyncio.Event().wait()

    task = spawn(wait(), name="caller")
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_answer_that_came_while_this_process_was_busy_counts(make_loop):
    async def ask():
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        with theirs:
            theirs.sendall(b"+OK\r\n")
            async with deadline(0.01):
                time.sleep(0.1)  # noqa: ASYNC251 - a reload of a large configuration, say
                assert await reader.readline() == b"+OK\r\n"
            writer.close()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(ask())


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_without_any_time_nothing_is_tried(seconds):
    tried = []

    with pytest.raises(TimeoutError):
        async with deadline(seconds):
            tried.append("in vain")

    assert not tried
