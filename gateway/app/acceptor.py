"""Takes connections from the one listening socket that all workers share, and leaves them to whoever has fewer."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

from gateway.app.slots import CLOSED, Slots
from gateway.model import spawn
from gateway.proxy.connection import ClientConnection

DECLINE_SECONDS = 0.004
"""How long a worker looks away when another should take the connection that waits."""
PATIENCE_SECONDS = 0.02
"""How long it declines one connection: the other worker may be busy, stuck or dead, and somebody waits."""
_WANING = 0.9
"""How much of its patience is left each time that nobody came: a stuck worker costs all others together 0.2 s once,
and not 0.02 s for each connection until it is killed."""
_RETRY_SECONDS = 0.5
"""After a failure that is the machine's, such as too many open files: others may still be able to accept."""
_SETTLE_SECONDS = 1.0
"""How long TLS handshakes under way are waited for at the end."""
_PASSING = {errno.ECONNABORTED, errno.EPROTO, errno.EPERM}
"""The client left while it waited, or a firewall refused it: nothing that concerns the next one."""

log = logging.getLogger("gateway.app")


class CountedConnection(ClientConnection):
    """A client's connection that tells its acceptor when it is over."""

    __slots__ = ("acceptor",)

    acceptor: "Acceptor"

    def disconnected(self) -> None:
        """As for every connection, and one fewer."""
        super().disconnected()
        self.acceptor.left()


class Acceptor:
    """One worker's share in the listening socket. One connection for each turn of the event loop: others get theirs."""

    def __init__(
        self,
        sock: socket.socket,
        slots: Slots,
        slot: int,
        serve: Callable[["Acceptor", socket.socket], Coroutine[Any, Any, None]],
    ) -> None:
        """`serve` makes a connection of an accepted socket; it may raise OSError."""
        self._sock = sock
        self._slots = slots
        self._slot = slot
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._open = 0
        self._declining_since = 0.0
        self._patience = PATIENCE_SECONDS
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._taking: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """It accepts connections, or would."""
        return not self._closed

    def start(self) -> None:
        """Begin to accept."""
        self._slots[self._slot] = 0
        self._look()

    async def end(self, *, take_queued: bool) -> None:
        """Accept no more, and return once whoever was accepted is connected. `take_queued`: take in who waits, too."""
        self.close(take_queued=take_queued)
        if self._taking:
            await asyncio.wait(self._taking, timeout=_SETTLE_SECONDS)

    def close(self, *, take_queued: bool = False) -> None:
        """Accept no more; the socket lives on in others."""
        if self._closed:
            return
        while take_queued and self._accept():
            pass
        self._closed = True
        self._look_away()
        self._slots[self._slot] = CLOSED
        self._sock.close()

    def left(self) -> None:
        """A connection that was accepted here is over."""
        self._open -= 1
        if not self._closed:
            self._slots[self._slot] = self._open

    def _look(self) -> None:
        self._retry = None
        self._loop.add_reader(self._sock.fileno(), self._ready)

    def _look_away(self, seconds: float = 0.0) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        else:
            self._loop.remove_reader(self._sock.fileno())
        if seconds:
            self._retry = self._loop.call_later(seconds, self._look)

    def _ready(self) -> None:
        """Somebody waits, unless another worker was quicker."""
        if not self._slots.is_ahead(self._slot):
            self._patience = PATIENCE_SECONDS
        elif self._patience > DECLINE_SECONDS:
            now = monotonic()
            self._declining_since = self._declining_since or now
            if now - self._declining_since < self._patience:
                self._look_away(DECLINE_SECONDS)
                return
            self._patience *= _WANING
        self._declining_since = 0.0
        self._accept()

    def _accept(self) -> bool:
        try:
            client, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if error.errno not in _PASSING:
                log.error("cannot accept connections: %s; trying again", error.strerror)
                self._look_away(_RETRY_SECONDS)
            return False
        self._open += 1
        self._slots[self._slot] = self._open
        taking = spawn(self._take(client), name="accepted")
        self._taking.add(taking)
        taking.add_done_callback(self._taking.discard)
        return True

    async def _take(self, client: socket.socket) -> None:
        try:
            await self._serve(self, client)
        except OSError:  # a handshake that failed, or a client that is gone already
            client.close()
            self.left()
