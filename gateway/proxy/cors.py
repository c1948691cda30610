"""What pages of other origins may do: preflights answered, CORS headers put on every answer of a route or a login."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gateway.errors import Forbidden, MethodNotAllowed, NotFound
from gateway.model import Reply
from gateway.proxy.forward_auth import asks_verdict
from gateway.proxy.forwarded import asked_host
from gateway.proxy.head import RequestHead
from gateway.routing.paths import split_target
from gateway.routing.table import host_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.proxy.exchange import Exchange
    from gateway.proxy.route import LoginEndpoint, Route, Rules
    from gateway.routing.table import Offers, Target

_NAMES = re.compile(rb"[ \t]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*(?:,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*)*)?")
_VARY = (b"Vary", b": ", b"Origin", b"\r\n")
EXPOSE = b"access-control-expose-headers"
OWN_EXPOSED = (b"Access-Control-Expose-Headers", b"Retry-After, WWW-Authenticate")
"""What a page may read of the gateway's own answers beyond the few headers that the Fetch standard lets it read."""


class Cors:
    """The rules of one route or login, its header lines ready to be joined (Fetch standard, section 3.2)."""

    def __init__(
        self,
        *,
        origins: Iterable[str] = (),
        methods: Iterable[str] = (),
        headers: Iterable[str] = (),
        credentials: bool = False,
        max_age: float = 600.0,
        preflight_status: int = 204,
    ) -> None:
        """`origins`: as browsers spell them, or `*` alone; no methods or headers: all of them. `max_age`: seconds."""
        listed = {origin.encode() for origin in origins}
        self._any = _lines(b"*", credentials=False) if b"*" in listed else None
        listed.discard(b"*")
        self._granted = {origin: (*_lines(origin, credentials=credentials), *_VARY) for origin in listed}
        self._methods = ", ".join(methods).encode()
        self._headers = ", ".join(headers).encode()
        self._max_age = b"%d" % max_age
        self._preflight_status = preflight_status
        self.cookie_origins = frozenset(listed) if credentials else frozenset[bytes]()
        """Origins whose pages may act with the user's session cookie. Never everyone."""

    def allows(self, origin: bytes | None) -> bool:
        """Pages of this origin may read the answers."""
        return self._any is not None or origin in self._granted

    def lines(self, origin: bytes | None) -> tuple[bytes, ...]:
        """Flat parts for an answer. An origin that is not listed is never named; `*` is told to everyone alike."""
        return self._any or self._granted.get(origin or b"", _VARY)

    def rewrite(self, parts: list[bytes], origin: bytes | None) -> None:
        """Replace what the upstream says of CORS, in place: two values in one answer are none to a browser.

        Only it knows which of its headers are worth reading: those it exposes stay exposed, to those who may read.
        """
        allowed = self.allows(origin)
        kept: list[bytes] = []
        for start in range(0, len(parts), 4):
            name = parts[start].lower()
            if not name.startswith(b"access-control-") or (allowed and name == EXPOSE):
                kept += parts[start : start + 4]
        parts[:] = (*kept, *self.lines(origin))

    def on_own(self, reply: Reply, origin: bytes | None) -> Reply:
        """One of the gateway's own answers, refusals included, as a page may read it."""
        lines = self.lines(origin)
        added = [(lines[start], lines[start + 2]) for start in range(0, len(lines), 4)]
        if reply.status != 204 and self.allows(origin):
            added.append(OWN_EXPOSED)
        return Reply(reply.status, reply.body, (*reply.headers, *added))

    def preflight(self, origin: bytes, method: bytes, headers: bytes) -> Reply:
        """What a page may send; the origin itself is told by `on_own`. Raises Forbidden for one that is not listed."""
        if not self.allows(origin):
            raise Forbidden("a preflight of an origin that is not listed")
        told = [
            (b"Access-Control-Allow-Methods", self._methods or method),
            (b"Access-Control-Max-Age", self._max_age),
        ]
        names = self._headers or (headers.strip() if _NAMES.fullmatch(headers) else b"")
        if names:
            told.append((b"Access-Control-Allow-Headers", names))
        return Reply(self._preflight_status, headers=tuple(told))


class Preflight(NamedTuple):
    """A browser's question whether a page may send what it wants to send."""

    path: bytes
    """Canonical."""
    route: "Route | None"
    """Who would get the request itself: this route …"""
    endpoint: "LoginEndpoint | None"
    """… or this endpoint."""
    cors: Cors
    origin: bytes
    method: bytes
    headers: bytes


def find_preflight(rules: "Rules", head: RequestHead) -> Preflight | None:
    """What an OPTIONS request asks, if it is a preflight for a route or an endpoint with `cors`.

    None: it goes on as any request. Raises BadRequest or UnsafePath, as for any request.
    """
    origin = head.origin
    method = next(
        (value.strip() for name, value in head.fields if name.lower() == b"access-control-request-method"), b""
    )
    if (
        head.method != "OPTIONS"
        or not origin
        or not method
        or method in {b"CONNECT", b"TRACE"}
        or not _NAMES.fullmatch(method)
        or b"," in method
        or asks_verdict(head.target)
    ):
        return None
    host = asked_host(head)
    target = rules.table.resolve(split_target(head.target, host)[0])
    route, endpoint = _owner(rules, target, method.decode("ascii"), host)
    owner = route or endpoint
    if owner is None or owner.cors is None:
        return None
    wanted = b", ".join(
        value.strip() for name, value in head.fields if name.lower() == b"access-control-request-headers"
    )
    return Preflight(target.path, route, endpoint, owner.cors, origin, method, wanted)


def answers_preflight(exchange: "Exchange") -> bool:
    """Answer a preflight: it needs no credential, for a browser sends none with it. False: it is none.

    Raises Forbidden for an origin that is not listed. No dialect spells it: browsers ask, and no ERP has another word
    than 403 for it (iDempiere's for Forbidden is an empty 401, which asks for a credential).
    """
    asked = find_preflight(exchange.rules, exchange)
    if asked is None:
        return False
    exchange.path, exchange.route, exchange.cors = asked.path, asked.route, asked.cors
    if asked.endpoint is not None:
        exchange.endpoint_login = asked.endpoint.login
    exchange.reply(asked.cors.preflight(asked.origin, asked.method, asked.headers))
    return True


def endpoint_cors(rules: "Rules", offered: "Sequence[Offers]", host: bytes) -> Cors | None:
    """The rules of the login that has endpoints at a path, whatever the method."""
    for hosts, methods in offered:
        if hosts is None or host_name(host) in hosts:
            for handler in methods.values():
                return rules.endpoint_owner[handler].cors
    return None


def _owner(
    rules: "Rules", target: "Target[Route]", method: str, host: bytes
) -> "tuple[Route | None, LoginEndpoint | None]":
    try:
        handler = rules.table.endpoint(target, method, host) if target.endpoints else None
        if handler is not None:
            return None, rules.endpoint_owner[handler]
        return rules.table.select(target, method, host)[0], None
    except (MethodNotAllowed, NotFound):
        return None, None


def _lines(origin: bytes, *, credentials: bool) -> tuple[bytes, ...]:
    allowed = (b"Access-Control-Allow-Origin", b": ", origin, b"\r\n")
    return (*allowed, b"Access-Control-Allow-Credentials", b": ", b"true", b"\r\n") if credentials else allowed
