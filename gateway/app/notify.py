"""Tells the service manager how far we are (sd_notify(3)): ready, reloading, stopping, and that we are alive."""

import asyncio
import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from time import CLOCK_MONOTONIC, clock_gettime_ns

from gateway.model import spawn


class Notifier:
    """Sends datagrams where `NOTIFY_SOCKET` says; does nothing where nobody asked."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        """The variables are removed: they are not for our children."""
        address = environ.pop("NOTIFY_SOCKET", "")
        interval, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watched = interval.isdigit() and pid in {"", str(os.getpid())}
        self._interval = int(interval) / 2e6 if self._watched else 0.0
        self._watching: asyncio.Task[None] | None = None

    def ready(self) -> None:
        """Clients can connect; a reload is over."""
        self.tell("READY=1")
        if self._interval and self._watching is None:
            self._watching = spawn(self._bark(), name="watchdog")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        self.tell(f"RELOADING=1\nMONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The drain begins. The watchdog is served on: draining is no reason to be killed."""
        self.tell("STOPPING=1")

    def stop(self) -> None:
        """Serve the watchdog no longer."""
        if self._watching is not None:
            self._watching.cancel()

    def tell(self, state: str) -> None:
        """One message. Nothing is raised: a manager that does not listen must not end us."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto(state.encode(), self._address)

    async def _bark(self) -> None:
        """From the event loop itself: one that no longer turns is what the watchdog is for."""
        while True:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._interval)
