"""Time, and tasks that live to their end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Clock = Callable[[], float]
"""Seconds since the epoch. Handed in, so that tests own the time."""


_running: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start a task and keep a reference until it ends: the event loop alone keeps only a weak one."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task
