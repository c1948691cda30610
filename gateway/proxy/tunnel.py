"""WebSockets: after the upstream's own valid 101 bytes go both ways until an end, an expiry or a revocation."""

import asyncio
from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING, cast

from gateway.errors import GatewayError, UpstreamFault
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.head import Fields
from gateway.proxy.ongoing import Ongoing
from gateway.proxy.websocket_frames import GOING_AWAY, POLICY_VIOLATION, Frames, close_frame
from gateway.upstream.connection import WRITE_BUFFER, UpstreamConnection

if TYPE_CHECKING:
    from gateway.proxy.gate import Gate

LINGER_SECONDS = 2.0
"""How long a peer that does not read is given for its last bytes."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


def open_tunnel(
    gate: "Gate", exchange: ForwardedExchange, fields: Fields, upstream: UpstreamConnection, rest: bytes
) -> None:
    """Tell the client 101 and let the bytes flow; a 101 that is no answer to this handshake is a 502."""
    if not _agrees(exchange, fields):
        upstream.transport.abort()
        exchange.refuse(UpstreamFault("the upstream's 101 does not answer this handshake"))
        return
    gate.ongoing.watch(Tunnel(gate, exchange, fields, upstream, rest))


class Tunnel(Ongoing):
    """Two transports joined."""

    def __init__(
        self,
        gate: "Gate",
        exchange: ForwardedExchange,
        fields: Fields,
        upstream: UpstreamConnection,
        rest: bytes,
    ) -> None:
        super().__init__(exchange)
        self.unproved = bool(exchange.verified.session_id)  # it may have ended between the decision and the 101
        self._open = True
        self._gate = gate
        client = exchange.client
        self._client, self._upstream = client.transport, upstream.transport
        exchange.status = 101
        exchange.answer_started = True
        client.deadline = float("inf")
        client_side, upstream_side = _Side(self, self._client, masks=False), _Side(self, self._upstream, masks=True)
        client_side.peer, upstream_side.peer = upstream_side, client_side
        self._sides = (client_side, upstream_side)
        self._client.set_protocol(client_side)
        self._upstream.set_protocol(upstream_side)
        actions = exchange.rules.answer_actions
        lines = [b"%b: %b\r\n" % field for field in fields if actions[field[0]] is None]
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._client.write(head + b"".join(lines) + b"\r\n" + rest)
        client_side.frames.pass_on(rest)
        exchange.bytes_sent += len(rest)
        if exchange.early:
            self._upstream.write(exchange.early)
            upstream_side.frames.pass_on(exchange.early)
        self._client.resume_reading()

    def sweep(self, epoch: float) -> None:
        if self.exchange.verified.expires_at <= epoch:
            self.end()
        else:
            super().sweep(epoch)

    def end(self, _error: GatewayError | None = None) -> None:
        self._say(POLICY_VIOLATION)
        self.close()

    def stop(self) -> None:
        self._say(GOING_AWAY)
        self.close()

    def _say(self, code: int) -> None:
        """Tell both ends why, where that does not break into a frame."""
        for side in self._sides if self._open else ():
            side.say(code)

    def close(self) -> None:
        """End both sides and observe the exchange."""
        if self._open:
            self._open = False
            self._gate.ongoing.forget(self)
            for transport in (self._client, self._upstream):
                transport.close()  # once what was written has been read …
                if transport.get_write_buffer_size():
                    asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)  # … or not
            self.exchange.client.disconnected()
            self.exchange.end()


class _Side(asyncio.Protocol):
    """Reads from one transport, writes to the other side's."""

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport, *, masks: bool) -> None:
        """`masks`: what goes to this side is masked, because to it we are a client."""
        self._tunnel = tunnel
        self._masks = masks
        self.frames = Frames()
        """What has gone to this side."""
        self.transport = transport
        self.peer = cast("_Side", None)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def data_received(self, data: bytes) -> None:
        self.peer.transport.write(data)
        self.peer.frames.pass_on(data)
        if self.peer.transport is self._tunnel.exchange.client.transport:
            self._tunnel.exchange.bytes_sent += len(data)

    def say(self, code: int) -> None:
        """Send a Close frame, unless one was sent, or it would be taken for a piece of another frame."""
        if self.frames.between and not self.frames.closed and not self.transport.is_closing():
            self.transport.write(close_frame(code, masked=self._masks))

    def eof_received(self) -> None:
        self._tunnel.close()  # a WebSocket knows no half-closed state: RFC 6455, section 1.4

    def pause_writing(self) -> None:
        self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        self.peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._tunnel.close()


def _agrees(exchange: ForwardedExchange, fields: Fields) -> bool:
    """RFC 6455, section 4.1: the answer names the protocol and proves that it is to this very request."""
    key = next((value for name, value in exchange.fields if name.lower() == b"sec-websocket-key"), b"")
    accept = b64encode(sha1(key.strip() + _GUID, usedforsecurity=False).digest())
    found = {name.lower(): value.strip() for name, value in fields}
    return found.get(b"upgrade", b"").lower() == b"websocket" and found.get(b"sec-websocket-accept") == accept
