"""Work that is done once for all who need it at the same time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.model import spawn


class Shared:
    """At most one run at a time. A caller who goes does not take it along, and each is told how it ended."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> None:
        self._work = work
        self._name = name
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Return once the run is over that is under way or that this call starts. Raises what the work raises."""
        await asyncio.shield(self.start())

    def start(self) -> "asyncio.Task[None]":
        """The run that is under way; else a new one."""
        if self._running is None:
            self._running = spawn(self._work(), name=self._name)
            self._running.add_done_callback(self._ended)
        return self._running

    def cancel(self) -> None:
        """Break off the run that is under way."""
        if self._running is not None:
            self._running.cancel()

    def _ended(self, run: "asyncio.Task[None]") -> None:
        self._running = None
        if not run.cancelled():
            run.exception()  # those who wait are told; if all have gone, nobody is
