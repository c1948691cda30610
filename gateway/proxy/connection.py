"""The client side: parses requests, serves them one after the other, and owns the client's socket."""

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from gateway.errors import GatewayError, HeadTooLarge, MalformedMessage, RequestTimedOut, VersionNotSupported
from gateway.proxy import phases
from gateway.proxy.exchange import Exchange
from gateway.proxy.forwarded import Peer
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.head import Fields
from gateway.proxy.headers import read_head
from gateway.proxy.holds import PIPELINE
from gateway.proxy.unupgraded import Unupgraded
from gateway.upstream.connection import WRITE_BUFFER

if TYPE_CHECKING:
    from gateway.proxy.gate import Gate

LINGER_SECONDS = 2.0
"""How long a client may go on sending after our last answer: a close would destroy that answer (RFC 9112, 9.6)."""
HALF_CLOSED_SECONDS = 1.0
"""How long a client that stopped sending is given for its answer: it may be half-closed, or gone."""
MAX_TRAILER_FIELDS = 64

_RESET = struct.pack("ii", 1, 0)


class _Methods(dict[bytes, str]):
    """llhttp knows a few dozen methods; each is decoded once."""

    def __missing__(self, method: bytes) -> str:
        text = self[method] = method.decode("ascii")
        return text


METHODS = _Methods()


class ClientConnection(asyncio.Protocol):
    """One client's connection and the exchanges on it."""

    __slots__ = (
        "_deaf",
        "_fields",
        "_head_bytes",
        "_held",
        "_incoming",
        "_parser",
        "_queue",
        "_reading_head",
        "_received",
        "_serving",
        "_starting",
        "_target",
        "closing_soon",
        "deadline",
        "gate",
        "peer",
        "phase",
        "secure",
        "transport",
    )

    def __init__(self, gate: "Gate", *, secure: bool = False) -> None:
        self.gate = gate
        self.secure = secure
        self._parser = httptools.HttpRequestParser(self)
        self._deaf = False
        self._fields: Fields = []
        self._head_bytes = 0
        self._held = 0
        self._incoming: ForwardedExchange | None = None
        """The exchange whose request is being read."""
        self._queue: deque[ForwardedExchange] | None = None
        self._reading_head = False
        self._received = 0
        self._serving: ForwardedExchange | None = None
        """The exchange whose answer comes next."""
        self._starting = False
        self._target = b""
        self.closing_soon = False
        """The client closes, or the gateway drains: the next answer is the last."""
        self.deadline = 0.0
        self.phase = phases.HEAD
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.peer: Peer = cast("Peer", None)

    # -- asyncio's side -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self.gate.client_connected(self)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._received = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrading(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._malformed(error)
        else:
            if self._reading_head:
                if self._head_bytes == 0 and self._serving is None:
                    self.arm(phases.HEAD, self.gate.rules.header_timeout)
                self._head_bytes += self._received
                if self._head_bytes > self.gate.rules.header_bytes:
                    self._refuse_head(HeadTooLarge("the head is over the limit"))
            elif len(self._fields) > MAX_TRAILER_FIELDS:
                self._refuse_head(HeadTooLarge("the trailers are over the limit"))

    def eof_received(self) -> bool:
        """The client stopped sending. True keeps the way back open for what it is still owed."""
        serving = self._serving
        if serving is None or self._incoming is not None or self.secure:
            return False
        self.closing_soon = True
        if not serving.answer_started:
            self.arm(phases.HALF_CLOSED, HALF_CLOSED_SECONDS)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._deaf = True
        self.gate.client_disconnected(self)
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
                serving.upstream_connection.transport.pause_reading()
            self.arm(phases.DRAIN, self.gate.rules.body_timeout)

    def resume_writing(self) -> None:
        serving = self._serving
        if serving is not None and serving.upstream_connection is not None:
            serving.upstream_connection.transport.resume_reading()
            self.arm(phases.STREAM, serving.idle_timeout)

    # -- llhttp's side ------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._fields = []
        self._target = b""
        self._head_bytes = 0
        self._reading_head = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        self._reading_head = False
        parser, fields = self._parser, self._fields
        self._fields = []  # what comes into it now are trailers
        if self._deaf:
            return
        keep_alive = parser.should_keep_alive()
        gate = self.gate
        self._incoming = exchange = ForwardedExchange(
            self,
            gate.rules,
            METHODS[parser.get_method()],
            self._target,
            fields,
            keep_alive=keep_alive,
        )
        try:
            if self._head_bytes + self._received > gate.rules.header_bytes:
                self._measure_head(exchange)
            read_head(exchange, exchange.rules.request_actions)
            if not keep_alive or exchange.connection is not None:  # else it can only be 1.1, and asking costs 200 ns
                self._check_version(exchange, parser.get_http_version())
        except GatewayError as error:
            exchange.error = error
            exchange.keep_alive = False
        if exchange.upgrade is None:
            exchange.request_done = not exchange.has_body
        elif parser.should_upgrade() and exchange.method != "CONNECT" and not exchange.asks_websocket:
            return  # llhttp stops here: the request goes on without the upgrade (see _upgrading)
        if self._serving is None:
            self._serve(exchange)
        else:
            self._enqueue(exchange)

    def on_body(self, body: bytes) -> None:
        if self._incoming is not None:
            self._incoming.body_arrived(body)
            if not self._held:
                self._extend_body_deadline()

    def on_message_complete(self) -> None:
        exchange = self._incoming
        if exchange is None or (exchange.upgrade is not None and self._parser.should_upgrade()):
            return  # llhttp says next where the upgraded bytes begin (see _upgrading)
        self._incoming = None
        exchange.request_ended(self._fields)

    # -- what the exchange asks for -----------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        self.transport.write(data)

    def write_all(self, parts: tuple[bytes, ...]) -> None:
        """Send several pieces at once, without joining them."""
        self.transport.writelines(parts)

    def arm(self, phase: int, seconds: float) -> None:
        """Wait for something, at most so long (0: for ever). Checked by the sweeper, to a quarter of a second."""
        self.phase = phase
        self.deadline = self.gate.now + seconds if seconds else float("inf")

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
            self._resume_http(exchange.early)
        elif not exchange.keep_alive or (self.closing_soon and not self._queue):
            self._close(linger=not exchange.request_done)
        elif self._queue:
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
            case phases.NOTHING:
                self.deadline = float("inf")
            case _:
                self.transport.abort()

    def drain(self) -> None:
        """The gateway stops: close now if nothing is under way, else after the present exchange."""
        self.closing_soon = True
        if self._serving is None and not self._reading_head:
            self._close(linger=False)

    @property
    def idle(self) -> bool:
        """No exchange is under way."""
        return self._serving is None

    # -- inside -------------------------------------------------------------------------------------------------

    def _serve(self, exchange: ForwardedExchange) -> None:
        self._serving = exchange
        if exchange.error is not None:
            exchange.refuse(exchange.error)
        else:
            self.gate.admit(exchange)

    def _serve_queue(self) -> None:
        if self._starting:  # answered without suspending: the loop below takes the next one, no deeper
            return
        self._starting = True
        queue = self._queue
        while queue and self._serving is None and not self.transport.is_closing():
            self._serve(queue.popleft())
        self._starting = False
        if not queue:
            self.free(PIPELINE)

    def _extend_body_deadline(self) -> None:
        if self.phase == phases.BODY:
            self.arm(phases.BODY, self.gate.rules.body_timeout)

    def _check_version(self, exchange: ForwardedExchange, version: str) -> None:
        exchange.http11 = version == "1.1"
        if version == "1.0":
            if exchange.chunked:  # RFC 9112, section 6.1: the framing of such a message is faulty
                raise MalformedMessage("Transfer-Encoding in an HTTP/1.0 request")
            exchange.expects_continue = False
        elif version != "1.1":
            raise VersionNotSupported(f"HTTP/{version}")

    def _measure_head(self, exchange: ForwardedExchange) -> None:
        size = len(exchange.target) + sum(len(name) + len(value) + 4 for name, value in exchange.fields)
        if size > exchange.rules.header_bytes:
            raise HeadTooLarge(f"the head has {size} bytes")

    def _upgrading(self, rest: bytes) -> None:
        exchange = self._incoming
        if exchange is None or exchange.asks_websocket or exchange.method == "CONNECT":
            self._after_upgrade(exchange, rest)
            return
        exchange.upgrade = None
        shim = Unupgraded(self)
        self._parser = shim.parser
        if self._serving is None:
            self._serve(exchange)
        else:
            self._enqueue(exchange)
        self.data_received(shim.framing(exchange) + rest)

    def _after_upgrade(self, exchange: ForwardedExchange | None, rest: bytes) -> None:
        """What follows a WebSocket request belongs to the tunnel, which opens with the upstream's 101."""
        self._incoming = None
        self._deaf = True
        self.hold(PIPELINE)
        if exchange is not None:
            exchange.early = rest
            exchange.request_ended([])

    def _resume_http(self, rest: bytes) -> None:
        """The upgrade was not granted: what follows is HTTP again, for a parser that has not ended."""
        self._parser = httptools.HttpRequestParser(self)
        self._deaf = False
        self.arm(phases.IDLE, self.gate.rules.idle_timeout)
        self.free(PIPELINE)
        if rest:
            self.data_received(rest)

    def _refuse_head(self, error: GatewayError) -> None:
        """The head is not readable to its end: answer and close, after the answers that are owed before it."""
        self._deaf = True
        self._reading_head = False
        rules = self.gate.rules
        exchange = ForwardedExchange(self, rules, "", b"", [], keep_alive=False)
        exchange.error = error
        if self._serving is None:
            self._serve(exchange)
        else:
            self._enqueue(exchange)

    def _enqueue(self, exchange: ForwardedExchange) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(exchange)
        self.hold(PIPELINE)

    def _malformed(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            raise error  # a defect of ours, not of the client's
        incoming = self._incoming
        if incoming is None:
            if self.closing_soon or (self._serving is not None and not self._serving.keep_alive):
                self._deaf = True  # data after "Connection: close"
                return
            self._refuse_head(MalformedMessage(str(error)))
            return
        self._deaf = True
        self._incoming = None
        incoming.keep_alive = False
        incoming.refuse(MalformedMessage(str(error)))

    def _close(self, *, linger: bool) -> None:
        self._deaf = True
        if linger and self.transport.can_write_eof():
            self.transport.write_eof()
            self.free(~0)
            self.arm(phases.LINGER, LINGER_SECONDS)
        else:
            self.transport.close()
