"""The connections to one server of an upstream: idle ones are reused, last in first out."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from gateway.errors import UpstreamFault, UpstreamTimeout
from gateway.upstream.connection import UpstreamConnection

IDLE_SECONDS = 30.0
"""How long an unused connection is kept. Shorter than the keep-alive of most servers, so that few are found closed."""
DOWN_SECONDS = 5.0
"""How long a server that refused a connection is passed over while others are up."""
FAILURES_TO_DOWN = 1
"""Refused connections in a row that make a server be passed over: a refused connect is not a slow one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens, and how it is spoken to."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    """SNI and certificate name; None: the host."""

    @property
    def authority(self) -> str:
        """The value of a Host header that names this server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"


@dataclass(slots=True)
class Server:
    """One server: its idle connections, how many are busy, and whether it is up."""

    endpoint: Endpoint
    connect_timeout: float
    idle: list[UpstreamConnection] = field(default_factory=list)
    open: set[UpstreamConnection] = field(default_factory=set)
    opening: int = 0
    failures: int = 0
    down_until: float = 0.0
    """time.monotonic() until which the server is passed over after it refused (passive health)."""
    healthy: bool = True
    """What the last active health check said; True where there is none."""
    retired: bool = False
    on_health: Callable[["Server"], None] | None = None

    @property
    def busy(self) -> int:
        """Connections with an exchange on them, or being opened for one."""
        return len(self.open) - len(self.idle) + self.opening

    def is_up(self, now: float) -> bool:
        """May be given a request at `now` (time.monotonic)."""
        return self.healthy and self.down_until <= now

    def take(self) -> UpstreamConnection | None:
        """An idle connection, or None. Never suspends."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def release(self, connection: UpstreamConnection) -> None:
        """The exchange on this connection is over."""
        if self.retired:
            connection.transport.close()
            return
        connection.idle_since = monotonic()
        self.idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """The connection is closed, or given to a tunnel."""
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)

    async def connect(self) -> UpstreamConnection:
        """Open a connection. Raises UpstreamFault (refused, TLS) or UpstreamTimeout."""
        endpoint = self.endpoint
        loop = asyncio.get_running_loop()
        self.opening += 1  # else a burst would all go to the server that looks least busy
        try:
            async with asyncio.timeout(self.connect_timeout):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self),
                    endpoint.host,
                    endpoint.port,
                    ssl=endpoint.tls,
                    server_hostname=(endpoint.server_name or endpoint.host) if endpoint.tls else None,
                )
        except TimeoutError as error:
            self.failed()
            raise UpstreamTimeout(f"{endpoint.origin}: no connection within {self.connect_timeout:g} s") from error
        except (OSError, ssl.SSLError) as error:
            self.failed()
            raise UpstreamFault(f"{endpoint.origin}: {error}") from error
        finally:
            self.opening -= 1
        self.failures = 0
        self.down_until = 0.0
        self.open.add(connection)
        return connection

    def failed(self) -> None:
        """Count a connection that could not be opened."""
        self.failures += 1
        if self.failures >= FAILURES_TO_DOWN:
            self.down_until = monotonic() + DOWN_SECONDS
            if self.on_health is not None:
                self.on_health(self)

    def sweep(self, now: float) -> None:
        """Close connections that have been idle for too long. Oldest first: the list is in order of release."""
        expired = now - IDLE_SECONDS
        while self.idle and self.idle[0].idle_since < expired:
            self.idle.pop(0).transport.close()

    def retire(self) -> None:
        """The server is no longer configured: idle connections close now, busy ones after their exchange."""
        self.retired = True
        for connection in self.idle:
            connection.transport.close()
        self.idle.clear()
