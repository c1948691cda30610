"""Makes connections of accepted sockets. TLS handshakes count in the limits while they last: they cost as much."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.app.acceptor import Acceptor, CountedConnection
from gateway.proxy.gate import Gate


class Refused(ConnectionAbortedError):
    """One connection too many; its client has been cut off."""


class Doorway:
    """Where clients come in, in one process."""

    def __init__(self, gate: Gate, tls: ssl.SSLContext | None, handshake_timeout: float) -> None:
        """`handshake_timeout`: seconds."""
        self._gate = gate
        self._tls = tls
        self._timeout = handshake_timeout
        self._pending: dict[str, int] = {}
        """Handshakes under way, by address."""
        self._all_pending = 0

    async def serve(self, acceptor: Acceptor, client: socket.socket) -> None:
        """Return once the client is connected. Raises OSError."""
        loop = asyncio.get_running_loop()
        if self._tls is None:
            await loop.connect_accepted_socket(lambda: self._connection(acceptor), client)
            return
        with self._handshake(client.getpeername()[0]):
            await loop.connect_accepted_socket(
                lambda: self._connection(acceptor), client, ssl=self._tls, ssl_handshake_timeout=self._timeout
            )

    def _connection(self, acceptor: Acceptor) -> CountedConnection:
        made = CountedConnection(self._gate, secure=self._tls is not None)
        made.acceptor = acceptor
        return made

    @contextmanager
    def _handshake(self, address: str) -> Iterator[None]:
        """Count one. Raises Refused where a limit is reached: thousands that say nothing would keep all others out."""
        gate, rules = self._gate, self._gate.rules
        here = self._pending.get(address, 0)
        most, most_here = rules.connections, rules.connections_per_address
        if (most and len(gate.connections) + self._all_pending >= most) or (
            most_here and gate.per_address.get(address, 0) + here >= most_here
        ):
            gate.observer.refused_connection(address)
            raise Refused("too many connections")
        self._pending[address] = here + 1
        self._all_pending += 1
        try:
            yield
        finally:
            self._all_pending -= 1
            left = self._pending[address] - 1
            if left:
                self._pending[address] = left
            else:
                del self._pending[address]
