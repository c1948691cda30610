"""The client side: serves the requests of one client one after the other, and owns its socket and its one deadline."""

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

from gateway.errors import RequestTimedOut
from gateway.proxy import phases
from gateway.proxy.exchange import Exchange
from gateway.proxy.forwarded import Peer
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.holds import CLIENT_FULL, PIPELINE
from gateway.proxy.reader import RequestReader
from gateway.proxy.verify import spell_unread
from gateway.upstream.connection import WRITE_BUFFER

if TYPE_CHECKING:
    from gateway.proxy.gate import Gate

LINGER_SECONDS = 2.0
"""How long a client may go on sending after our last answer: a close would destroy that answer (RFC 9112, 9.6)."""
HALF_CLOSED_SECONDS = 1.0
"""How long a client that stopped sending is given for the next byte of its answer: half-closed, or gone?"""
_RESET = struct.pack("ii", 1, 0)


class ClientConnection(RequestReader):
    """One client's connection and the exchanges on it."""

    __slots__ = ("_held", "_queue", "_starting", "peer", "secure")

    def __init__(self, gate: "Gate", *, secure: bool = False) -> None:
        super().__init__(gate)
        self.secure = secure
        self._held = 0
        self._queue: deque[ForwardedExchange] | None = None
        self._starting = False
        self.peer: Peer = cast("Peer", None)

    # -- asyncio's side -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self.gate.client_connected(self)

    def eof_received(self) -> bool:
        """The client stopped sending. True keeps the way back open for what it is still owed."""
        serving = self._serving
        if serving is None or self._incoming is not None or self.secure:
            return False
        self.closing_soon = True
        self.arm(phases.HALF_CLOSED, HALF_CLOSED_SECONDS)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._deaf = True
        self.disconnected()
        serving, self._serving = self._serving, None
        self._incoming = None
        for exchange in (serving, *(self._queue or ())):
            if exchange is not None:
                exchange.client_lost()
        self._queue = None

    def pause_writing(self) -> None:
        serving = self._serving
        if serving is not None:
            if serving.upstream_connection is not None:
                serving.upstream_connection.pause()
            self.arm(phases.DRAIN, self.gate.rules.body_timeout)
        if serving is None or serving.request_done:
            self.hold(CLIENT_FULL)  # the next answer must not be fetched before this one has been taken

    def resume_writing(self) -> None:
        serving = self._serving
        if serving is None:
            if self._queue:
                self._serve_queue()
        elif serving.upstream_connection is not None:
            serving.upstream_connection.resume()
            self.arm(phases.STREAM, serving.idle_timeout)
        self.free(CLIENT_FULL)

    def disconnected(self) -> None:
        """The client is gone, from here or from the tunnel that this connection became."""
        self.gate.client_disconnected(self)

    # -- what the exchange asks for -----------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        self.transport.write(data)

    def write_all(self, parts: tuple[bytes, ...]) -> None:
        """Send several pieces at once, without joining them."""
        self.transport.writelines(parts)

    def hold(self, reason: int) -> None:
        """Stop reading from the client, for one of the reasons in `holds`."""
        if not self._held:
            self.transport.pause_reading()
        self._held |= reason

    def free(self, reasons: int) -> None:
        """Some reasons to stop reading are over."""
        if self._held:
            self._held &= ~reasons
            if not self._held and not self.transport.is_closing():
                self.transport.resume_reading()

    def exchange_over(self, exchange: Exchange) -> None:
        """An exchange has ended: close, or serve the next one."""
        if self._incoming is exchange:
            self._incoming = None
        if exchange is not self._serving:
            return
        self._serving = None
        if self.transport.is_closing():
            return
        if exchange.early is not None and exchange.keep_alive:
            self.resume_http(exchange.early)
        elif not exchange.keep_alive or self.ends_here:
            self._close(linger=not exchange.request_done)
        elif self._queue:
            if self._held & CLIENT_FULL:
                self.arm(phases.DRAIN, self.gate.rules.body_timeout)
            else:
                self._serve_queue()
        elif self._reading_head:
            self.arm(phases.HEAD, self.gate.rules.header_timeout)
        else:
            self.arm(phases.IDLE, self.gate.rules.idle_timeout)

    def cut(self) -> None:
        """Reset the connection: what was sent so far must not look complete, not even to HTTP/1.0."""
        self._deaf = True
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.secure:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def expire(self) -> None:
        """The deadline has passed."""
        serving = self._serving
        match self.phase:
            case phases.HEAD if self._reading_head:
                self._refuse_head(RequestTimedOut("the head took too long"))
            case phases.BODY if serving is not None:
                serving.refuse(RequestTimedOut("the body took too long"))
            case phases.RESPONSE | phases.STREAM if serving is not None:
                serving.upstream_late()
            case phases.DRAIN if serving is not None:
                serving.cut("the client stopped reading")
            case phases.HALF_CLOSED:
                self.cut()
            case phases.NOTHING:
                self.deadline = float("inf")
            case _:
                self.transport.abort()

    def close_if_idle(self) -> None:
        """Close, unless a request is being read or served."""
        if self._serving is None and not self._reading_head:
            self._close(linger=False)

    def serves(self, exchange: Exchange) -> bool:
        """The answer to `exchange` is the next one the client expects."""
        return exchange is self._serving

    @property
    def ends_here(self) -> bool:
        """No exchange follows the present one."""
        return self.closing_soon and not self._queue

    @property
    def serving(self) -> ForwardedExchange | None:
        """The exchange whose answer comes next."""
        return self._serving

    @property
    def idle(self) -> bool:
        """No exchange is under way."""
        return self._serving is None

    # -- inside -------------------------------------------------------------------------------------------------

    def take(self, exchange: ForwardedExchange) -> None:
        if self._serving is None:
            self._serve(exchange)
        else:
            self._enqueue(exchange)

    def _serve(self, exchange: ForwardedExchange) -> None:
        self._serving = exchange
        if exchange.error is not None:
            spell_unread(exchange)
            exchange.refuse(exchange.error)
        else:
            self.gate.admit(exchange)

    def _serve_queue(self) -> None:
        if self._starting:  # answered without suspending: the loop below takes the next one, no deeper
            return
        self._starting = True
        queue = self._queue
        while queue and self._serving is None and self.phase != phases.LINGER and not self.transport.is_closing():
            self._serve(queue.popleft())
        self._starting = False
        if not queue:
            self.free(PIPELINE)

    def _enqueue(self, exchange: ForwardedExchange) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(exchange)
        self.hold(PIPELINE)

    def _close(self, *, linger: bool) -> None:
        self._deaf = True
        if linger and self.transport.can_write_eof():
            self.transport.write_eof()
            self.free(~0)
            self.arm(phases.LINGER, LINGER_SECONDS)
        else:
            self.arm(phases.DRAIN, self.gate.rules.body_timeout)  # what is still unsent has as long as that
            self.transport.close()
