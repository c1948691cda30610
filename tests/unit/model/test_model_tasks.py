"""A task that nobody holds runs to its end."""

import asyncio
import gc

from gateway.model import spawn


async def test_a_spawned_task_runs_to_its_end_though_nobody_holds_it():
    done = asyncio.Event()

    async def work():
        await asyncio.sleep(0)
        gc.collect()
        done.set()

    spawn(work(), name="work")
    gc.collect()

    await asyncio.wait_for(done.wait(), 60)
