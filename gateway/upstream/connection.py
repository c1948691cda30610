"""One connection to an upstream server: writes one request at a time and parses its answer.

llhttp reads the bytes; what it leaves open is settled here: an answer to HEAD has no body whatever its length says,
an answer without length ends with the connection, and 101 ends HTTP.
"""

import asyncio
from typing import cast

import httptools

from gateway.errors import GatewayError, UpstreamFault
from gateway.upstream.known_answers import KnownAnswers
from gateway.upstream.sink import AnswerSink, Fields, Home

WRITE_BUFFER = 256 * 1024
"""Bytes queued towards a peer before the other side is paused: enough for full speed, small enough for many."""
MAX_ANSWER_HEAD = 256 * 1024
"""Bytes of an answer's head (or of its trailers) before the upstream is taken for broken."""


class UpstreamConnection(asyncio.Protocol):
    """The ERP side of one exchange after another."""

    __slots__ = (
        "_complete",
        "_fields",
        "_head_bytes",
        "_head_only",
        "_home",
        "_parser",
        "_paused",
        "_reading_head",
        "_request_done",
        "_reusable",
        "_until_close",
        "answered",
        "closed",
        "idle_since",
        "reused",
        "sink",
        "status",
        "transport",
    )

    def __init__(self, home: Home) -> None:
        self._home = home
        self._parser = httptools.HttpResponseParser(self)
        self._complete = False
        self._paused = False
        self._fields: Fields = []
        self._head_bytes = 0
        self._head_only = False
        self._reading_head = False
        self._request_done = False
        self._reusable = True
        self._until_close = False
        self.answered = False
        self.closed = False
        self.idle_since = 0.0
        self.reused = False
        self.sink: AnswerSink | None = None
        self.status = 0
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)

    # -- the exchange's side ------------------------------------------------------------------------------------

    def start(self, sink: AnswerSink, head: bytes, *, head_only: bool, request_done: bool) -> None:
        """Write a request's head. `head_only`: the request is a HEAD, its answer has no body."""
        self.sink = sink
        self.answered = False
        self._head_only = head_only
        self._request_done = request_done
        self._until_close = False
        self.transport.write(head)

    def write(self, data: bytes) -> None:
        """Send some of the request's body, already in its transfer coding."""
        self.transport.write(data)

    def finish_request(self) -> None:
        """The request has been written completely."""
        self._request_done = True

    def pause(self) -> None:
        """Read no more of the answer for now."""
        self._paused = True
        self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        self.transport.resume_reading()

    def abandon(self) -> None:
        """End the exchange now: its answer is wanted no more. The connection cannot be reused."""
        self.sink = None
        if not self.closed:
            self.transport.abort()

    def detach(self) -> None:
        """Give the transport away (to a tunnel): nothing of it comes back here."""
        self.sink = None
        self.closed = True
        self._home.forget(self)

    # -- asyncio's side -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def data_received(self, data: bytes) -> None:
        sink = self.sink
        if sink is None:  # bytes nobody asked for: the next answer could not be told apart from them
            self.transport.abort()
            return
        first = not self.answered
        self.answered = True
        if first and sink.known_answers is not None and self._is_known(sink, sink.known_answers, data):
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._switched(data[switch.args[0] :])
        except httptools.HttpParserError as error:
            self._reusable = False
            if not self._complete:  # else the answer is whole, and what follows it is nobody's
                self._fail(UpstreamFault(f"the answer is not valid HTTP: {error}"))
        if self._complete:
            if self._head_only and data.find(b"\r\n\r\n") != len(data) - 4:
                self._reusable = False  # a body behind an answer to HEAD, which the parser was not let read
            self._end(data if first else b"")
            return
        if self._fields or self._reading_head:
            self._guard_head(len(data))
        if self.sink is not None:  # it has not failed just now
            sink.answer_paused()

    def eof_received(self) -> None:
        """The upstream closes; connection_lost follows and decides what that means."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # a mere close would wait for it to read the rest of the request

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._home.forget(self)
        sink = self.sink
        if sink is None:
            return
        if exc is None and self._until_close and not self._reading_head:
            self.sink = None
            sink.answer_end([])
            return
        reason = f"connection broken: {exc}" if exc else "connection closed before the answer was complete"
        self._fail(UpstreamFault(reason), stale=self.reused and not self.answered)

    def pause_writing(self) -> None:
        if self.sink is not None:
            self.sink.upstream_full()

    def resume_writing(self) -> None:
        if self.sink is not None:
            self.sink.upstream_drained()

    # -- llhttp's side ------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:  # a second answer to one request: it must never be taken for the next one's
            self._reusable = False
            return
        self._fields = []
        self._reading_head = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        parser = self._parser
        fields = self._fields
        self._fields = []
        self._reading_head = False
        self.status = status = parser.get_status_code()
        sink = self.sink
        if sink is None:
            return
        if status < 200:
            self._informational(sink, status, fields)
            return
        self._reusable = parser.should_keep_alive()
        if not self._reusable and status not in {204, 304} and not any(name.lower() in _FRAMING for name, _ in fields):
            # llhttp answers False both for "Connection: close" and for a body that only the end of the connection ends
            self._until_close = not self._head_only
            self._reusable = self._head_only and _persists(parser.get_http_version(), fields)
        sink.answer_head(status, fields)
        if self._head_only:
            self._parser = httptools.HttpResponseParser(self)  # the old one would take the next answer for a body
            self._complete = True

    def on_body(self, body: bytes) -> None:
        if not self._complete and self.sink is not None:
            self.sink.answer_body(body)

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self._complete = True

    # -- the rules ----------------------------------------------------------------------------------------------

    def _informational(self, sink: AnswerSink, status: int, fields: Fields) -> None:
        if status == 101:
            self._fields = fields  # kept for _switched, which llhttp's HttpParserUpgrade brings
        elif status >= 100:
            sink.answer_informational(status, fields)
        else:  # llhttp reads 099, and takes what follows for a body that has no head
            self._fail(UpstreamFault(f"the answer's status is {status:03d}"))

    def _is_known(self, sink: AnswerSink, heads: KnownAnswers, data: bytes) -> bool:
        """Pass a whole answer on whose head was read before; the parser stays between two messages."""
        end = data.find(b"\r\n\r\n") + 4
        known = heads.get(data[:end])
        if known is None or len(data) - end != known.length:
            return False
        self.sink = None
        if self._request_done and not self.closed:
            self.reused = True
            self._home.release(self)
        else:
            self.transport.close()
        sink.answer_known(known, data[end:])
        return True

    def _end(self, whole: bytes) -> None:
        """The answer is complete; `whole` is all of it where it came in one piece."""
        self._complete = False
        sink, trailers = self.sink, self._fields
        if sink is None:
            return
        self.sink = None
        self._fields = []
        if whole and self._reusable and sink.known_answers is not None:
            length = len(whole) - whole.find(b"\r\n\r\n") - 4
            known = sink.memorable(length)
            if known is not None:
                sink.known_answers.remember(whole, known)
        if self._paused:
            self.resume()  # the client that did not read is nothing to the next one
        if self._reusable and self._request_done and not self.closed:
            self.reused = True
            self._home.release(self)
        else:
            self.transport.close()
        sink.answer_end(trailers)

    def _switched(self, rest: bytes) -> None:
        sink, fields = self.sink, self._fields
        if sink is None or self.status != 101:
            self._fail(UpstreamFault("an upgrade that nobody asked for"))
            return
        self.detach()
        sink.answer_switched(fields, self, rest)

    def _fail(self, error: GatewayError, *, stale: bool = False) -> None:
        sink = self.sink
        self.sink = None
        if not self.closed:
            self.transport.abort()
        if sink is not None:
            sink.upstream_failed(error, stale=stale)

    def _guard_head(self, received: int) -> None:
        self._head_bytes += received
        if self._head_bytes > MAX_ANSWER_HEAD and self.sink is not None:
            self._fail(UpstreamFault(f"the answer's head is over {MAX_ANSWER_HEAD} bytes"))


_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


def _persists(version: str, fields: Fields) -> bool:
    """Whether an answer leaves its connection open (RFC 9112, section 9.3)."""
    return version == "1.1" and not any(
        name.lower() == b"connection" and b"close" in value.lower() for name, value in fields
    )
