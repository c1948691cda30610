"""Which request headers are passed on, dropped or kept for the gateway: one dict look-up a name, pure functions.

Rules: RFC 9110 section 7.6.1 (hop-by-hop), RFC 9112 section 6 (framing), and what peers were broken into with:
aliases that a WSGI or PHP ERP folds onto a trusted name (CVE-2025-64484, CVE-2026-52845), `Connection` used to remove
headers that a proxy adds (CVE-2024-45410), internal headers that a client may not set (CVE-2025-29927).
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping

from gateway.errors import BadRequest, NotImplementedMessage, SeveralCredentials
from gateway.proxy.head import RequestHead

Action = Callable[[RequestHead, bytes, bytes], None]

MEMO = 4096
"""Spellings of header names that are remembered; the rest is classified anew each time."""
LONGEST_NAME = 256
"""Bytes. No real name comes near; longer ones would fill the memo, and overflowed a peer (HAProxy CVE-2021-40346)."""
_SESSION_ID = re.compile(rb"[A-Za-z0-9_-]{1,512}")
_TOKEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PLAIN_CONNECTION = frozenset({b"keep-alive", b"close", b"", b"Keep-Alive", b"upgrade", b"Upgrade", b"Close"})


def drop(_head: RequestHead, _name: bytes, _value: bytes) -> None:
    """Not passed on."""


def read_head(head: RequestHead, actions: "HeaderActions") -> None:
    """Sort the fields of `head`. Raises BadRequest, SeveralCredentials or NotImplementedMessage."""
    copied = head.copied
    for name, value in head.fields:
        action = actions[name]
        if action is None:
            copied += (name, b": ", value, b"\r\n")
        else:
            action(head, name, value)
    if head.connection is not None and head.connection not in _PLAIN_CONNECTION:
        _remove_named_by_connection(head)


def _remove_named_by_connection(head: RequestHead) -> None:
    """RFC 9110 section 7.6.1. Only what the client sent is removed: what the gateway adds comes later."""
    named = {token.strip().lower() for token in (head.connection or b"").split(b",")}
    without(head.copied, named)


def without(copied: list[bytes], names: Iterable[bytes]) -> None:
    """Remove headers by lower-case name from a flat list of copied ones, in place."""
    unwanted = frozenset(names)
    kept: list[bytes] = []
    for start in range(0, len(copied), 4):
        if copied[start].lower() not in unwanted:
            kept += copied[start : start + 4]
    copied[:] = kept


def without_aliases(copied: list[bytes], folded: Container[bytes]) -> list[bytes]:
    """The headers of a flat list whose name does not fold onto one of `folded`."""
    kept: list[bytes] = []
    for start in range(0, len(copied), 4):
        if fold(copied[start]) not in folded:
            kept += copied[start : start + 4]
    return kept


def fold(name: bytes) -> bytes:
    """The name as a CGI-like ERP may read it: WSGI folds `_`, PHP folds `.` onto `-`."""
    return name.lower().replace(b"_", b"-").replace(b".", b"-")


class HeaderActions(dict[bytes, Action | None]):
    """Spelling of a name -> what is done with it; None: copied. Fills itself as names come, up to MEMO of them."""

    def __init__(
        self,
        asserted: Iterable[bytes] = (),
        injected: Iterable[bytes] = (),
        sessions: Mapping[bytes, bytes] | None = None,
    ) -> None:
        """`asserted`: names of identity headers, of which no alias passes anywhere; `injected`: names that the
        injector of some upstream writes, which pass to the other upstreams only; `sessions`: lower-case names of
        headers that say what a login's cookie says, each with the name of that."""  # noqa: D205, D209
        super().__init__()
        self._sessions = {fold(name): (name, _as_cookie(cookie)) for name, cookie in (sessions or {}).items()}
        self.of_sessions = frozenset(action for _, action in self._sessions.values())
        """What is done with headers in which an ERP may find a session."""
        self._asserted = frozenset(fold(name) for name in asserted)
        self._injected = frozenset(fold(name) for name in injected)

    def __missing__(self, name: bytes) -> Action | None:
        if len(name) > LONGEST_NAME:
            raise BadRequest("the name of a header is too long")
        action = self._classify(name)
        if len(self) < MEMO:
            self[name] = action
        return action

    def _classify(self, name: bytes) -> Action | None:
        lower, folded = name.lower(), fold(name)
        if lower in _KEPT:
            return _KEPT[lower]
        if folded in self._sessions:
            spelled, action = self._sessions[folded]
            return action if lower == spelled else drop
        if folded in self._asserted or folded in _KEPT or folded in _DROPPED or folded.startswith(_DROPPED_FAMILIES):
            return drop
        if b"_" in name or folded in self._injected:
            return _conditional
        return None


def _conditional(head: RequestHead, name: bytes, value: bytes) -> None:
    if head.conditional is None:
        head.conditional = []
    head.conditional.append((name, value))


def _host(head: RequestHead, _name: bytes, value: bytes) -> None:
    if head.host is not None:
        raise BadRequest("more than one Host header")  # RFC 9112 section 3.2
    head.host = value.rstrip()


def _authorization(head: RequestHead, _name: bytes, value: bytes) -> None:
    if head.authorization is not None:
        raise SeveralCredentials("more than one Authorization header")
    head.authorization = value.rstrip()


def _api_key(head: RequestHead, _name: bytes, value: bytes) -> None:
    if head.api_key is not None:
        raise SeveralCredentials("more than one X-API-Key header")
    head.api_key = value.rstrip()


def _cookie(head: RequestHead, _name: bytes, value: bytes) -> None:
    # RFC 9113 section 8.2.3 lets a proxy in front split the cookie into several fields
    head.cookie = value if head.cookie is None else head.cookie + b"; " + value


def _as_cookie(cookie: bytes) -> Action:
    """The header is read as if the cookie of that name were there, and is passed on as one if it is the ERP's own."""

    def action(head: RequestHead, name: bytes, value: bytes) -> None:
        if _SESSION_ID.fullmatch(value.strip()):
            _cookie(head, name, cookie + b"=" + value.strip())

    return action


def _connection(head: RequestHead, _name: bytes, value: bytes) -> None:
    value = value.rstrip()
    head.connection = value if head.connection is None else head.connection + b"," + value


def _transfer_encoding(head: RequestHead, _name: bytes, value: bytes) -> None:
    # llhttp lets "gzip, chunked" through, and passing it on without the coding would change the body
    if head.chunked or value.strip().lower() != b"chunked":
        raise NotImplementedMessage("a transfer coding other than chunked")
    head.chunked = True


def _content_length(head: RequestHead, _name: bytes, value: bytes) -> None:
    if head.content_length >= 0:
        raise BadRequest("more than one Content-Length header")
    digits = value.rstrip()
    if len(digits) > 18 or not digits.isdigit():  # more than an exabyte is an overflow somewhere behind us
        raise BadRequest("Content-Length is no length")
    head.content_length = int(digits)


def _expect(head: RequestHead, _name: bytes, value: bytes) -> None:
    if value.strip().lower() == b"100-continue":  # anything else may be ignored: RFC 9110 10.1.1
        head.expects_continue = True


def _upgrade(head: RequestHead, _name: bytes, value: bytes) -> None:
    value = value.rstrip()
    head.upgrade = value if head.upgrade is None else head.upgrade + b"," + value


def _request_id(head: RequestHead, _name: bytes, value: bytes) -> None:
    if _TOKEN.fullmatch(value):
        head.request_id = value


def _referer(head: RequestHead, _name: bytes, value: bytes) -> None:
    head.referer = value


def _forwarded_for(head: RequestHead, _name: bytes, value: bytes) -> None:
    # several fields are one list, in order (RFC 9110 section 5.3)
    head.forwarded_for = value if head.forwarded_for is None else head.forwarded_for + b", " + value


def _forwarded_host(head: RequestHead, _name: bytes, value: bytes) -> None:
    head.forwarded_host = value.rstrip()


def _forwarded_proto(head: RequestHead, _name: bytes, value: bytes) -> None:
    head.forwarded_proto = value.rstrip()


def _copy_and(attribute: str) -> Action:
    def action(head: RequestHead, name: bytes, value: bytes) -> None:
        stripped, earlier = value.rstrip(), getattr(head, attribute)
        if earlier is not None and earlier != stripped:
            raise BadRequest(f"more than one {name.decode('latin-1')} header")  # the ERP might go by the other one
        setattr(head, attribute, stripped)
        head.copied += (name, b": ", value, b"\r\n")

    return action


_KEPT: dict[bytes, Action] = {
    b"host": _host,
    b"authorization": _authorization,
    b"x-api-key": _api_key,
    b"cookie": _cookie,
    b"connection": _connection,
    b"transfer-encoding": _transfer_encoding,
    b"content-length": _content_length,
    b"expect": _expect,
    b"upgrade": _upgrade,
    b"x-request-id": _request_id,
    b"referer": _referer,
    b"content-type": _copy_and("content_type"),
    b"origin": _copy_and("origin"),
    b"sec-fetch-site": _copy_and("fetch_site"),
    b"x-forwarded-for": _forwarded_for,
    b"x-forwarded-host": _forwarded_host,
    b"x-forwarded-proto": _forwarded_proto,
}
"""Names that the gateway reads itself. An alias that folds onto one of them is dropped."""

READ_AND_PASSED = frozenset({b"cookie", b"referer", b"content-type", b"origin", b"sec-fetch-site"})
"""Those of them that go on to the ERP, whichever upstream's injector writes them."""

_DROPPED = frozenset(
    {
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"http2-settings",
        b"forwarded",
        b"x-real-ip",
        b"x-rewrite-url",
        b"x-method-override",
    }
)
_DROPPED_FAMILIES = (b"x-forwarded-", b"x-original-", b"x-envoy-", b"x-http-method")
