"""The line between the supervisor and one worker: JSON messages over a pair of sockets."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

Message = dict[str, Any]

LARGEST = 64 * 1024 * 1024
"""Bytes of one message: a configuration of 16 MiB fits, in base64."""
_LENGTH = 4


class Link(asyncio.Protocol):
    """One end. `receive` gets every message in order; `ended` is called once the other side is gone."""

    def __init__(self, receive: Callable[[Message], None], ended: Callable[[], None]) -> None:
        self._receive = receive
        self._ended = ended
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take messages apart: each is preceded by its length."""
        rest = self._rest + data if self._rest else data
        while len(rest) >= _LENGTH:
            end = _LENGTH + int.from_bytes(rest[:_LENGTH])
            if end > LARGEST:
                self.close()
                return
            if len(rest) < end:
                break
            message, rest = rest[_LENGTH:end], rest[end:]
            self._receive(json.loads(message))
        self._rest = rest

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The other side ended."""
        self._transport = None
        self._ended()

    def send(self, message: Message) -> None:
        """Queue a message; lost in silence when the other side is gone, of which `ended` tells."""
        if self._transport is not None:
            data = json.dumps(message, separators=(",", ":")).encode()
            self._transport.write(len(data).to_bytes(_LENGTH) + data)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
