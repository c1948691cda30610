"""What a reader of the gateway's own, an endpoint or a refusal, is told of a request."""

from typing import TYPE_CHECKING

from gateway.model import Call

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange


def call_of(exchange: "Exchange", body: bytes) -> Call:
    """The request, with the body that was read for it. Of a header that came twice the first counts; cookies all do."""
    headers: dict[str, str] = {}
    for name, value in exchange.fields:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").rstrip()
        if key == "cookie" and key in headers:  # HTTP/2 splits it, and not every proxy puts it together again
            headers[key] += f"; {text}"
        headers.setdefault(key, text)
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
