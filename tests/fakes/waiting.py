"""Waits for what other processes do, in small steps, and never measures how long it took."""

import asyncio
import inspect


async def eventually(check, *, seconds=30.0):
    """Return the first true value of `check()`, which may be a coroutine function."""
    for _ in range(int(seconds / 0.01)):
        found = check()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"it never happened within {seconds} s")
