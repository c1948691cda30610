"""Runs an endpoint of a login: the whole small body in, one reply out."""

from gateway.errors import GatewayError
from gateway.model import Handler
from gateway.proxy.calls import call_of
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
        if reply.failure:
            exchange.error = GatewayError(reply.failure)  # spelled already; this is for the log
        exchange.reply(reply)
