"""Runs an endpoint of a login: the whole small body in, one reply out."""

from gateway.errors import GatewayError
from gateway.model import Call, Handler
from gateway.proxy.forwarding import ForwardedExchange

MAX_BODY = 64 * 1024
"""Bytes; a login needs a few hundred."""


async def serve_endpoint(exchange: ForwardedExchange, handler: Handler) -> None:
    """Answer with what `handler` replies, or with its error in the login's own spelling."""
    try:
        body = await exchange.collect_body(MAX_BODY) if exchange.has_body else b""
        reply = await handler(call_of(exchange, body))
    except GatewayError as error:
        exchange.refuse(error)
    else:
        exchange.reply(reply)


def call_of(exchange: ForwardedExchange, body: bytes) -> Call:
    """What a reader of the gateway's own is told of a request."""
    headers: dict[str, str] = {}
    for name, value in exchange.fields:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1").rstrip())
    peer = exchange.client.peer
    return Call(
        method=exchange.method,
        path=exchange.path.decode("latin-1"),
        query=exchange.query.decode("latin-1"),
        headers=headers,
        body=body,
        client_address=peer.client_address(exchange),
        address_is_shared=exchange.forwarded_for is not None and not peer.trusted,
        secure=peer.client_scheme(exchange) == b"https",
        request_id=exchange.request_id_text,
    )
