"""Forward-auth, the pure half: which requests ask for a verdict, and about which request another proxy asks.

What the asking proxy says is believed, so it must say each thing once: a header of the client's beside the proxy's
own is how peers were led past their rules (oauth2-proxy CVE-2026-40575, Traefik CVE-2026-33433).
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.errors import Forbidden, GatewayError
from gateway.proxy.forwarded import Peer, is_host
from gateway.proxy.head import Fields, RequestHead
from gateway.routing.paths import canonical

PATH: Final = b"/_gateway/verify"
REFUSAL_PATH: Final = b"/_gateway/refusal"
"""Gives no verdict, only the refusal that belongs to one, with the dialect's own status: for nginx, which drops it."""
URI_HEADER: Final = b"X-Gateway-Uri"
"""Of a 200: the path that was judged and the query without our token, as the ERP is to get them."""

_ASKS = re.compile(
    rb"(?:(?i:https?)://[^/?#]*)?(?P<path>(?P<endpoint>%b|%b)(?:/[^?]*+)?+)(?:\?.*)?" % (PATH, REFUSAL_PATH), re.DOTALL
)
_ABSOLUTE = re.compile(rb"(?i:(https?))://([^/?#@\\]+)(?:[/?].*)?", re.DOTALL)

METHODS: Final = {
    name: name.decode()
    for name in (
        b"GET HEAD POST PUT PATCH DELETE OPTIONS COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND "
        b"UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK "
        b"UNLINK SOURCE"
    ).split()
}
"""Those that llhttp reads, without CONNECT, TRACE and HTTP/2's PRI: no other is ever forwarded."""

_SAYS = {
    b"x-forwarded-method": "method",
    b"x-original-method": "method",
    b"x-forwarded-host": "host",
    b"x-original-host": "host",
    b"x-forwarded-uri": "uri",
    b"x-original-uri": "uri",
    b"x-original-url": "uri",
    b"sec-websocket-key": "websocket",
}
"""Caddy and Traefik say X-Forwarded-*, configurations of nginx X-Original-*. A WebSocket is known by its key, which
proxies pass on; Connection and Upgrade they keep. No page can set that header (Fetch standard, forbidden names)."""


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """How verdicts are told (`server.forward_auth`)."""

    failure_status: int = 503
    """Of a verdict that is not to be had."""
    injected_credential: bool = False
    """A 200 carries the credential that the injector has for the ERP."""
    rewritten_uri: bool = True
    """The asking proxy sends the ERP the URI that a 200 names; else there must be nothing in it to be cut."""
    untold: frozenset[bytes] = frozenset()
    """Folded names that a 200 never carries: of assertions and cookies, where nobody has said that proxies ask here. A
    proxy that sends everything on to the gateway may be asked for a verdict by its own clients."""


class Original(NamedTuple):
    """The request that is asked about."""

    method: str
    host: bytes
    uri: bytes
    websocket: bool


class Asked(RequestHead):
    """That request as the authenticator sees it: its own method and host, the credentials of the one that asks."""

    __slots__ = ("own_origin", "set_cookie", "url_token")

    def __init__(self, original: Original, asking: RequestHead, peer: Peer) -> None:
        super().__init__(original.method, original.uri, asking.fields, keep_alive=True)
        self.repeat(asking)
        self.host = original.host
        self.upgrade = b"websocket" if original.websocket else None
        self.url_token: bytes | None = None
        self.set_cookie: bytes | None = None
        self.own_origin = peer.client_scheme(asking) + b"://" + original.host


def asks_verdict(target: bytes) -> bool:
    """Whether a request target is one of the two endpoints', in either form of RFC 9112, section 3.2.

    What stands below the path says nothing, as long as it stays below it: Envoy writes the client's own path there.
    """
    return b"/_gateway/" in target and _ASKS.fullmatch(target) is not None


def asks_refusal(target: bytes) -> bool:
    """Whether a target that `asks_verdict` is the second endpoint's."""
    found = _ASKS.fullmatch(target)
    return found is not None and found["endpoint"] == REFUSAL_PATH


def judge_question(target: bytes) -> None:
    """Raise UnsafePath where a target that `asks_verdict` could be another path to the proxy that passed it on.

    To nginx and Caddy `/_gateway/verify/../../auth/x` is a login's, which a recipe sends here as the client wrote it.
    """
    found = _ASKS.fullmatch(target)
    assert found is not None, "it asks for a verdict"
    canonical(found["path"])


def read_original(fields: Fields) -> Original:
    """What the headers say, each thing exactly once. Raises Forbidden.

    The host may stand in the URI instead, where that is absolute; whether both agree is judged with the path.
    """
    said: dict[str, bytes] = {}
    for name, value in fields:
        what = _SAYS.get(name.lower())
        if what is not None:
            if what in said:
                raise Forbidden(f"the original {what} stands there twice")
            said[what] = value.rstrip()
    uri, host = said.get("uri"), said.get("host")
    if not uri:
        raise Forbidden("no original URI")
    if host is None and (absolute := _ABSOLUTE.fullmatch(uri)) is not None:
        host = absolute[2]
    if host is None or not is_host(host):
        raise Forbidden("no original host, or one that is none")
    method = METHODS.get(said.get("method", b""))
    if method is None:
        raise Forbidden("no original method, or one that is never forwarded")
    return Original(method, host, uri, "websocket" in said)


def verdict_status(error: GatewayError, forward_auth: ForwardAuth) -> int:
    """401, 403 or the failure status: nginx knows no other, and what a dialect says with a 200 must let nobody in."""
    if error.status >= 500:
        return forward_auth.failure_status
    return 401 if error.status == 401 else 403
