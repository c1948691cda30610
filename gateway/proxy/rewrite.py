"""The few changes that an answer's head needs on its way: redirects, URL tokens, our cookie, CORS, a route's own."""

from gateway.proxy.answer import AnswerHead, private
from gateway.proxy.exchange import Exchange
from gateway.proxy.headers import without
from gateway.proxy.route import Route


def rewrite_answer(exchange: Exchange, route: Route, answer: AnswerHead) -> None:
    """Change `answer.parts` in place as the route says."""
    parts = answer.parts
    if answer.location is not None:
        location = client_location(exchange, route, answer.location)
        for start in range(0, len(parts), 4):
            if parts[start].lower() == b"location":
                parts[start + 2] = location
    if route.answer_remove:
        without(parts, route.answer_remove)
    parts += route.answer_set
    if exchange.set_cookie is not None:
        answer.sets_cookie = True
        parts += (b"Set-Cookie", b": ", exchange.set_cookie, b"\r\n")
    if exchange.url_token is not None:
        private(parts)
    if route.cors is not None:
        route.cors.rewrite(parts, exchange.origin)


def client_location(exchange: Exchange, route: Route, location: bytes) -> bytes:
    """A Location as the client can follow it: the upstream's own origin becomes ours, a stripped prefix comes back."""
    path = location
    origin = b""
    for own in _own_origins(exchange, route):
        if location.lower().startswith(own.lower()) and location[len(own) : len(own) + 1] in b"/?#":
            path = location[len(own) :]
            if not path.startswith(b"/"):
                path = b"/" + path
            origin = _client_origin(exchange)
            break
    if route.strip_prefix and path.startswith(b"/") and not path.startswith(b"//"):
        path = route.strip_prefix + path
    return origin + path


def _own_origins(exchange: Exchange, route: Route) -> list[bytes]:
    """What the upstream may call itself: its address, or with `preserve_host` the host it was asked for."""
    servers = route.upstream.servers
    origins = [server.endpoint.origin.encode() for server in servers]
    if route.upstream.preserve_host and exchange.host:
        scheme = b"https://" if servers[0].endpoint.tls else b"http://"
        origins += (scheme + exchange.host, _client_origin(exchange))
    # and each without its scheme, which is then the one that the ERP was asked by (RFC 3986, section 4.2)
    return [spelled for origin in origins if origin for spelled in (origin, origin[origin.index(b"//") :])]


def _client_origin(exchange: Exchange) -> bytes:
    peer = exchange.client.peer
    host = peer.client_host(exchange)
    return peer.client_scheme(exchange) + b"://" + host if host else b""
