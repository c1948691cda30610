"""The exchange that goes to an upstream: the body's way there, the answer's way back, neither buffered whole."""

from time import perf_counter
from typing import TYPE_CHECKING

from gateway.errors import BodyTooLarge, GatewayError, HeadTooLarge, UpstreamFault, UpstreamTimeout
from gateway.proxy.answer import STATUS_LINES, read_answer
from gateway.proxy.erp_watch import ErpWatch
from gateway.proxy.exchange import Exchange
from gateway.proxy.head import Fields
from gateway.proxy.headers import fold, without
from gateway.proxy.holds import UNDECIDED, UPSTREAM_FULL
from gateway.proxy.phases import BODY, RESPONSE, STREAM
from gateway.proxy.rewrite import rewrite_answer
from gateway.proxy.url_token import MAX_FORM
from gateway.upstream.injectors.erp_session import ErpSessionInjector
from gateway.upstream.known_answers import KnownAnswer

if TYPE_CHECKING:
    from gateway.upstream.connection import UpstreamConnection

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""RFC 9110, section 9.2.2, without TRACE, which is refused."""

BODYLESS = frozenset({204, 304})

MAX_TRAILER_FIELDS = 64

MOST_KEPT = 64 * 1024
"""Bytes of a body that are kept in case its ERP session has ended: then the request is sent again."""


class ForwardedExchange(Exchange):
    """The sink of its upstream connection's events."""

    __slots__ = ()

    # -- the request's body -------------------------------------------------------------------------------------

    def body_arrived(self, data: bytes) -> None:
        """Some bytes of the body, without transfer coding."""
        self.body_bytes += len(data)
        if self.answer_done:
            return  # unwanted, and small or the connection would have been closed
        limit = self.collecting or self.body_limit
        if limit and self.body_bytes > limit:
            self.refuse(BodyTooLarge(f"over {limit} bytes"))
            return
        if self.kept is not None:
            self._keep(data)
        upstream = self.upstream_connection
        if upstream is None:
            if self.held is None:
                self.held = []
            self.held.append(data)
        elif self.chunked:
            upstream.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            upstream.write(data)

    def request_ended(self, trailers: Fields) -> None:
        """The request is complete."""
        if self.request_done:
            return  # it has no body: that was known when its head was complete
        self.request_done = True
        if trailers:
            if len(trailers) > MAX_TRAILER_FIELDS:
                self.refuse(HeadTooLarge("the trailers are over the limit"))
                return
            self.trailers = trailers
        if self.upstream_connection is not None:
            self._end_upstream_request(self.upstream_connection)
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(self.collected())
        if self.answer_done:
            self.end()

    def check_body_limit(self) -> None:
        """Refuse a body that says it is too large, or already is. Raises BodyTooLarge."""
        if self.body_limit and (self.content_length > self.body_limit or self.body_bytes > self.body_limit):
            raise BodyTooLarge(f"over {self.body_limit} bytes")

    @property
    def may_carry_form(self) -> bool:
        """An urlencoded form, small enough to be searched for a token."""
        kind = (self.content_type or b"").partition(b";")[0].strip().lower()
        return kind == b"application/x-www-form-urlencoded" and (self.chunked or 0 < self.content_length <= MAX_FORM)

    def replace_body(self, body: bytes) -> None:
        """Forward `body` instead of the one that was collected."""
        self.held = [body] if body else None
        self.content_length = len(body)
        self.chunked = False
        self.collecting = 0

    def start_upstream(self, upstream: "UpstreamConnection", head: bytes) -> None:
        """Everything is decided: write the head and what of the body is here, let the rest follow."""
        self.upstream_connection = upstream
        self.upstream_started = perf_counter()
        connection = self.client
        route = self.route
        erp = None if route is None else route.upstream.erp
        if (
            self.http11
            and erp is None
            and self.url_token is None
            and self.set_cookie is None
            and self.method != "HEAD"
            and not (route and route.rewrites_answer)
        ):
            self.known_answers = self.rules.known_answers
        sink = self if erp is None else self._watched(erp, upstream)
        upstream.start(sink, head, head_only=self.method == "HEAD", request_done=self.request_done)
        if self.request_done and self.held is None and not self.chunked:
            connection.arm(RESPONSE, self.response_timeout)
            return
        held, self.held = self.held, None
        for data in held or ():
            upstream.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)
        if self.request_done:
            self._end_upstream_request(upstream)
        else:
            connection.arm(BODY, self.rules.body_timeout)
        connection.free(UNDECIDED)

    def _watched(self, erp: ErpSessionInjector, upstream: "UpstreamConnection") -> ErpWatch:
        """Look at the answer's start first, and keep the body for a second try where it is small."""
        if self.credential is not None and self.has_body and not self.replayed:
            self.kept = []
            for data in self.held or ():
                self._keep(data)
        return ErpWatch(self, erp, upstream)

    def _keep(self, data: bytes) -> None:
        if self.kept is not None:
            self.kept.append(data)
            if self.body_bytes > MOST_KEPT:
                self.kept = None

    def _end_upstream_request(self, upstream: "UpstreamConnection") -> None:
        if self.chunked:
            actions, removed = self.rules.request_actions, () if self.route is None else self.route.remove_headers
            passed = [each for each in self.trailers or () if actions[each[0]] is None and fold(each[0]) not in removed]
            lines = [b"%b: %b\r\n" % field for field in passed]
            upstream.write(b"0\r\n" + b"".join(lines) + b"\r\n")
        upstream.finish_request()
        if not self.answer_started:
            self.client.arm(RESPONSE, self.response_timeout)

    def upstream_full(self) -> None:
        """The upstream reads more slowly than the client sends: stop reading from the client."""
        self.client.hold(UPSTREAM_FULL)
        if self.answer_started:
            self.client.arm(STREAM, self.idle_timeout)
        else:
            self.client.arm(RESPONSE, self.response_timeout)

    def upstream_drained(self) -> None:
        """The upstream reads again."""
        self.client.free(UPSTREAM_FULL)
        if not self.request_done and not self.answer_started:
            self.client.arm(BODY, self.rules.body_timeout)

    # -- the answer ---------------------------------------------------------------------------------------------

    def answer_informational(self, status: int, fields: Fields) -> None:
        """Pass a 1xx on. HTTP/1.0 knows none (RFC 9110, section 15.2)."""
        if not self.http11 or self.answer_started:
            return
        if status == 100:
            if not self.expects_continue:
                return  # nobody asked: the client has not stopped for it
            self.expects_continue = False
        lines = [b"%b: %b\r\n" % field for field in fields if self.rules.answer_actions[field[0]] is None]
        self.client.write(b"".join([STATUS_LINES[status], *lines, b"\r\n"]) if status in STATUS_LINES else b"")

    def answer_head(self, status: int, fields: Fields) -> None:
        """Write the answer's head, its framing chosen for this client."""
        self.upstream_seconds = perf_counter() - self.upstream_started
        try:
            answer = read_answer(fields, self.rules.answer_actions)
        except UpstreamFault as error:
            self.refuse(error)
            return
        self.status = status
        self.answer_started = True
        parts = answer.parts
        route = self.route
        if route is not None and (
            route.rewrites_answer
            or answer.location is not None
            or self.url_token is not None
            or self.set_cookie is not None
        ):
            rewrite_answer(self, route, answer)
        if not answer.sized:
            if self.method != "HEAD" and status not in BODYLESS:
                self._frame_unsized(parts)
        elif status == 204:
            without(parts, (b"content-length",))
        client = self.client
        if client.closing_soon or not (self.keep_alive and self.http11 and self.request_done):
            parts.append(self.connection_header())
        parts.append(b"\r\n")
        self.answer_bytes = (STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status) + b"".join(parts)
        if answer.plain and self.keep_alive:
            self.memo = self.answer_bytes

    def _frame_unsized(self, parts: list[bytes]) -> None:
        if self.http11:
            self.answer_chunked = True
            parts.append(b"Transfer-Encoding: chunked\r\n")
        else:
            self.keep_alive = False  # HTTP/1.0: only the end of the connection ends the body

    def answer_body(self, data: bytes) -> None:
        """Pass some of the body on, as it came."""
        if self.answer_done:
            return
        self.bytes_sent += len(data)
        if self.answer_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        head = self.answer_bytes
        if head:
            self.answer_bytes = b""
            data = head + data
        self.client.write(data)

    def answer_paused(self) -> None:
        """No more of the answer is here for now: send what waits, and wait for the rest."""
        if self.answer_bytes:
            self.client.write(self.answer_bytes)
            self.answer_bytes = b""
        if self.answer_started:
            self.client.arm(STREAM, self.idle_timeout)

    def answer_end(self, trailers: Fields) -> None:
        """The upstream's answer is complete."""
        self.upstream_connection = None
        if self.answer_done:
            return
        last = self.answer_bytes
        if self.answer_chunked:
            lines = [b"%b: %b\r\n" % field for field in trailers if self.rules.answer_actions[field[0]] is None]
            last += b"0\r\n" + b"".join(lines) + b"\r\n"
        if last:
            self.client.write(last)
        if not self.request_done and not self._rest_is_small():
            self.keep_alive = False
        self.client.free(UPSTREAM_FULL)
        self.answer_complete()

    def answer_known(self, known: KnownAnswer, body: bytes) -> None:
        """The whole answer at once, its head read before."""
        self.upstream_connection = None
        self.upstream_seconds = perf_counter() - self.upstream_started
        self.status, head, self.bytes_sent = known
        self.answer_started = True
        client = self.client
        if client.closing_soon or not (self.keep_alive and self.request_done):
            head = head[:-2] + self.connection_header() + b"\r\n"
        client.write(head + body)
        if not self.request_done and not self._rest_is_small():
            self.keep_alive = False
        client.free(UPSTREAM_FULL)
        self.answer_complete()

    def memorable(self, length: int) -> KnownAnswer | None:
        """What the raw head of the answer that just ended meant."""
        return KnownAnswer(self.status, self.memo, length) if self.memo and self.bytes_sent == length else None

    def upstream_failed(self, error: GatewayError, *, stale: bool) -> None:
        """The upstream broke. Retried once where the request cannot have been received."""
        self.upstream_connection = None
        if self.answer_done:
            return
        if stale and not self.retried and not self.has_body and self.method in IDEMPOTENT:
            self.retried = True
            self.client.gate.retry(self)
            return
        self.refuse(error)

    def answer_switched(self, fields: Fields, connection: "UpstreamConnection", rest: bytes) -> None:
        """101: both sides become a tunnel, if the client asked for one and the ERP agreed to that protocol."""
        self.upstream_connection = None
        self.upstream_seconds = perf_counter() - self.upstream_started
        if self.answer_done or self.upgrade is None:
            connection.transport.abort()
            self.refuse(UpstreamFault("the upstream switched protocols unasked"))
            return
        self.client.gate.switch(self, fields, connection, rest)

    def upstream_late(self) -> None:
        """The deadline of the upstream has passed."""
        late = UpstreamTimeout("no answer's head in time" if not self.answer_started else "the answer stopped midway")
        self.refuse(late)
