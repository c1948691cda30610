"""One request/answer pair and what we learned about it: answered by the gateway itself, ended and observed once."""

import asyncio
import contextlib
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from gateway.authn.authenticator import NOBODY
from gateway.errors import BodyTooLarge, ClientGone, GatewayError
from gateway.model import Call, Reply, spawn
from gateway.proxy.answer import own_head
from gateway.proxy.calls import call_of
from gateway.proxy.head import Fields, RequestHead
from gateway.proxy.holds import UNDECIDED, UPSTREAM_FULL
from gateway.proxy.phases import BODY
from gateway.proxy.route import RefuseByRequest
from gateway.tokens.cache import Verified
from gateway.upstream.erp_credential import Credential
from gateway.upstream.known_answers import KnownAnswers

if TYPE_CHECKING:
    from gateway.proxy.connection import ClientConnection
    from gateway.proxy.cors import Cors
    from gateway.proxy.route import Refuse, Route, Rules
    from gateway.upstream.connection import UpstreamConnection

SMALL_BODY = 64 * 1024
"""Bytes of an unwanted body that are read and thrown away so that the connection can be kept."""


class Exchange(RequestHead):
    """What every exchange has; `ForwardedExchange` adds the body's way to the upstream and the answer's way back."""

    __slots__ = (
        "answer_bytes",
        "answer_chunked",
        "answer_done",
        "answer_started",
        "body_bytes",
        "body_limit",
        "bytes_sent",
        "client",
        "collecting",
        "cors",
        "credential",
        "cut_reason",
        "early",
        "endpoint_login",
        "error",
        "held",
        "idle_timeout",
        "kept",
        "known_answers",
        "memo",
        "over",
        "refuse_as",
        "replayed",
        "request_done",
        "response_timeout",
        "retried",
        "route",
        "rules",
        "set_cookie",
        "started",
        "status",
        "task",
        "trailers",
        "upstream_connection",
        "upstream_name",
        "upstream_seconds",
        "upstream_started",
        "url_token",
        "verified",
        "waiting",
    )

    def __init__(
        self,
        connection: "ClientConnection",
        rules: "Rules",
        method: str,
        target: bytes,
        fields: Fields,
        *,
        keep_alive: bool,
    ) -> None:
        super().__init__(method, target, fields, keep_alive=keep_alive)
        self.client = connection
        self.rules = rules
        self.started = perf_counter()
        self.refuse_as: Refuse = rules.refuse
        self.route: Route | None = None
        self.verified: Verified = NOBODY
        self.url_token: bytes | None = None
        self.set_cookie: bytes | None = None
        """The session cookie of the request, to be handed out again with the answer."""
        self.endpoint_login = ""
        self.cors: Cors | None = None  # of the login that answers; a route has its own
        self.body_limit = rules.body_bytes
        self.body_bytes = self.collecting = 0
        """So much has arrived; so much is collected for a reader of the gateway's own (0: none of it)."""
        self.held: list[bytes] | None = None
        """Body bytes that arrived before it was decided where they go."""
        self.credential: Credential | None = None
        """The caller's own session in the ERP, where its upstream takes one."""
        self.kept: list[bytes] | None = None
        """The body so far, in case that session has to be renewed; None where it is not kept."""
        self.waiting: asyncio.Future[bytes] | None = None
        self.trailers: Fields | None = None
        self.request_done = self.retried = self.replayed = False
        self.early: bytes | None = None
        """What the client sent behind a WebSocket request; None for every other request."""
        self.upstream_connection: UpstreamConnection | None = None
        self.upstream_name = ""
        self.upstream_started = self.upstream_seconds = 0.0
        self.response_timeout = self.idle_timeout = 60.0
        self.task: asyncio.Task[None] | None = None
        self.status = self.bytes_sent = 0
        self.error: GatewayError | None = None
        self.cut_reason = ""
        self.answer_started = self.answer_chunked = self.answer_done = self.over = False
        self.answer_bytes = b""
        """The head of the answer until its first bytes are here: one write instead of two."""
        self.known_answers: KnownAnswers | None = None
        self.memo = b""
        """The client's head of an answer whose raw head may be remembered."""

    @property
    def asks_websocket(self) -> bool:
        """A WebSocket handshake (RFC 6455, section 4.1)."""
        return (
            self.upgrade is not None
            and self.upgrade.lower() == b"websocket"
            and self.method == "GET"
            and self.http11
            and not self.has_body
            and b"upgrade" in [token.strip() for token in (self.connection or b"").lower().split(b",")]
        )

    @property
    def own_origin(self) -> bytes:
        """What a browser calls the site that it asked (RFC 6454, section 6.1)."""
        peer = self.client.peer
        return peer.client_scheme(self) + b"://" + peer.client_host(self)

    # -- the request's body, for a reader of the gateway's own -------------------------------------------------------

    async def collect_body(self, limit: int) -> bytes:
        """The whole body for a reader of the gateway's own, at most `limit` bytes. Raises BodyTooLarge."""
        self.collecting = limit
        if self.content_length > limit or self.body_bytes > limit:
            raise BodyTooLarge(f"over {limit} bytes")
        if self.request_done:
            return self.collected()
        if self.expects_continue:
            self.expects_continue = False
            self.client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.client.free(UNDECIDED)
        self.client.arm(BODY, self.rules.body_timeout)
        self.waiting = asyncio.get_running_loop().create_future()
        try:
            return await self.waiting
        finally:
            self.waiting = None

    def collected(self) -> bytes:
        """What has arrived of the body and has not been forwarded."""
        return b"".join(self.held or ())

    # -- the gateway's own answers ------------------------------------------------------------------------------

    def refuse(self, error: GatewayError) -> None:
        """Answer with an error, spelled as this client expects it; too late for that, cut the connection."""
        self.error = error
        if error.close:
            self.keep_alive = False
        if self.answer_done or not self.client.serves(self):
            return  # over, or refused when its turn comes
        self._drop_upstream()
        if self.waiting is not None:
            self.waiting.cancel()
        if self.answer_started:
            self.cut(str(error))
            return
        spell = self.refuse_as
        if isinstance(spell, RefuseByRequest):
            self._refuse_by_request(error, spell)
        else:
            self.reply(spell(error, self.request_id_text))

    def _refuse_by_request(self, error: GatewayError, spell: RefuseByRequest) -> None:
        """Read what is left of a small body first. If that fails, too, it is still this error that is told."""
        call = call_of(self, b"")
        self.refuse_as = spell.of(error, call)
        if self.request_done and not error.close:
            self.reply(spell.by_request(error, replace(call, body=self.collected())))
        elif error.close or not self.has_body or self.expects_continue or self.content_length > SMALL_BODY:
            self.reply(spell.by_request(error, call))
        else:
            self.task = spawn(self._refuse_when_read(error, spell, call), name="refusal")

    async def _refuse_when_read(self, error: GatewayError, spell: RefuseByRequest, call: Call) -> None:
        body = await self.collect_body(SMALL_BODY)
        self.reply(spell.by_request(error, replace(call, body=body)))

    def reply(self, reply: Reply) -> None:
        """Answer with bytes of our own. The connection is kept where what is left of the request is small."""
        if self.answer_done or self.answer_started:
            return
        if not self.request_done and not self._rest_is_small():
            self.keep_alive = False
        cors = self.cors if self.route is None else self.route.cors
        if cors is not None:
            reply = cors.on_own(reply, self.origin)
        connection = self.client
        self.status = reply.status
        self.answer_started = True
        self.held = None
        body = b"" if self.method == "HEAD" else reply.body
        self.bytes_sent = len(body)
        connection.write(own_head(reply, self.connection_header()) + body)
        connection.free(UNDECIDED | UPSTREAM_FULL)
        self.answer_complete()

    def connection_header(self) -> bytes:
        """The Connection line of the answer, if there is one to write; decides whether the connection is kept."""
        if self.client.ends_here or (self.expects_continue and not self.request_done):
            self.keep_alive = False  # with no 100 sent, nobody can tell whether the body follows
        if not self.keep_alive:
            return b"Connection: close\r\n"
        return b"" if self.http11 else b"Connection: keep-alive\r\n"

    def _rest_is_small(self) -> bool:
        # A client that waits for 100 may send its body or not after a final answer: nobody can tell what comes next.
        return not self.expects_continue and 0 < self.content_length <= SMALL_BODY

    @property
    def request_id_text(self) -> str:
        """The request's id: the client's if it was well-formed, else ours."""
        if self.request_id is None:
            self.request_id = self.client.gate.new_request_id()
        return self.request_id.decode("ascii")

    # -- the end ------------------------------------------------------------------------------------------------

    def answer_complete(self) -> None:
        """The last byte of the answer has been written."""
        self.answer_done = True
        if self.request_done or not self.keep_alive:
            self.end()

    def client_lost(self) -> None:
        """The client vanished: nobody waits for the answer, so the upstream need not work on it."""
        if self.over:
            return
        self.error = self.error or ClientGone("the client went away")
        if not self.answer_started:
            self.status = ClientGone.status
        elif not self.answer_done:
            self.cut_reason = "the client went away"
        self._drop_upstream()
        if self.waiting is not None:
            self.waiting.cancel()
        if self.task is not None and not self.collecting:
            self.task.cancel()  # a login that is under way is finished all the same: nothing of it may be lost
        self.end()

    def cut(self, reason: str) -> None:
        """Break the connection: a truncated answer must never look complete."""
        self.cut_reason = reason
        self.answer_done = True
        self._drop_upstream()
        self.client.cut()
        self.end()

    def end(self) -> None:
        """Observe, exactly once, and make way for the next exchange."""
        if self.over:
            return
        self.over = True
        self.client.gate.observe(self)
        self.client.exchange_over(self)

    def _drop_upstream(self) -> None:
        upstream, self.upstream_connection = self.upstream_connection, None
        if upstream is not None:
            with contextlib.suppress(RuntimeError):  # the transport may be closed already
                upstream.abandon()
