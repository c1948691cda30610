"""Reads requests off one client connection: llhttp parses, and what it leaves open is settled here."""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

import httptools

from gateway.errors import GatewayError, HeadTooLarge, MalformedMessage, VersionNotSupported
from gateway.proxy import phases
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.head import Fields
from gateway.proxy.headers import read_head
from gateway.proxy.holds import UPGRADING
from gateway.proxy.repeats import Repeats
from gateway.proxy.unupgraded import Unupgraded

if TYPE_CHECKING:
    from gateway.proxy.gate import Gate

log = logging.getLogger("gateway.proxy")


class _Methods(dict[bytes, str]):
    """llhttp knows a few dozen methods; each is decoded once."""

    def __missing__(self, method: bytes) -> str:
        text = self[method] = method.decode("ascii")
        return text


METHODS = _Methods()


class RequestReader(asyncio.Protocol):
    """The parsing half of a client connection. What it has read it hands to `take`."""

    __slots__ = (
        "_amid",
        "_deaf",
        "_fields",
        "_head_bytes",
        "_incoming",
        "_parser",
        "_reading_head",
        "_received",
        "_repeats",
        "_serving",
        "_stalled",
        "_target",
        "closing_soon",
        "deadline",
        "gate",
        "phase",
        "transport",
    )

    def __init__(self, gate: "Gate") -> None:
        self.gate = gate
        self._parser = httptools.HttpRequestParser(self)
        self._amid = False
        """The head being read began behind another message, so nobody knows how much of it came then."""
        self._deaf = False
        """What comes from now on is not read."""
        self._fields: Fields = []
        self._head_bytes = 0
        self._incoming: ForwardedExchange | None = None
        """The exchange whose request is being read."""
        self._reading_head = False
        self._received = 0
        """Bytes of this piece, if it began what is being read or went on with it; 0 behind the end of a message."""
        self._repeats: Repeats | None = None
        self._serving: ForwardedExchange | None = None
        """The exchange whose answer comes next."""
        self._stalled = -1
        """Bytes since the last byte of a body: trailers, or the extensions of chunks. -1: the body has just moved."""
        self._target = b""
        self.closing_soon = False
        """The client closes, or the gateway drains: the next answer is the last."""
        self.deadline = 0.0
        self.phase = phases.HEAD
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)

    # -- what the other half does -------------------------------------------------------------------------------

    def take(self, exchange: ForwardedExchange) -> None:
        """Serve an exchange, now or after those before it."""
        raise NotImplementedError

    def hold(self, reason: int) -> None:
        """Stop reading from the client, for one of the reasons in `holds`."""
        raise NotImplementedError

    def free(self, reasons: int) -> None:
        """Some reasons to stop reading are over."""
        raise NotImplementedError

    def arm(self, phase: int, seconds: float) -> None:
        """Wait for something, at most so long (0: for ever). Checked by the sweeper, to a quarter of a second."""
        self.phase = phase
        self.deadline = self.gate.now + seconds if seconds else float("inf")

    # -- bytes --------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        between_requests = self._serving is None and not self._reading_head
        if between_requests:
            repeats = self._repeats
            if repeats is not None and (exchange := repeats.read(self, data)) is not None:  # type: ignore[arg-type]  # always a ClientConnection
                self.take(exchange)
                return
        self._received = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrading(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._malformed(error)
        else:
            if self._deaf:
                return  # refused or closed by what was just read
            if self._reading_head:
                self._more_head()
            elif self._incoming is not None:
                self._more_body()
            elif between_requests and self._repeats is not None:
                self._repeats.learn(data)

    def _more_head(self) -> None:
        if self._head_bytes == 0 and self._serving is None:
            self.arm(phases.HEAD, self.gate.rules.header_timeout)
        self._amid = self._amid or not self._received
        self._head_bytes += self._received or 1
        if self._head_bytes > self.gate.rules.header_bytes:
            self._refuse_head(HeadTooLarge("the head is over the limit"))

    def _more_body(self) -> None:
        self._stalled = 0 if self._stalled < 0 else self._stalled + self._received
        if self._stalled > self.gate.rules.header_bytes:
            self._refuse_body(HeadTooLarge("trailers or chunk extensions are over the limit"))

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
            self,  # type: ignore[arg-type]  # always the ClientConnection
            gate.rules,
            METHODS[parser.get_method()],
            self._target,
            fields,
            keep_alive=keep_alive,
        )
        try:
            if self._amid or not self._received or self._head_bytes + self._received > gate.rules.header_bytes:
                self._measure_head(exchange)
            self._amid, self._received = False, 0
            read_head(exchange, exchange.rules.request_actions)
            if not keep_alive or exchange.connection is not None:  # else it can only be 1.1, and asking costs 200 ns
                self._check_version(exchange, parser.get_http_version())
            elif self._repeats is not None:
                self._repeats.consider(exchange)
            else:
                self._repeats = Repeats()
        except GatewayError as error:
            exchange.error = error
            exchange.keep_alive = False
            self.take(exchange)
            return
        if exchange.upgrade is None:
            exchange.request_done = not exchange.has_body
        elif parser.should_upgrade() and exchange.method != "CONNECT" and not exchange.asks_websocket:
            return  # llhttp stops here: the request goes on without the upgrade (see _upgrading)
        self.take(exchange)

    def on_body(self, body: bytes) -> None:
        if self._incoming is not None:
            self._stalled = -1
            self._incoming.body_arrived(body)
            if self.phase == phases.BODY:
                self.arm(phases.BODY, self.gate.rules.body_timeout)
            elif self.phase == phases.STREAM:
                self.arm(phases.STREAM, self._incoming.idle_timeout)

    def on_message_complete(self) -> None:
        exchange = self._incoming
        if exchange is None or (exchange.upgrade is not None and self._parser.should_upgrade()):
            return  # llhttp says next where the upgraded bytes begin (see _upgrading)
        self._incoming = None
        self._stalled = -1
        self._received = 0
        exchange.request_ended(self._fields)

    # -- the rules ----------------------------------------------------------------------------------------------

    def _check_version(self, exchange: ForwardedExchange, version: str) -> None:
        exchange.http11 = version == "1.1"
        if version == "1.0":
            if b"close" in (exchange.connection or b"").lower():
                exchange.keep_alive = False  # stronger than a keep-alive beside it: RFC 9112, section 9.3
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
        if exchange is None or exchange.error is not None:  # refused: nothing that follows is read
            self._incoming = None
            self._deaf = True
            return
        if exchange.asks_websocket or exchange.method == "CONNECT":
            self._after_upgrade(exchange, rest)
            return
        exchange.upgrade = None
        shim = Unupgraded(self)
        self._parser = shim.parser
        self.take(exchange)
        self.data_received(shim.framing(exchange) + rest)

    def _after_upgrade(self, exchange: ForwardedExchange, rest: bytes) -> None:
        """What follows a WebSocket request belongs to the tunnel, which opens with the upstream's 101."""
        self._incoming = None
        self._deaf = True
        self.hold(UPGRADING)
        exchange.early = rest
        exchange.request_ended([])

    def resume_http(self, rest: bytes) -> None:
        """The upgrade was not granted: what follows is HTTP again, for a parser that has not ended."""
        self._parser = httptools.HttpRequestParser(self)
        self._deaf = False
        self.arm(phases.IDLE, self.gate.rules.idle_timeout)
        self.free(UPGRADING)
        if rest:
            self.data_received(rest)

    def _refuse_head(self, error: GatewayError) -> None:
        """The head is not readable to its end: answer and close, after the answers that are owed before it."""
        self._deaf = True
        self._reading_head = False
        rules = self.gate.rules
        exchange = ForwardedExchange(self, rules, "", b"", [], keep_alive=False)  # type: ignore[arg-type]  # as above
        exchange.error = error
        self.take(exchange)

    def _malformed(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            log.error("reading a request failed", exc_info=error)  # a defect of ours, not of the client's
            self._deaf = True
            self.transport.abort()
            return
        if self._deaf:
            return
        incoming = self._incoming
        if incoming is None:
            if self.closing_soon or (self._serving is not None and not self._serving.keep_alive):
                self._deaf = True  # data after "Connection: close"
                return
            self._refuse_head(MalformedMessage(str(error)))
            return
        self._refuse_body(MalformedMessage(str(error)))

    def _refuse_body(self, error: GatewayError) -> None:
        """The request is not readable to its end."""
        incoming, self._incoming = self._incoming, None
        self._deaf = True
        if incoming is not None:
            incoming.refuse(error)
