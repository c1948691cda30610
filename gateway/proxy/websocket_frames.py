"""Where one WebSocket frame ends and the next begins (RFC 6455, section 5.2): what we say has to fit in between."""

import os

GOING_AWAY = 1001
"""The gateway stops."""
POLICY_VIOLATION = 1008
"""Who opened it may not any more."""

_CLOSE = 0x8
_LENGTH = 0x7F
_MASKED = 0x80


class Frames:
    """One direction of a tunnel. The bytes are only counted: what they say is between the two ends."""

    __slots__ = ("_head", "_left", "closed")

    def __init__(self) -> None:
        self._head = b""
        """Of the frame that is beginning."""
        self._left = 0
        """Bytes of the present frame that are still to come."""
        self.closed = False
        """A Close frame has gone by: nothing may follow it."""

    @property
    def between(self) -> bool:
        """No frame is under way."""
        return not self._left and not self._head

    def pass_on(self, data: bytes) -> None:
        """Some bytes have gone this way."""
        at, end = 0, len(data)
        while at < end:
            if self._left:
                taken = min(self._left, end - at)
                self._left -= taken
            else:
                taken = min(_head_size(self._head + data[at : at + 2]) - len(self._head), end - at)
                self._head += data[at : at + taken]
                if len(self._head) >= 2 and len(self._head) == _head_size(self._head):
                    self._begin(self._head)
                    self._head = b""
            at += taken

    def _begin(self, head: bytes) -> None:
        length = head[1] & _LENGTH
        if length > 125:
            length = int.from_bytes(head[2 : 4 if length == 126 else 10], "big")
        self._left = length
        self.closed = self.closed or head[0] & 0xF == _CLOSE


def _head_size(head: bytes) -> int:
    """Bytes of a frame's head, as far as its first two tell; without them, two."""
    if len(head) < 2:
        return 2
    length = head[1] & _LENGTH
    return 2 + (0 if length < 126 else 2 if length == 126 else 8) + (4 if head[1] & _MASKED else 0)


def close_frame(code: int, *, masked: bool) -> bytes:
    """A Close frame with a status code; masked as clients send it (RFC 6455, section 5.3)."""
    payload = code.to_bytes(2, "big")
    if not masked:
        return bytes((0x80 | _CLOSE, len(payload))) + payload
    mask = os.urandom(4)
    return (
        bytes((0x80 | _CLOSE, _MASKED | len(payload)))
        + mask
        + bytes(a ^ b for a, b in zip(payload, mask, strict=False))
    )
