"""The process that an operator starts, from its first line to its last; how it serves clients is up to its kind."""

import asyncio
import logging
import os
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import time

from gateway.admin.guard import Guard
from gateway.admin.listener import Listener, make_app
from gateway.app.activation import inherited_sockets
from gateway.app.control import LocalControl
from gateway.app.listen import bind
from gateway.app.notify import Notifier
from gateway.app.service import Service
from gateway.app.source import Source
from gateway.app.state import start_state
from gateway.assembly import Assembled
from gateway.config.document import Loaded
from gateway.identity_providers.passwords import PasswordChecks
from gateway.model import spawn
from gateway.observe.log_writer import Streams
from gateway.observe.logs import set_up
from gateway.observe.metrics import Snapshot, merge
from gateway.reload import Reloader

log = logging.getLogger("gateway.app")


class Process(ABC):
    """Sockets, store, admin listener, signals, reload: what is there once, however many workers there are."""

    service: Service
    streams: Streams

    def __init__(self, source: Source, loaded: Loaded) -> None:
        self.source = source
        self.loaded = loaded
        """What it was started with: keys that wait for a restart keep these values."""
        self.started = time()
        self.stopping = asyncio.Event()
        self._has_opened = False
        self._reload_asked = asyncio.Event()
        """A SIGHUP that came while there was nothing to reload yet."""
        self.notifier = Notifier(os.environ)
        self.holds_socket = True
        """False where a service manager keeps the socket open: then those who wait to connect are not ours to serve."""

    # -- what the kinds differ in -------------------------------------------------------------------------------

    workers = 1
    """Processes that serve clients."""

    @property
    @abstractmethod
    def is_listening(self) -> bool:
        """Clients can connect."""

    @abstractmethod
    async def open(self, sock: socket.socket) -> None:
        """Serve clients from now on."""

    @abstractmethod
    async def drain(self, limit: float) -> None:
        """Take no new clients, and return when the last one is served, or after `limit` seconds."""

    @abstractmethod
    def cut(self) -> None:
        """Wait for nothing that is under way."""

    async def figures(self) -> Snapshot:
        """What everyone who serves has counted."""
        return merge([self.service.metrics.snapshot()])

    def control(self) -> LocalControl:
        """What the admin listener asks."""
        return LocalControl(self)

    def swap(self, built: Assembled) -> None:
        """Take a new configuration into use; must not fail."""
        self.service.swap(built)

    # -- life ---------------------------------------------------------------------------------------------------

    async def serve(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start, serve, and stop when told to. Raises ConfigRefused, StoreRefused or OSError if it cannot start."""
        # Signals before anything is started: a gateway that is told to stop while it starts leaves no store behind.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        for number in (signal.SIGUSR1, signal.SIGUSR2):  # elsewhere they reopen logs or tell figures, and would kill us
            asyncio.get_running_loop().add_signal_handler(number, _say_what_to_do, number)
        config = self.loaded.config
        self.streams = Streams(self.loaded.base, time, atomic_lines=self.workers > 1)
        stderr = self.streams.open("stderr")
        assert stderr is not None
        set_up(config.logs.level, stderr.write)
        sockets = inherited_sockets(os.environ)
        self.holds_socket = "public" not in sockets
        sock = sockets.get("public") or bind(config.server.listen, "server.listen")
        try:
            if "admin" not in sockets:
                bind(config.admin.listen, "admin.listen").close()  # aiohttp binds it again: a taken port is found first
            self.state = await start_state(self.loaded, time)
            try:
                await self._serve(sock, sockets.get("admin"), on_ready)
            finally:
                await self.state.stop()
        finally:
            sock.close()
            self.notifier.stop()
            self.streams.close()

    async def _serve(self, sock: socket.socket, admin_sock: socket.socket | None, on_ready: Callable[[], None]) -> None:
        config = self.loaded.config
        self.service = Service(self.loaded, self.state, self.streams, config.logs, PasswordChecks())
        self.service.use_tls(self.loaded)
        self.reloader: Reloader[Assembled] = Reloader(
            self.service.current,
            self._rebuild,
            self._take,
            metrics=self.service.metrics,
            clock=time,
            audit=self.service.shared.audit,
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.reloader.request)
        if self._reload_asked.is_set():
            self.reloader.request()
        token = config.admin.token.reveal()
        if not token and self.state.made_secret is not None:
            token = self.state.made_secret("admin.token", 32)
        guard = Guard(str(config.admin.listen), config.admin.hosts, token)
        admin = Listener(make_app(self.control(), guard))
        await admin.start(config.admin.listen.host, config.admin.listen.port, admin_sock)
        watching = spawn(self.reloader.watch(), name="reloader")
        try:
            await self.open(sock)
            self._has_opened = True
            if not self.stopping.is_set():
                self._announce(sock, admin_has_token=bool(token))
                on_ready()
                self.notifier.ready()
            await self.stopping.wait()
            self.notifier.stopping()
            await self.drain(self.service.current.config.server.timeouts.drain)
            log.info("stopped")
        finally:
            watching.cancel()
            await admin.stop()
            await self.service.stop()

    def stop(self) -> None:
        """Begin to drain; a second call ends at once."""
        if self.stopping.is_set() and self._has_opened:
            log.warning("told to stop again: not waiting for what is under way")
            self.cut()
        self.stopping.set()

    def _announce(self, sock: socket.socket, *, admin_has_token: bool) -> None:
        server, admin = self.loaded.config.server, self.loaded.config.admin
        scheme, routes = "https" if server.tls else "http", len(self.loaded.config.routes)
        host, port = sock.getsockname()[:2]
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        whose = "" if self.holds_socket else " (a socket of the service manager)"
        log.info("listening on %s://%s%s for clients, routes: %d", scheme, place, whose, routes)
        if self.workers > 1:
            log.info("workers: %d", self.workers)
        log.info("listening on http://%s for health, metrics and the admin API", admin.listen)
        if not admin_has_token:
            log.info("the admin API is off: admin.token is empty")
        log.info("token state: %s", self.state.described)
        for warning in self.loaded.warnings:
            log.warning("%s", warning)

    # -- configuration ------------------------------------------------------------------------------------------

    async def _rebuild(self) -> Assembled:
        self.notifier.reloading()
        try:
            return self.service.build(await asyncio.to_thread(self.source.load))
        except BaseException:
            self.notifier.ready()
            raise

    def _take(self, built: Assembled) -> None:
        self.swap(built)
        self.notifier.ready()
        for warning in built.loaded.warnings:
            log.warning("%s", warning)


def _say_what_to_do(number: signal.Signals) -> None:
    log.warning(
        "%s does nothing here: SIGHUP loads the file, and log files are opened again by themselves", number.name
    )
