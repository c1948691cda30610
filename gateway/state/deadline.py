"""A time limit that is fair to answers: one that is here already counts, however busy this process was meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

LAST_LOOK: Final = 0.001
"""Seconds between the end of the time and the failure: the event loop runs timers before it reads what has come."""


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError after so many seconds, and not before whatever has arrived by then was read.

    Without any time it raises at once.
    """
    if seconds <= 0:
        raise TimeoutError
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.TimerHandle] = []

    def look_once_more() -> None:
        waiting[0] = loop.call_later(LAST_LOOK, give_up)

    def give_up() -> None:
        limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        waiting.append(loop.call_later(seconds, look_once_more))
        try:
            yield
        finally:
            waiting[0].cancel()
