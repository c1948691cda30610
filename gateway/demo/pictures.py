"""Product pictures: real PNG files drawn from a number, with nothing but zlib and struct."""

import colorsys
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator

SIZE = 64
"""Width and height in pixels."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUECOLOUR = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB, not interlaced

_PATTERNS: tuple[Callable[[int, int], bool], ...] = (
    lambda x, y: (x // 8 + y // 8) % 2 == 0,  # chequers
    lambda x, y: (x + y) // 8 % 2 == 0,  # slanted stripes
    lambda x, y: (x - 32) ** 2 + (y - 32) ** 2 < 26**2,  # a disc
    lambda x, y: abs(x - 32) + abs(y - 32) < 28,  # a diamond
    lambda x, y: ((x - 32) ** 2 + (y - 32) ** 2) // 128 % 2 == 0,  # rings
)


def picture(number: int) -> bytes:
    """The PNG of a product: the same number always gives the same bytes, another number another picture."""
    return _SIGNATURE + b"".join(
        (_chunk(b"IHDR", _TRUECOLOUR), _chunk(b"IDAT", zlib.compress(b"".join(_rows(number)), 9)), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Length, kind, data and CRC of kind and data (PNG specification, section 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _rows(number: int) -> Iterator[bytes]:
    ink, paper = _colours(number)
    inked = _PATTERNS[number % len(_PATTERNS)]
    for y in range(SIZE):
        # Filter type 0 in front of each line: the bytes as they are (section 9.2).
        yield b"\0" + b"".join(ink if inked(x, y) else paper for x in range(SIZE))


def _colours(number: int) -> tuple[bytes, bytes]:
    """A dark and a light colour; the golden angle keeps neighbours apart."""
    hue = number * 0.618034 % 1.0
    return _rgb(colorsys.hsv_to_rgb(hue, 0.8, 0.7)), _rgb(colorsys.hsv_to_rgb(hue, 0.15, 1.0))


def _rgb(channels: Iterable[float]) -> bytes:
    return bytes(round(channel * 255) for channel in channels)
