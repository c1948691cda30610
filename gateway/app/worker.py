"""One of several workers: `python -m gateway.app.worker CONTROL SOCKET COUNTERS SLOTS`, all file descriptors."""

import asyncio
import logging
import os
import signal
import socket
import sys
from time import time
from typing import Any

import uvloop

from gateway import __version__
from gateway.app.acceptor import Acceptor
from gateway.app.certificate import Certificate
from gateway.app.doorway import Doorway
from gateway.app.drain import AT_ONCE, Drain
from gateway.app.handover import Handover, unpack
from gateway.app.link import Link, Message
from gateway.app.listen import allow_descriptors
from gateway.app.service import Service
from gateway.app.slots import Slots
from gateway.app.state import start_state
from gateway.app.usage import watch_usage
from gateway.config.document import Loaded
from gateway.config.problems import ConfigRefused
from gateway.errors import GatewayError
from gateway.identity_providers.passwords import PasswordChecks
from gateway.model import spawn
from gateway.observe.log_writer import Streams
from gateway.observe.logs import set_up
from gateway.proxy.rate_limit import SpentRequests

FIGURES_SECONDS = 1.0
"""How often figures are told unasked: what a worker that is killed has counted since is lost."""

_EXPECTED = (OSError, ConfigRefused, GatewayError)
"""What ends a worker with a sentence rather than a traceback."""

log = logging.getLogger("gateway.app")


class Worker:
    """Serves clients from the shared socket, under the configuration that its supervisor has in force."""

    def __init__(self, sock: socket.socket, slots: Slots) -> None:
        self._sock = sock
        self._slots = slots
        self._link = Link(self._hear, self._orphaned)
        self._handed: asyncio.Future[Handover] = asyncio.get_running_loop().create_future()
        self._ending: asyncio.Future[Drain] = asyncio.get_running_loop().create_future()
        self._admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.has_failed = False
        self._service: Service | None = None
        self._newer: tuple[Loaded, Certificate | None] | None = None
        """What was reloaded after the hand-over."""

    async def run(self, control: socket.socket) -> None:
        """From the hand-over to the end of the last connection."""
        loop = asyncio.get_running_loop()
        # Sent to all processes of a name or a group, they are the supervisor's business.
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, _nothing)
        loop.add_signal_handler(signal.SIGTERM, self._told_to_end)
        await loop.create_unix_connection(lambda: self._link, sock=control)
        await asyncio.wait((self._handed, self._ending), return_when=asyncio.FIRST_COMPLETED)
        if self._handed.done():
            await self._live(self._handed.result())

    async def _live(self, handover: Handover) -> None:
        started = handover.started
        streams = Streams(started.base, time, atomic_lines=True)
        stderr = streams.open("stderr")
        assert stderr is not None
        set_up(started.config.logs.level, stderr.write)
        try:
            state = await start_state(started, time, handover.store_url)
            try:
                checks = PasswordChecks(handover.password_threads)
                loaded, certificate = self._newer or (handover.loaded, handover.certificate)
                self._service = Service(
                    loaded,
                    state,
                    streams,
                    started.config.logs,
                    checks,
                    SpentRequests(self._slots.spent_requests),
                )
                self._service.use_tls(started, certificate)
                await self._serve(self._service, handover)
            finally:
                await state.stop()
        except Exception as error:
            self.has_failed = True
            self._link.send({"say": "failed", "why": _words(error)})
            if not isinstance(error, _EXPECTED):
                log.exception("worker %d failed", handover.worker)
        finally:
            self._link.close()
            streams.close()

    async def _serve(self, service: Service, handover: Handover) -> None:
        watch_usage(service, handover.worker)
        too_few = allow_descriptors(handover.started.config.server.limits.connections)
        if too_few and handover.worker == 1:  # what holds for one, holds for all
            log.warning("each worker: %s", too_few)
        await service.start()
        doorway = Doorway(service.gate, service.tls, handover.started.config.server.timeouts.header)
        acceptor = Acceptor(self._sock, self._slots, handover.slot, doorway.serve)
        telling = spawn(self._tell_figures(), name="figures")
        try:
            self._send_figures()
            if not self._ending.done():
                self._link.send({"say": "ready"})
            await asyncio.wait((self._admitted, self._ending), return_when=asyncio.FIRST_COMPLETED)
            if not self._ending.done():
                acceptor.start()
            how = await self._ending
            await acceptor.end(take_queued=how.take_queued)
            await service.drain(how.limit, how.idle_grace)
        finally:
            telling.cancel()
            await service.stop()
            self._send_figures()

    # -- what the supervisor says -------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        match message:
            case {"do": "start", "version": version, "handover": str(packed)}:
                self._begin(version, packed)
            case {"do": "accept"} if not self._admitted.done():
                self._admitted.set_result(None)
            case {"do": "figures", "id": number}:
                self._send_figures(id=number)
            case {"do": "reload", "id": number, "loaded": str(packed)}:
                self._link.send({"say": "answer", "id": number, "problem": self._reload(packed)})
            case {"do": "drain", "how": how}:
                self._end(Drain(**how))
            case {"do": "cut"} if self._service is not None:
                self._service.gate.cut_all()

    def _begin(self, version: str, packed: str) -> None:
        why = f"version {__version__} is installed and {version} runs: restart the gateway"
        try:
            if version == __version__:
                self._handed.set_result(unpack(packed))
                return
        except Exception as error:  # noqa: BLE001 - whatever it is, this worker cannot start from it
            why = _words(error)
        self._link.send({"say": "failed", "why": why})
        self._end(AT_ONCE)

    def _reload(self, packed: str) -> str:
        """Put it into force, or start from it. The problem in words, empty where there is none."""
        try:
            self._newer = loaded, certificate = unpack(packed)
            if self._service is not None:
                self._service.swap(self._service.build(loaded, certificate))
        except Exception as error:  # noqa: BLE001 - whatever it is: the supervisor replaces this worker
            return _words(error)
        return ""

    def _end(self, how: Drain) -> None:
        if not self._ending.done():
            self._ending.set_result(how)

    def _told_to_end(self) -> None:
        """Somebody means this one worker; the supervisor starts another in its place."""
        if self._service is None:
            self._end(AT_ONCE)
            return
        self._link.send({"say": "leaving"})
        self._end(Drain(self._service.current.config.server.timeouts.drain))

    def _orphaned(self) -> None:
        """The supervisor is gone: free the port at once, finish what is under way, and end."""
        self._told_to_end()

    # -- what it hears ------------------------------------------------------------------------------------------

    async def _tell_figures(self) -> None:
        while True:
            await asyncio.sleep(FIGURES_SECONDS)
            self._send_figures()

    def _send_figures(self, **answering: Any) -> None:
        if self._service is not None:
            self._link.send({"say": "figures", "figures": self._service.metrics.snapshot(), **answering})


def _nothing() -> None:
    """Not for us."""


def _words(error: Exception) -> str:
    if isinstance(error, ConfigRefused):
        return "; ".join(map(str, error.problems))
    return str(error) if isinstance(error, _EXPECTED) else f"{type(error).__name__}: {error}"


async def _main(control: int, sock: int, counters: int, count: int) -> int:
    """The exit code."""
    for number in (control, sock, counters):
        os.set_inheritable(number, False)
    listening = socket.socket(fileno=sock)
    listening.setblocking(False)
    worker = Worker(listening, Slots(counters, count))
    await worker.run(socket.socket(fileno=control))
    return int(worker.has_failed)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(_main(*map(int, sys.argv[1:]))))
