"""Every text that an ERP may make of a canonical path, so that the router can ask whether they all mean the same."""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from gateway.errors import UnsafePath

_ORDINARY_ESCAPE = re.compile(rb"%(?!2F|25|3B)([0-9A-F]{2})")
_PARAMETERS = re.compile(r";[^/]*+")
_SLASHES = re.compile(r"//+")
# Windows code pages fold these to `/` and `\` (best fit), NFKC does not.
_BEST_FIT = str.maketrans({"\u2044": "/", "\u2215": "/", "\u2216": "/", "\\": "/"})

# In no reading: control characters, a backslash, an authority (`//x` taken for a host, CVE-2026-26205), a segment of
# dots (with the blanks that Windows cuts off, or the `;x` that servlets cut off), or IIS's own %uXXXX.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]|\A//|[/;] *+\.[. ]*+(?=[/;?#]|\Z)|%[uU][0-9A-Fa-f]{4}")

_AMBIGUOUS = re.compile(r"[%;?#\x80-\U0010ffff]")  # without these no habit changes a canonical path

_MOST = 16
"""A path that can be read in more ways than this is an attack; each further layer of escapes adds one."""
_LONGEST_FOLDED = 2048
"""Characters: NFKC sorts combining marks, which costs the square of how many stand together."""


def readings(path: bytes) -> tuple[bytes, ...]:
    """The path decoded once (`/ % ;` stay escaped), then what any sequence of back-end habits makes of it.

    `path` is canonical in its escapes. Raises UnsafePath where a reading is not UTF-8, climbs, or has no end.
    """
    first = _utf8(_ORDINARY_ESCAPE.sub(lambda escape: bytes((int(escape[1], 16),)), path))
    found = [_checked(first)]
    if not _AMBIGUOUS.search(first):
        return (first.encode(),)
    for reading in found:
        for habit in _HABITS:
            other = habit(reading)
            if other not in found:
                found.append(_checked(other))
        if len(found) > _MOST:
            raise UnsafePath("the path can be read in too many ways")
    return tuple(reading.encode() for reading in found)


def _checked(reading: str) -> str:
    if _UNSAFE.search(reading):
        raise UnsafePath("the path can be read as one with dot segments, control bytes or an authority")
    return reading


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise UnsafePath("the path can be read as bytes that are not UTF-8") from exc


def _decode_again(reading: str) -> str:
    return _utf8(unquote_to_bytes(reading)) if "%" in reading else reading


def _cut_parameters(reading: str) -> str:
    """Servlet containers drop `;name=value` from every segment before they map it."""
    return _PARAMETERS.sub("", reading) if ";" in reading else reading


def _merge_slashes(reading: str) -> str:
    return _SLASHES.sub("/", reading)


def _cut_query(reading: str) -> str:
    """Whoever decodes first and splits later ends the path at what was `%3F` or `%23`."""
    return reading.partition("?")[0].partition("#")[0]


def _fold(reading: str) -> str:
    """Compatibility forms (full-width `/` and `.`) become ASCII in Windows code pages and in NFKC."""
    if reading.isascii():
        return reading
    if len(reading) > _LONGEST_FOLDED:
        raise UnsafePath("a path beyond ASCII that is longer than any real one")
    return unicodedata.normalize("NFKC", reading).translate(_BEST_FIT)


_HABITS: tuple[Callable[[str], str], ...] = (_decode_again, _cut_parameters, _merge_slashes, _cut_query, _fold)
