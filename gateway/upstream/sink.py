"""Who an upstream connection reports to: the exchange that is on it, and the pool that it belongs to."""

from typing import TYPE_CHECKING, Protocol

from gateway.errors import GatewayError
from gateway.upstream.known_answers import KnownAnswer, KnownAnswers

if TYPE_CHECKING:
    from gateway.upstream.connection import UpstreamConnection

Fields = list[tuple[bytes, bytes]]


class AnswerSink(Protocol):
    """The exchange, as its upstream connection sees it."""

    known_answers: KnownAnswers | None
    """Where heads that were read before may be looked up; None where this answer's must be read anew."""

    def answer_known(self, known: KnownAnswer, body: bytes) -> None:
        """A whole answer whose head was read before. The connection is already free for others."""

    def memorable(self, length: int) -> KnownAnswer | None:
        """What may be remembered of the answer that just ended, with a body of `length` bytes."""

    def answer_informational(self, status: int, fields: Fields) -> None:
        """A 1xx other than 101."""

    def answer_head(self, status: int, fields: Fields) -> None:
        """The head of the final answer."""

    def answer_body(self, data: bytes) -> None:
        """Some bytes of the body, without transfer coding."""

    def answer_paused(self) -> None:
        """Everything that has arrived was passed on; there is more to come."""

    def answer_end(self, trailers: Fields) -> None:
        """The answer is complete. The connection is already free for others."""

    def answer_switched(self, fields: Fields, connection: "UpstreamConnection", rest: bytes) -> None:
        """101: what follows is not HTTP; the connection belongs to the exchange from now on."""

    def upstream_failed(self, error: GatewayError, *, stale: bool) -> None:
        """The answer will never be complete. `stale`: a reused connection ended before a single byte of answer."""

    def upstream_full(self) -> None:
        """The upstream reads more slowly than the client sends."""

    def upstream_drained(self) -> None:
        """The upstream reads again."""


class Home(Protocol):
    """Where a connection goes when its exchange is over (the pool of its server)."""

    def release(self, connection: "UpstreamConnection") -> None:
        """The connection is idle and may be reused."""

    def forget(self, connection: "UpstreamConnection") -> None:
        """The connection is closed."""
