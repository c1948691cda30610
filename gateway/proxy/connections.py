"""The open client connections of one worker: counted, swept for what is overdue, drained and cut."""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from gateway.proxy import phases
from gateway.proxy.forwarded import Peer
from gateway.proxy.observer import Observer
from gateway.proxy.ongoing import OngoingExchanges
from gateway.proxy.route import Rules

if TYPE_CHECKING:
    from gateway.proxy.connection import ClientConnection

SWEEP_SECONDS = 0.25
"""How often `sweep` is to be called; nothing ends before its deadline, nor much more than this behind it."""


class OpenConnections:
    """The part of the gate that outlives exchanges."""

    def __init__(self, rules: Rules, observer: Observer) -> None:
        self.rules = rules
        """Swapped as a whole at a reload."""
        self.now = monotonic() + SWEEP_SECONDS
        """Coarse time.monotonic, never behind it: deadlines, which are counted from here, need no more."""
        self.observer = observer
        self.connections: set[ClientConnection] = set()
        self.per_address: dict[str, int] = {}
        self.ongoing = OngoingExchanges()
        self.draining = False

    def client_connected(self, connection: "ClientConnection") -> None:
        """A new connection: refused at once where a limit is reached."""
        rules = self.rules
        name = connection.transport.get_extra_info("peername")
        connection.peer = peer = Peer(
            name[0] if name else "", secure=connection.secure, trusted_networks=rules.trusted_proxies
        )
        self.connections.add(connection)
        open_here = self.per_address.get(peer.address, 0) + 1
        self.per_address[peer.address] = open_here
        limit = rules.connections_per_address
        if (rules.connections and len(self.connections) > rules.connections) or (limit and open_here > limit):
            self.observer.refused_connection(peer.address)
            connection.cut()
            return
        connection.closing_soon = self.draining
        connection.arm(phases.HEAD, rules.header_timeout)

    def client_disconnected(self, connection: "ClientConnection") -> None:
        """The connection is closed."""
        self.connections.discard(connection)
        address = connection.peer.address
        left = self.per_address.get(address, 1) - 1
        if left:
            self.per_address[address] = left
        else:
            self.per_address.pop(address, None)

    def sweep(self) -> None:
        """Called a few times a second: moves the coarse clock and ends what is overdue."""
        now = monotonic()
        self.now = now + SWEEP_SECONDS
        overdue = [connection for connection in self.connections if connection.deadline < now]
        for connection in overdue:
            connection.expire()
        self.ongoing.sweep(self.connections)
        for upstream in self.rules.upstreams:
            upstream.sweep(now)

    @property
    def in_flight(self) -> int:
        """Exchanges that are not over yet."""
        return sum(not connection.idle for connection in self.connections)

    def cut_all(self) -> None:
        """End everything now."""
        self.ongoing.stop()
        for connection in list(self.connections):
            connection.transport.abort()

    def drain(self, idle_grace: float = 0.0) -> None:
        """Let each connection end with its present exchange; idle ones have `idle_grace` seconds for one more.

        A request that meets our close on its way is lost to its client, and not every client sends it again.
        """
        self.draining = True
        for connection in self.connections:
            connection.closing_soon = True
        if idle_grace:
            asyncio.get_running_loop().call_later(idle_grace, self._close_idle)
        else:
            self._close_idle()

    def _close_idle(self) -> None:
        for connection in list(self.connections):
            connection.close_if_idle()
