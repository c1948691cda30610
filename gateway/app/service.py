"""What serves requests: rules, gate, caches and logs; the same in a process alone as in each of many workers."""

import asyncio
import logging
import ssl
from time import monotonic, time

from gateway.app.certificate import Certificate, read_certificate, renew, tls_context
from gateway.app.health import Probes
from gateway.app.state import TokenState
from gateway.assembly import Assembled, Shared, accounts, assemble
from gateway.assembly.shared import WeakFeed
from gateway.config.document import Loaded
from gateway.config.server import LogsConfig
from gateway.identity_providers.passwords import PasswordChecks
from gateway.model import spawn
from gateway.observe.access_log import AccessLog
from gateway.observe.audit import Audit
from gateway.observe.log_writer import Streams
from gateway.observe.metrics import Metrics
from gateway.observe.tally import Tally
from gateway.proxy.connections import SWEEP_SECONDS
from gateway.proxy.gate import Gate
from gateway.proxy.observer import Observer
from gateway.proxy.rate_limit import SpentRequests

STORE_WAIT = 3.0
"""Seconds that the public listener waits for the store's first answer."""

log = logging.getLogger("gateway.app")


class Service:
    """One configuration in force, and how another one takes its place."""

    def __init__(
        self,
        loaded: Loaded,
        state: TokenState,
        streams: Streams,
        logs: LogsConfig,
        checks: PasswordChecks,
        spent_requests: SpentRequests | None = None,
    ) -> None:
        """`spent_requests`: what rate limits have counted, where several workers do.

        Raises ConfigRefused, and OSError for a log that cannot be written.
        """
        self.state = state
        self.metrics = Metrics()
        audit_writer, access_writer = streams.open(logs.audit), streams.open(logs.access)
        self.shared = Shared(
            store=state.store,
            feed=WeakFeed(state.feed),
            checks=checks,
            metrics=self.metrics,
            audit=Tally(Audit(audit_writer.write if audit_writer else _nowhere, time), self.metrics),
            clock=time,
            made_secret=state.made_secret,
            spent_requests=SpentRequests() if spent_requests is None else spent_requests,
        )
        self.current = assemble(loaded, self.shared)
        self.loaded_at = time()
        self._access_log = AccessLog(access_writer.write, time) if access_writer else None
        self.gate = Gate(self.current.rules, Observer(self.metrics, self._access_log))
        state.feed.listen(self.gate.ongoing.invalidate)
        self.tls: ssl.SSLContext | None = None
        self.certificate: Certificate | None = None
        """What clients are shown; None without TLS."""
        self._coming: Certificate | None = None
        self._probes = Probes()
        self._sweeper: asyncio.Task[None] | None = None
        self.metrics.watch("log_lines_dropped_total", streams.dropped)
        self.metrics.watch("store_errors_total", lambda: {(): state.store.calls.failures})
        self.metrics.watch("store_up", lambda: {(): float(state.feed.store_answers)})
        self.metrics.watch("feed_up", lambda: {(): float(state.feed.alive)})

    async def start(self) -> None:
        """Check upstreams and watch deadlines from now on; returns once the store has answered, or after 3 s."""
        self._watch_figures()
        self._probes.use(self.current)
        self._sweeper = spawn(self._sweep(), name="sweeper")
        feed, until = self.state.feed, monotonic() + STORE_WAIT
        while not (feed.alive or monotonic() >= until):  # noqa: ASYNC110 - a moment in time, no event
            await asyncio.sleep(0.02)
        if not feed.store_answers:
            log.warning("the store does not answer yet: %s; requests that need it get 503", self.state.described)

    def use_tls(self, started: Loaded, certificate: Certificate | None = None) -> None:
        """Serve TLS if the process was started with it. A certificate that is not given is read. Raises OSError."""
        if started.config.server.tls is None:
            return
        loaded = self.current.loaded if self.current.config.server.tls is not None else started
        assert loaded.config.server.tls is not None
        self.certificate = certificate or read_certificate(loaded.base, loaded.config.server.tls)
        self.tls = tls_context(self.certificate)

    # -- configuration ------------------------------------------------------------------------------------------

    def build(self, loaded: Loaded, certificate: Certificate | None = None) -> Assembled:
        """Everything anew, aside. Raises ConfigRefused, and OSError for a certificate that does not fit."""
        tls = loaded.config.server.tls
        if self.tls is not None and tls is not None:
            self._coming = certificate or read_certificate(loaded.base, tls)
        return assemble(loaded, self.shared, self.current.upstreams.servers)

    def swap(self, built: Assembled) -> None:
        """One reference; exchanges under way keep the rules they began with."""
        earlier, self.current = self.current, built
        self.loaded_at = time()
        self.gate.rules = built.rules
        self.gate.ongoing.reloaded(built.rules)
        kept = set(map(id, built.upstreams.servers.values()))
        for server in earlier.upstreams.servers.values():
            if id(server) not in kept:
                server.retire()
        accounts.hand_over(earlier, built)
        if self._sweeper is not None:
            self._probes.use(built)
        if self.tls is not None and self._coming is not None:
            self.certificate = self._coming
            renew(self.tls, self.certificate)

    # -- life ---------------------------------------------------------------------------------------------------

    async def drain(self, limit: float, idle_grace: float = 0.0) -> None:
        """Finish what is under way, for at most `limit` seconds; then cut. Nobody may connect any more."""
        gate = self.gate
        log.info("draining: at most %g s for %d connections", limit, len(gate.connections))
        gate.drain(min(idle_grace, limit))
        until = monotonic() + limit
        while gate.connections and monotonic() < until:  # noqa: ASYNC110 - at most once in a life
            await asyncio.sleep(0.02)
        if gate.connections:
            log.warning("%d connections did not end within the drain time and are cut", len(gate.connections))
        gate.cut_all()
        await asyncio.sleep(0)
        for server in self.current.upstreams.servers.values():
            server.retire()

    async def stop(self) -> None:
        """End what runs in the background; the token state is the caller's."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._probes.stop()
        if self._access_log is not None:
            self._access_log.flush()
        self.shared.checks.close()
        await accounts.leave(self.current)
        await self.shared.erp_connections.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self.gate.sweep()
            except Exception:  # a sweeper that ended would leave every deadline of the process unwatched
                log.exception("sweeping failed")

    def _watch_figures(self) -> None:
        """What only those have to tell who serve clients."""
        gate = self.gate
        self.metrics.watch("connections", lambda: {(): len(gate.connections)})
        self.metrics.watch("requests_in_flight", lambda: {(): gate.in_flight})
        self.metrics.watch("verified_tokens", lambda: {(): len(self.current.logins.cache)})
        self.metrics.watch("upstream_up", self._upstreams_up)

    def _upstreams_up(self) -> dict[tuple[str, ...], float]:
        now = monotonic()
        return {
            (upstream.name, server.endpoint.origin): float(server.is_up(now))
            for upstream in self.current.rules.upstreams
            for server in upstream.servers
        }


def _nowhere(_: bytes) -> None:
    """`logs.audit: off`."""
