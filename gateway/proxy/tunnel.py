"""WebSockets: after the upstream's own valid 101 bytes go both ways until an end, an expiry or a revocation."""

import asyncio
from base64 import b64encode
from hashlib import sha1
from time import time
from typing import TYPE_CHECKING, cast

from gateway.authn.authenticator import FOREIGN, NOBODY
from gateway.errors import GatewayError, StoreUnavailable, UpstreamFault
from gateway.model import spawn
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.head import Fields
from gateway.proxy.route import Rules
from gateway.state.feed import Invalidation
from gateway.tokens.cache import Verified
from gateway.upstream.connection import WRITE_BUFFER, UpstreamConnection

if TYPE_CHECKING:
    from gateway.proxy.gate import Gate

LINGER_SECONDS = 2.0
"""How long a peer that does not read is given for its last bytes."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


class Tunnels:
    """All open tunnels of this worker."""

    def __init__(self) -> None:
        self.open_ones: set[Tunnel] = set()

    def open(
        self, gate: "Gate", exchange: ForwardedExchange, fields: Fields, upstream: UpstreamConnection, rest: bytes
    ) -> None:
        """Tell the client 101 and let the bytes flow; a 101 that is no answer to this handshake is a 502."""
        if not _agrees(exchange, fields):
            upstream.transport.abort()
            exchange.refuse(UpstreamFault("the upstream's 101 does not answer this handshake"))
            return
        self.open_ones.add(Tunnel(self, gate, exchange, fields, upstream, rest))
        if gate.rules is not exchange.rules:
            self.reloaded(gate.rules)  # between the decision and the 101

    def sweep(self, _now: float) -> None:
        """Close the tunnels whose token has expired, and ask the store about those that may have missed something."""
        epoch = time()
        for tunnel in list(self.open_ones):
            if tunnel.exchange.verified.expires_at <= epoch:
                tunnel.close()
            elif tunnel.unproved:
                tunnel.unproved = False
                spawn(tunnel.prove(), name="tunnel")

    def invalidate(self, event: Invalidation) -> None:
        """Close the tunnels of what was revoked; after a reconnect of the feed, any may have been, unheard."""
        for tunnel in list(self.open_ones):
            if tunnel.concerns(event):
                tunnel.close()
            elif event.kind == "reconnect":
                tunnel.unproved = bool(tunnel.exchange.verified.session_id)

    def reloaded(self, rules: Rules) -> None:
        """Have each credential judged as the new configuration knows it: its key or user may be gone from there.

        A route that is gone vouches for nobody.
        """
        routes = {route.name: route for route in rules.table.routes}
        for tunnel in list(self.open_ones):
            if tunnel.exchange.verified in (NOBODY, FOREIGN):
                continue
            route = routes.get(tunnel.exchange.route.name) if tunnel.exchange.route is not None else None
            if route is None:
                tunnel.close()
            else:
                tunnel.authenticator = route.authenticator
                tunnel.unproved = True

    def close_all(self) -> None:
        """The gateway stops."""
        for tunnel in list(self.open_ones):
            tunnel.close()


class Tunnel:
    """Two transports joined."""

    def __init__(
        self,
        tunnels: Tunnels,
        gate: "Gate",
        exchange: ForwardedExchange,
        fields: Fields,
        upstream: UpstreamConnection,
        rest: bytes,
    ) -> None:
        self.exchange = exchange
        self.unproved = bool(exchange.verified.session_id)
        """Its session may have ended unheard: at first between the decision and the upstream's 101."""
        assert exchange.route is not None, "who was let through has a route"
        self.authenticator = exchange.route.authenticator
        """Of the configuration in force."""
        self._tunnels = tunnels
        self._gate = gate
        client = exchange.client
        self._client, self._upstream = client.transport, upstream.transport
        exchange.status = 101
        exchange.answer_started = True
        client.deadline = float("inf")
        client_side, upstream_side = _Side(self, self._client), _Side(self, self._upstream)
        client_side.peer, upstream_side.peer = upstream_side, client_side
        self._client.set_protocol(client_side)
        self._upstream.set_protocol(upstream_side)
        actions = exchange.rules.answer_actions
        lines = [b"%b: %b\r\n" % field for field in fields if actions[field[0]] is None]
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._client.write(head + b"".join(lines) + b"\r\n" + rest)
        exchange.bytes_sent += len(rest)
        if exchange.early:
            self._upstream.write(exchange.early)
        self._client.resume_reading()

    def concerns(self, event: Invalidation) -> bool:
        """Whether `event` revokes the session or token this tunnel was opened with."""
        verified = self.exchange.verified
        identity = verified.identity
        match event.kind:
            case "session":
                return bool(verified.session_id) and event.session_id == verified.session_id
            case "token":
                return bool(verified.token_hash) and event.token_hash == verified.token_hash
            case "user":
                return (event.provider, event.user_id) == (identity.provider, identity.user_id)
            case "tenant":
                return bool(identity.tenant) and event.tenant == identity.tenant
            case "all":
                return bool(verified.session_id)
            case _:
                return False

    async def prove(self) -> None:
        """Ask whether the credential still is what it was; without an answer, again at the next sweep."""
        exchange = self.exchange
        try:
            verified = None if exchange.verified.session_id else self.authenticator.identify(exchange, anonymous=False)
            if not isinstance(verified, Verified):  # no API key
                verified = await self.authenticator.identify_cold(exchange)
        except StoreUnavailable:
            self.unproved = True
        except GatewayError:
            self.close()
        else:
            if verified.identity != exchange.verified.identity:
                self.close()  # it has other rights, or its cookie counts no more and what is left of the request passes
            exchange.verified = verified

    def close(self) -> None:
        """End both sides and observe the exchange."""
        if self in self._tunnels.open_ones:
            self._tunnels.open_ones.discard(self)
            for transport in (self._client, self._upstream):
                transport.close()  # once what was written has been read …
                if transport.get_write_buffer_size():
                    asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)  # … or not
            self._gate.client_disconnected(self.exchange.client)
            self.exchange.end()


class _Side(asyncio.Protocol):
    """Reads from one transport, writes to the other side's."""

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport) -> None:
        self._tunnel = tunnel
        self.transport = transport
        self.peer = cast("_Side", None)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def data_received(self, data: bytes) -> None:
        self.peer.transport.write(data)
        if self.peer.transport is self._tunnel.exchange.client.transport:
            self._tunnel.exchange.bytes_sent += len(data)

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
