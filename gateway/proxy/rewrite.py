"""The few changes that an answer's head needs on its way: redirects, answers to URL tokens, a route's own headers."""

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
    if exchange.url_token is not None:
        private(parts)


def client_location(exchange: Exchange, route: Route, location: bytes) -> bytes:
    """A Location as the client can follow it: the upstream's own origin becomes ours, a stripped prefix comes back."""
    path = location
    origin = b""
    for server in route.upstream.servers:
        own = server.endpoint.origin.encode()
        if location.lower().startswith(own.lower()) and location[len(own) : len(own) + 1] in b"/?#":
            path = location[len(own) :]
            peer = exchange.client.peer
            host = peer.client_host(exchange)
            origin = peer.client_scheme(exchange) + b"://" + host if host else b""
            break
    if route.strip_prefix and path.startswith(b"/") and not path.startswith(b"//"):
        path = route.strip_prefix + path
    return origin + path
