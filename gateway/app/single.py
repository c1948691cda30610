"""One process that does everything: what `workers: 1` is, and a development machine needs."""

import asyncio
import socket

from gateway.app.acceptor import Acceptor
from gateway.app.doorway import Doorway
from gateway.app.drain import IDLE_GRACE
from gateway.app.listen import BACKLOG, allow_descriptors
from gateway.app.process import Process, log
from gateway.app.slots import Slots
from gateway.app.usage import watch_usage
from gateway.proxy.connection import ClientConnection


class Single(Process):
    """Serves clients itself. Without TLS the event loop accepts, at half the cost of a connection of our own making."""

    _public: asyncio.Server | None = None
    _acceptor: Acceptor | None = None

    @property
    def is_listening(self) -> bool:
        """The public listener is open."""
        if self._acceptor is not None:
            return self._acceptor.is_open
        return self._public is not None and self._public.is_serving()

    async def open(self, sock: socket.socket) -> None:
        """Listen once the store has answered, or after 3 s."""
        service, server = self.service, self.loaded.config.server
        await service.start()
        if too_few := allow_descriptors(server.limits.connections):
            log.warning("%s", too_few)
        gate = service.gate
        service.metrics.watch("worker_up", lambda: {("1",): 1.0})
        watch_usage(service, 1)
        if service.tls is None:
            loop = asyncio.get_running_loop()
            self._public = await loop.create_server(lambda: ClientConnection(gate), sock=sock, backlog=BACKLOG)
            return
        doorway = Doorway(gate, service.tls, server.timeouts.header)
        self._acceptor = Acceptor(sock, Slots.make(1), 0, doorway.serve)
        sock.listen(BACKLOG)
        self._acceptor.start()

    async def drain(self, limit: float) -> None:
        """Close the listener; idle connections have a moment for one more request."""
        if self._acceptor is not None:
            await self._acceptor.end(take_queued=self.holds_socket)
        if self._public is not None:
            await asyncio.sleep(0)  # who has connected already is accepted
            self._public.close()
        await self.service.drain(limit, IDLE_GRACE)

    def cut(self) -> None:
        """End every connection."""
        self.service.gate.cut_all()
