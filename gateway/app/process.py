"""One gateway process from its first line to its last: start, serve, reload, drain, stop."""

import asyncio
import logging
import os
import signal
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, time

import uvloop

from gateway.admin.guard import Guard
from gateway.admin.listener import Listener, make_app
from gateway.app.control import LocalControl
from gateway.app.health import Probes
from gateway.app.listen import BACKLOG, allow_descriptors, bind, renew, tls_context
from gateway.app.state import start_state
from gateway.assembly import Assembled, Shared, assemble
from gateway.assembly.shared import WeakFeed
from gateway.config.document import Loaded
from gateway.config.load import load
from gateway.identity_providers.passwords import PasswordChecks
from gateway.model import spawn
from gateway.observe.access_log import AccessLog
from gateway.observe.audit import Audit
from gateway.observe.log_writer import Streams
from gateway.observe.logs import set_up
from gateway.observe.metrics import Metrics
from gateway.observe.tally import Tally
from gateway.proxy.connection import ClientConnection
from gateway.proxy.connections import SWEEP_SECONDS
from gateway.proxy.gate import Gate
from gateway.proxy.observer import Observer
from gateway.reload import Reloader

STORE_WAIT = 3.0
"""Seconds that the public listener waits for the store's first answer."""

log = logging.getLogger("gateway.app")


def run(path: Path, overrides: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigRefused, StoreRefused or OSError if it cannot start."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Process(path, overrides).serve())


class Process:
    """Everything a running gateway holds."""

    def __init__(self, path: Path, overrides: Mapping[str, str]) -> None:
        self._path = path
        self._overrides = dict(overrides)
        self._stopping = asyncio.Event()
        self._public: asyncio.Server | None = None
        self._tls: ssl.SSLContext | None = None
        self.metrics = Metrics()
        self.started = self.loaded_at = time()

    @property
    def is_listening(self) -> bool:
        """Clients can connect."""
        return self._public is not None and self._public.is_serving()

    async def serve(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start, serve, and stop when told to."""
        self._handle_ends()
        loaded = self._load()
        config = loaded.config
        self._streams = Streams(loaded.base, time)
        stderr = self._streams.open("stderr")
        assert stderr is not None
        set_up(config.logs.level, stderr.write)
        sock = bind(config.server.listen, "server.listen")
        try:
            admin_sock = bind(config.admin.listen, "admin.listen")
            admin_sock.close()  # aiohttp binds it again; what matters is that a taken port is found first
            self.state = await start_state(loaded, time)
            try:
                await self._serve(loaded, sock, on_ready)
            finally:
                await self.state.stop()
        finally:
            sock.close()
            self._streams.close()

    async def _serve(self, loaded: Loaded, sock: socket.socket, on_ready: Callable[[], None]) -> None:
        config = loaded.config
        audit_writer = self._streams.open(config.logs.audit)
        audit = Tally(Audit(audit_writer.write if audit_writer else _nowhere, time), self.metrics)
        self.shared = Shared(
            store=self.state.store,
            feed=WeakFeed(self.state.feed),
            checks=PasswordChecks(),
            metrics=self.metrics,
            audit=audit,
            clock=time,
            made_secret=self.state.made_secret,
        )
        self.current = assemble(loaded, self.shared)
        access_writer = self._streams.open(config.logs.access)
        access_log = AccessLog(access_writer.write, time) if access_writer else None
        self.gate = Gate(self.current.rules, Observer(self.metrics, access_log))
        self.state.feed.listen(self.gate.ongoing.invalidate)
        self.probes = Probes()
        self.probes.use(self.current)
        self.reloader: Reloader[Assembled] = Reloader(
            self.current, self._rebuild, self._swap, metrics=self.metrics, clock=time, audit=audit
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.reloader.request)
        self._watch_figures()
        control = LocalControl(self)
        token = config.admin.token.reveal()
        if not token and self.state.made_secret is not None:
            token = self.state.made_secret("admin.token", 32)
        guard = Guard(str(config.admin.listen), config.admin.hosts, token)
        admin = Listener(make_app(control, guard))
        await admin.start(config.admin.listen.host, config.admin.listen.port)
        tasks = [spawn(self._sweep(), name="sweeper"), spawn(self.reloader.watch(), name="reloader")]
        try:
            await self._store_answers()
            await self._open(loaded, sock)
            self._announce(loaded, admin_has_token=bool(token))
            on_ready()
            await self._stopping.wait()
            await self._drain()
        finally:
            for task in tasks:
                task.cancel()
            self.probes.stop()
            await admin.stop()
            if access_log is not None:
                access_log.flush()
            self.shared.checks.close()
            await self.shared.erp_connections.close()

    # -- configuration ------------------------------------------------------------------------------------------

    def _load(self) -> Loaded:
        return load(self._path, os.environ, self._overrides)

    async def _rebuild(self) -> Assembled:
        loaded = await asyncio.to_thread(self._load)
        if self._tls is not None and loaded.config.server.tls is not None:
            tls_context(loaded.base, loaded.config.server.tls)
        return assemble(loaded, self.shared, self.current.upstreams.servers)

    def _swap(self, built: Assembled) -> None:
        """One reference; exchanges under way keep the rules they began with."""
        earlier, self.current = self.current, built
        self.loaded_at = time()
        self.gate.rules = built.rules
        self.gate.ongoing.reloaded(built.rules)
        kept = set(map(id, built.upstreams.servers.values()))
        for server in earlier.upstreams.servers.values():
            if id(server) not in kept:
                server.retire()
        self.probes.use(built)
        if self._tls is not None and built.config.server.tls is not None:
            renew(self._tls, built.loaded.base, built.config.server.tls)
        for warning in built.loaded.warnings:
            log.warning("%s", warning)

    # -- start --------------------------------------------------------------------------------------------------

    async def _store_answers(self) -> None:
        until = monotonic() + STORE_WAIT
        while not (self.state.feed.alive or monotonic() >= until):  # noqa: ASYNC110 - a moment in time, no event
            await asyncio.sleep(0.02)
        if not self.state.feed.alive:
            log.warning("the store does not answer yet: %s; requests that need it get 503", self.state.described)

    async def _open(self, loaded: Loaded, sock: socket.socket) -> None:
        tls = loaded.config.server.tls
        self._tls = tls_context(loaded.base, tls) if tls is not None else None
        gate, secure = self.gate, tls is not None
        self._public = await asyncio.get_running_loop().create_server(
            lambda: ClientConnection(gate, secure=secure),
            sock=sock,
            ssl=self._tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=loaded.config.server.timeouts.header if secure else None,
        )

    def _announce(self, loaded: Loaded, *, admin_has_token: bool) -> None:
        server, admin = loaded.config.server, loaded.config.admin
        scheme = "https" if server.tls else "http"
        log.info("listening on %s://%s for clients, routes: %d", scheme, server.listen, len(loaded.config.routes))
        log.info("listening on http://%s for health, metrics and the admin API", admin.listen)
        if not admin_has_token:
            log.info("the admin API is off: admin.token is empty")
        log.info("token state: %s", self.state.described)
        if too_few := allow_descriptors(server.limits.connections):
            log.warning("%s", too_few)
        for warning in loaded.warnings:
            log.warning("%s", warning)

    def _watch_figures(self) -> None:
        feed, gate = self.state.feed, self.gate
        self.metrics.watch("store_up", lambda: {(): float(feed.alive)})
        self.metrics.watch("store_errors_total", lambda: {(): self.state.store.calls.failures})
        self.metrics.watch("feed_up", lambda: {(): float(feed.alive)})
        self.metrics.watch("connections", lambda: {(): len(gate.connections)})
        self.metrics.watch("requests_in_flight", lambda: {(): gate.in_flight})
        self.metrics.watch("verified_tokens", lambda: {(): len(self.current.logins.cache)})
        self.metrics.watch("log_lines_dropped_total", self._streams.dropped)
        self.metrics.watch("upstream_up", self._upstreams_up)

    def _upstreams_up(self) -> dict[tuple[str, ...], float]:
        now = monotonic()
        return {
            (upstream.name, server.endpoint.origin): float(server.is_up(now))
            for upstream in self.current.rules.upstreams
            for server in upstream.servers
        }

    # -- life ---------------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self.gate.sweep()
            except Exception:  # a sweeper that ended would leave every deadline of the process unwatched
                log.exception("sweeping failed")

    def _handle_ends(self) -> None:
        # Before anything is started: a gateway that is told to stop while it starts leaves no store behind.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)

    def stop(self) -> None:
        """Begin to drain; a second call ends at once."""
        if self._stopping.is_set() and self._public is not None:
            log.warning("told to stop again: not waiting for what is under way")
            self.gate.cut_all()
        self._stopping.set()

    async def _drain(self) -> None:
        limit = self.current.config.server.timeouts.drain
        log.info("draining: at most %g s for %d connections", limit, len(self.gate.connections))
        if self._public is not None:
            self._public.close()
        self.gate.drain()
        until = monotonic() + limit
        while self.gate.connections and monotonic() < until:  # noqa: ASYNC110 - at most once in a life
            await asyncio.sleep(0.02)
        left = len(self.gate.connections)
        if left:
            log.warning("%d connections did not end within the drain time and are cut", left)
        self.gate.cut_all()
        await asyncio.sleep(0)
        for server in self.current.upstreams.servers.values():
            server.retire()
        log.info("stopped")


def _nowhere(_: bytes) -> None:
    """`logs.audit: off`."""
