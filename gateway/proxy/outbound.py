"""The head of the request that the ERP gets: the client's headers first, ours last, joined once."""

from collections.abc import Iterable

from gateway.authn.authenticator import FOREIGN, NOBODY
from gateway.authn.session_cookies import OwnCookies
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.head import RequestHead
from gateway.proxy.headers import fold, without_aliases
from gateway.proxy.route import Route
from gateway.routing.paths import strip_prefix
from gateway.tokens.cache import Verified
from gateway.tokens.cookies import without_cookie
from gateway.upstream.erp_credential import Credential
from gateway.upstream.pool import Server


class _MethodBytes(dict[str, bytes]):
    """Methods as a request line begins with them."""

    def __missing__(self, method: str) -> bytes:
        line = self[method] = method.encode() + b" "
        return line


METHOD_BYTES = _MethodBytes()


def upstream_head(exchange: ForwardedExchange, route: Route, verified: Verified, server: Server) -> bytes:
    """Request line and headers. Raises UnsafePath where the prefix cannot be stripped."""
    path = strip_prefix(exchange.path, route.strip_prefix) if route.strip_prefix else exchange.path
    host = exchange.host if route.upstream.preserve_host and exchange.host else server.endpoint.authority.encode()
    if exchange.request_id is None:
        exchange.request_id = exchange.client.gate.new_request_id()
    copied = exchange.copied  # never changed here: a retry writes the head again
    if exchange.conditional is not None:
        copied = [*copied, *_passed_conditional(exchange, route)]
    cookie, referer = exchange.cookie, exchange.referer
    if cookie is not None or exchange.credential is not None:
        cookie = sent_cookie(exchange, exchange.rules.own_cookies, route, exchange.credential)
    if route.changes_request:
        removed = route.remove_headers
        copied = [*without_aliases(copied, removed), *route.set_headers]
        referer = None if b"referer" in removed else referer
    return b"".join(
        (
            METHOD_BYTES[exchange.method],
            path,
            b"?" + exchange.query if exchange.query or exchange.target[-1:] == b"?" else b"",
            b" HTTP/1.1\r\nHost: ",
            host,
            b"\r\n",
            *copied,
            b"Cookie: %b\r\n" % cookie if cookie is not None else b"",
            b"Referer: %b\r\n" % referer if referer is not None else b"",
            exchange.client.peer.headers_for(exchange),
            b"X-Request-Id: ",
            exchange.request_id,
            b"\r\n",
            b"" if verified is NOBODY else credential_lines(exchange, route, verified),
            b"" if exchange.credential is None else exchange.credential.lines,
            _framing(exchange) if exchange.has_framing else b"",
            b"\r\n",
        )
    )


def credential_lines(head: RequestHead, route: Route, verified: Verified) -> bytes:
    """Identity headers, assertion and the injector's credential; an anonymous caller gets none of them."""
    if verified is not FOREIGN:
        return route.identity_lines(verified)
    foreign = b""
    if head.authorization is not None and b"authorization" not in route.owned_headers:
        foreign += b"Authorization: " + head.authorization + b"\r\n"
    if head.api_key is not None and b"x-api-key" not in route.owned_headers:
        foreign += b"X-API-Key: " + head.api_key + b"\r\n"
    return foreign


def sent_cookie(head: RequestHead, own: OwnCookies | None, route: Route, credential: Credential | None) -> bytes | None:
    """The client's cookies without ours and those that stand for a session in the ERP, and then the caller's own."""
    cookie = head.cookie
    if cookie is not None and own is not None:
        cookie = own.cut(cookie)
    if b"cookie" in route.remove_headers:
        cookie = None
    erp = route.upstream.erp
    return cookie if erp is None else _erp_cookie(cookie, erp.owns_cookies, credential)


def _erp_cookie(cookie: bytes | None, owned: Iterable[bytes], credential: Credential | None) -> bytes | None:
    for name in owned:
        cookie = without_cookie(cookie, name, _any) if cookie is not None else None
    if credential is None or not credential.cookie:
        return cookie
    return credential.cookie if cookie is None else cookie + b"; " + credential.cookie


def _any(_: bytes) -> bool:
    return True


def _framing(exchange: ForwardedExchange) -> bytes:
    if exchange.chunked:
        framing = b"Transfer-Encoding: chunked\r\n"
    elif exchange.content_length >= 0:
        framing = b"Content-Length: %d\r\n" % exchange.content_length
    else:
        framing = b""
    if exchange.expects_continue:
        framing += b"Expect: 100-continue\r\n"
    if exchange.upgrade is not None and exchange.asks_websocket:
        framing += b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    return framing


def _passed_conditional(exchange: ForwardedExchange, route: Route) -> list[bytes]:
    """Names with an underscore, where the route lists them, and names that another upstream's injector owns."""
    passed: list[bytes] = []
    for name, value in exchange.conditional or ():
        if fold(name) in route.owned_headers:
            continue
        if b"_" not in name or name.lower() in route.underscore_headers:
            passed += (name, b": ", value, b"\r\n")
    return passed
