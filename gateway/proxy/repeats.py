"""Requests that repeat the header block of the one before them, byte for byte, as API clients do on a kept connection.

The same bytes are the same headers, so they are sorted once. Only a block that llhttp has read as the whole rest of a
request without a body is remembered, and only a request line that means one thing to everyone goes with it.
"""

import re
from typing import TYPE_CHECKING

from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.head import RequestHead
from gateway.proxy.headers import read_head

if TYPE_CHECKING:
    from gateway.proxy.connection import ClientConnection
    from gateway.proxy.route import Rules

_LINE = re.compile(rb"(GET|HEAD|DELETE|OPTIONS) (/[\x21-\x7e]*) HTTP/1\.1")
_METHODS = {b"GET": "GET", b"HEAD": "HEAD", b"DELETE": "DELETE", b"OPTIONS": "OPTIONS"}


class Repeats:
    """What one connection repeats."""

    __slots__ = ("_block", "_considered", "_rules", "_seen", "_template")

    def __init__(self) -> None:
        self._block = b""
        """The line end of the request line, the header lines and the empty line."""
        self._template: RequestHead | None = None
        self._rules: Rules | None = None
        self._seen = 0
        """A digest of the fields before: most clients never repeat theirs, and need not pay for it in memory."""
        self._considered: ForwardedExchange | None = None

    def read(self, connection: "ClientConnection", data: bytes) -> ForwardedExchange | None:
        """The exchange, if `data` is one whole request with the block of the one before; else None."""
        block = self._block
        if not block or not data.endswith(block):
            return None
        rules: Rules = connection.gate.rules
        line = _LINE.fullmatch(data, 0, len(data) - len(block))
        template = self._template
        if line is None or template is None or rules is not self._rules or len(data) > rules.header_bytes:
            return None
        method, target = line.groups()
        exchange = ForwardedExchange(connection, rules, _METHODS[method], target, template.fields, keep_alive=True)
        exchange.repeat(template)
        exchange.request_done = True
        return exchange

    def consider(self, exchange: ForwardedExchange) -> None:
        """Look whether a request that llhttp has read is worth remembering."""
        seen = hash(tuple(exchange.fields))
        repeated, self._seen = seen == self._seen, seen
        bodyless = not exchange.has_framing and not exchange.expects_continue
        self._considered = exchange if repeated and bodyless and exchange.conditional is None else None

    def learn(self, data: bytes) -> None:
        """`data` held one request, and the parser left nothing over: if it is the one last considered, keep its block.

        Compared byte for byte, since a block must never stand for the headers of another request.
        """
        exchange, self._considered = self._considered, None
        end = data.find(b"\r\n")
        if exchange is None or _LINE.fullmatch(data, 0, end) is None:
            return
        if data[end:] != b"\r\n" + b"".join([b"%b: %b\r\n" % field for field in exchange.fields]) + b"\r\n":
            return
        template = RequestHead(exchange.method, b"", exchange.fields, keep_alive=True)
        read_head(template, exchange.rules.request_actions)
        self._block, self._template, self._rules = data[end:], template, exchange.rules
