"""An upstream: the servers behind one name, how one of them is chosen, and what a request to it carries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic

from gateway.errors import UpstreamsDown
from gateway.upstream.injectors.erp_session import ErpSessionInjector
from gateway.upstream.pool import Server


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to the answer's head, and between two reads after it."""

    connect: float = 2.0
    response: float = 60.0
    idle: float = 60.0


@dataclass(slots=True)
class Upstream:
    """The ERP we call."""

    name: str
    servers: Sequence[Server]
    least_connections: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    preserve_host: bool = True
    erp: ErpSessionInjector | None = None
    """Where each caller has a session of its own in this ERP; its credentials change while tokens live."""
    _turn: "count[int]" = field(default_factory=count, repr=False)

    def choose(self, *, without: Server | None = None) -> Server:
        """The server for the next request; never `without`, which just failed, unless it is the only one.

        A server that refused a moment ago is passed over while another is up; when none is, those that only
        refused (no active check says they are down) are tried again rather than failing everything.

        Raises UpstreamsDown.
        """
        servers = self.servers
        if len(servers) == 1:
            if servers[0].healthy:
                return servers[0]
            raise UpstreamsDown(f"upstream {self.name}: its only server is down")
        now = monotonic()
        candidates = [server for server in servers if server.is_up(now) and server is not without]
        if not candidates:
            candidates = [server for server in servers if server.healthy and server is not without]
        if not candidates:
            raise UpstreamsDown(f"upstream {self.name}: none of {len(servers)} servers is up")
        if self.least_connections:
            turn = next(self._turn)  # equals take turns, so that the first one does not get all
            return min(
                (candidates[(turn + offset) % len(candidates)] for offset in range(len(candidates))),
                key=lambda server: server.busy,
            )
        return candidates[next(self._turn) % len(candidates)]

    @property
    def up(self) -> int:
        """How many servers may be given a request now."""
        now = monotonic()
        return sum(server.is_up(now) for server in self.servers)

    def sweep(self, now: float) -> None:
        """Close idle connections that are too old. `now` is time.monotonic()."""
        for server in self.servers:
            server.sweep(now)

    def retire(self) -> None:
        """No route leads here any more."""
        for server in self.servers:
            server.retire()
