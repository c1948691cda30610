"""The head of an answer to the client: what of the upstream's is passed on, and the gateway's own replies as bytes."""

from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from time import time

from gateway.errors import UpstreamFault
from gateway.model import Reply
from gateway.proxy.head import Fields
from gateway.proxy.headers import MEMO, fold, without

STATUS_LINES: dict[int, bytes] = {
    status: f"HTTP/1.1 {status} {_phrase}\r\n".encode()
    for status in range(100, 600)
    for _phrase in [HTTPStatus(status).phrase if status in list(HTTPStatus) else ""]
}
"""The upstream's own reason phrase is never passed on: it may carry anything (CVE-2026-34519)."""


class AnswerHead:
    """An upstream's head as it was read."""

    __slots__ = ("chunked", "connection", "location", "parts", "sets_cookie", "sized")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        """Name, colon, value and line end of each header that is passed on, flat."""
        self.chunked = False
        self.sized = False
        self.connection: bytes | None = None
        self.location: bytes | None = None
        self.sets_cookie = False

    @property
    def plain(self) -> bool:
        """The same bytes would be the same head again, for any request of this kind."""
        return self.sized and self.location is None and not self.sets_cookie


Action = Callable[[AnswerHead, bytes, bytes], None]


def drop(_answer: AnswerHead, _name: bytes, _value: bytes) -> None:
    """Not passed on."""


class AnswerActions(dict[bytes, Action | None]):
    """Spelling of an answer header's name -> what is done with it; None: copied."""

    def __init__(self, owned: Iterable[bytes] = (), cookies: Iterable[bytes] = ()) -> None:
        """`owned`: names of identity and assertion headers, which an ERP that echoes them must not leak; `cookies`:
        those of logins, which an ERP must not overwrite in the browser."""  # noqa: D205, D209
        super().__init__()
        self._owned = frozenset(fold(name) for name in owned)
        self._kept = {**_KEPT, b"set-cookie": _foreign_cookie(frozenset(cookies))} if cookies else _KEPT

    def __missing__(self, name: bytes) -> Action | None:
        lower = name.lower()
        action = self._kept.get(lower)
        if action is None and (lower in _DROPPED or fold(name) in self._owned):
            action = drop
        if len(self) < MEMO:
            self[name] = action
        return action


def read_answer(fields: Fields, actions: AnswerActions) -> AnswerHead:
    """Sort an answer's fields. Raises UpstreamFault for a transfer coding that cannot be passed on."""
    answer = AnswerHead()
    parts = answer.parts
    for name, value in fields:
        action = actions[name]
        if action is None:
            parts += (name, b": ", value, b"\r\n")
        else:
            action(answer, name, value)
    if answer.connection is not None and answer.connection.lower() not in {b"close", b"keep-alive"}:
        without(parts, {token.strip().lower() for token in answer.connection.split(b",")})
    return answer


def _content_length(answer: AnswerHead, name: bytes, value: bytes) -> None:
    answer.sized = True  # llhttp has seen digits only
    answer.parts += (name, b": ", value, b"\r\n")


def _transfer_encoding(answer: AnswerHead, _name: bytes, value: bytes) -> None:
    if answer.chunked or value.strip().lower() != b"chunked":
        raise UpstreamFault("the answer has a transfer coding other than chunked")
    answer.chunked = True


def _connection(answer: AnswerHead, _name: bytes, value: bytes) -> None:
    answer.connection = value if answer.connection is None else answer.connection + b"," + value


def _set_cookie(answer: AnswerHead, name: bytes, value: bytes) -> None:
    answer.sets_cookie = True  # one client's secret: not to be kept in any memory of heads
    answer.parts += (name, b": ", value, b"\r\n")


def _foreign_cookie(ours: frozenset[bytes]) -> Action:
    def set_cookie(answer: AnswerHead, name: bytes, value: bytes) -> None:
        answer.sets_cookie = True
        if value.partition(b";")[0].partition(b"=")[0].strip() not in ours:
            answer.parts += (name, b": ", value, b"\r\n")

    return set_cookie


def _location(answer: AnswerHead, name: bytes, value: bytes) -> None:
    answer.location = value
    answer.parts += (name, b": ", value, b"\r\n")


_KEPT: dict[bytes, Action] = {
    b"content-length": _content_length,
    b"transfer-encoding": _transfer_encoding,
    b"connection": _connection,
    b"location": _location,
    b"set-cookie": _set_cookie,
}
_DROPPED = frozenset(
    {
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"te",
        b"upgrade",
        b"alt-svc",  # would lead browsers around the gateway
    }
)


def private(parts: list[bytes]) -> None:
    """Keep an answer to a URL token out of shared caches and Referers, in place (RFC 6750 section 5.3)."""
    directives: list[bytes] = []
    for start in range(0, len(parts), 4):
        if parts[start].lower() == b"cache-control":
            directives += [directive.strip() for directive in parts[start + 2].split(b",")]
    kept = [
        directive
        for directive in directives
        if directive and directive.partition(b"=")[0].strip().lower() not in {b"public", b"s-maxage", b"private"}
    ]
    # RFC 9213: what these say a shared cache obeys before Cache-Control
    without(parts, {b"cache-control", b"cdn-cache-control", b"surrogate-control", b"referrer-policy"})
    parts += (b"Cache-Control", b": ", b", ".join([b"private", *kept]), b"\r\n")
    parts += (b"Referrer-Policy", b": ", b"no-referrer", b"\r\n")


def own_head(reply: Reply, connection: bytes) -> bytes:
    """The head of one of the gateway's own answers. `connection` is a whole header line or empty."""
    lines = [STATUS_LINES.get(reply.status) or f"HTTP/1.1 {reply.status} \r\n".encode()]
    for name, value in reply.headers:
        lines += (name, b": ", value, b"\r\n")
    if reply.status not in {204, 304}:
        lines.append(b"Content-Length: %d\r\n" % len(reply.body))
    lines += (b"Date: ", http_date(), b"\r\n", connection, b"\r\n")
    return b"".join(lines)


_date: tuple[int, bytes] = (0, b"")


def http_date() -> bytes:
    """Now as an IMF-fixdate (RFC 9110 section 5.6.7), made once a second."""
    global _date  # noqa: PLW0603 - one value for the process, replaced as a whole
    now = int(time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True).encode())
    return _date[1]
