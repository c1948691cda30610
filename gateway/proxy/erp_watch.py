"""Reads the first of an ERP's answer before the client sees any of it: it may say that the ERP session has ended."""

import re
from enum import Enum
from typing import TYPE_CHECKING

from gateway.errors import GatewayError
from gateway.proxy.head import Fields
from gateway.upstream.injectors.erp_session import ErpSessionInjector
from gateway.upstream.known_answers import KnownAnswer, KnownAnswers

if TYPE_CHECKING:
    from gateway.proxy.forwarding import ForwardedExchange
    from gateway.upstream.connection import UpstreamConnection

START = 4096
"""Bytes of an answer's body that are looked at."""
_REFUSALS = 400
"""Statuses from here on prove nothing about a credential."""
_WORTH_KEEPING = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{8,1024}")
"""A cookie's value (RFC 6265, section 4.1.1); a shorter one deletes, or is none of a session."""


class _State(Enum):
    WATCHING = 0
    PASSED = 1
    EXPIRED = 2


class ErpWatch:
    """The sink of an upstream connection until it is known what its answer says; then the exchange is."""

    __slots__ = ("_connection", "_erp", "_exchange", "_fields", "_start", "_state", "_status", "known_answers")

    def __init__(
        self, exchange: "ForwardedExchange", erp: ErpSessionInjector, connection: "UpstreamConnection"
    ) -> None:
        self.known_answers: KnownAnswers | None = None
        self._exchange = exchange
        self._erp = erp
        self._connection = connection
        self._state = _State.WATCHING
        self._status = 0
        self._fields: Fields = []
        self._start = b""

    # -- the answer ---------------------------------------------------------------------------------------------

    def answer_head(self, status: int, fields: Fields) -> None:
        self._status, self._fields = status, fields
        said = self._says(None)
        if said is not None:
            self._decide(expired=said)

    def answer_body(self, data: bytes) -> None:
        if self._state is _State.PASSED:
            self._exchange.answer_body(data)
            return
        self._start += data
        if self._state is _State.WATCHING and len(self._start) >= START:
            self._decide(expired=bool(self._says(self._start[:START])))

    def answer_paused(self) -> None:
        if self._state is _State.PASSED:
            self._exchange.answer_paused()

    def answer_end(self, trailers: Fields) -> None:
        if self._state is _State.WATCHING:
            self._exchange.upstream_connection = None
            self._decide(expired=bool(self._says(self._start[:START])), connected=False)
        if self._state is _State.PASSED:
            self._exchange.answer_end(trailers)

    def answer_known(self, known: KnownAnswer, body: bytes) -> None:
        self._exchange.answer_known(known, body)

    def memorable(self, length: int) -> KnownAnswer | None:  # noqa: ARG002 - the sink's signature
        """Nothing: each answer has to be looked at."""
        return None

    def answer_informational(self, status: int, fields: Fields) -> None:
        self._exchange.answer_informational(status, fields)

    def answer_switched(self, fields: Fields, connection: "UpstreamConnection", rest: bytes) -> None:
        self._exchange.answer_switched(fields, connection, rest)

    def upstream_failed(self, error: GatewayError, *, stale: bool) -> None:
        if self._state is not _State.EXPIRED:
            self._exchange.upstream_failed(error, stale=stale)

    def upstream_full(self) -> None:
        self._exchange.upstream_full()

    def upstream_drained(self) -> None:
        self._exchange.upstream_drained()

    # -- what it says -------------------------------------------------------------------------------------------

    def _says(self, start: bytes | None) -> bool | None:
        """Whether the session has ended; None where the body's start has to be seen first."""
        if self._exchange.credential is None:
            return False
        headers = {name.lower(): value for name, value in reversed(self._fields)}
        return self._erp.provider.says_expired(self._status, headers, start)

    def _decide(self, *, expired: bool, connected: bool = True) -> None:
        exchange, credential = self._exchange, self._exchange.credential
        if expired and credential is not None and not credential.is_trusted and not exchange.replayed:
            self._state = _State.EXPIRED
            exchange.upstream_connection = None
            if connected:
                self._connection.abandon()
            exchange.client.gate.renew_credential(exchange, self._erp, credential)
            return
        self._state = _State.PASSED
        if credential is not None and not expired and self._status < _REFUSALS:
            credential.taken()
        cookies = self._take_owned_cookies()
        if cookies and credential is not None and not expired:
            self._erp.adopt(exchange.verified.identity, credential, cookies)
        if connected:
            self._connection.sink = exchange
        exchange.answer_head(self._status, self._fields)
        if self._start:
            exchange.answer_body(self._start)

    def _take_owned_cookies(self) -> dict[str, str]:
        """Cookies of the ERP session that the answer sets: they are not the client's, and go no further."""
        owned = self._erp.owns_cookies
        taken: dict[str, str] = {}
        kept: Fields = []
        for name, value in self._fields:
            pair = value.partition(b";")[0].partition(b"=") if owned and name.lower() == b"set-cookie" else None
            if pair is None or pair[0].strip() not in owned:
                kept.append((name, value))
            elif _WORTH_KEEPING.fullmatch(pair[2].strip()):
                taken[pair[0].strip().decode("ascii")] = pair[2].strip().decode("ascii")
        self._fields = kept
        return taken
