"""One canonical path out of a raw request target, or a refusal: what is judged is what is sent."""

import re
from typing import NamedTuple

from gateway.errors import UnsafePath
from gateway.routing.readings import readings

# Segments of visible ASCII without `# % ; ? \`, none of them empty or dots alone. Possessive, so that time is linear.
_PLAIN = re.compile(
    rb"(?=/)(?:/(?!\.++(?:/|\Z))[\x21\x22\x24\x26-\x2e\x30-\x3a\x3c-\x3e\x40-\x5b\x5d-\x7e]++)*+/?"
).fullmatch
_QUERY = re.compile(rb"[\x21\x22\x24-\x7e]*+").fullmatch
_ABSOLUTE = re.compile(rb"https?://([^/?#@\\]+)((?:[/?].*)?)", re.IGNORECASE | re.DOTALL)
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3

_REFUSALS = {
    "byte": (rb"[^\x21-\x7e]", "a byte outside 0x21-0x7e"),
    "delimiter": (rb"[#?]", "a raw # or ?"),
    "backslash": (rb"\\|%5[Cc]", "a backslash"),
    "escape": (rb"%(?![0-9A-Fa-f]{2})", "a bad escape"),
    "control": (rb"%(?:[01][0-9A-Fa-f]|7[Ff])", "an escaped control byte"),
    "empty": (rb"//", "an empty segment"),
    "relative": (rb"\A(?!/)", "no leading slash"),
}
_REFUSED = re.compile(b"|".join(b"(?P<%b>%b)" % (name.encode(), rule) for name, (rule, _) in _REFUSALS.items()))

_MARKS = (("slash", b"%2F"), ("percent", b"%25"), ("semicolon", b"%3B"), ("semicolon", b";"))
_NONE: frozenset[str] = frozenset()


class Canonical(NamedTuple):
    """A path in the one spelling that is judged and sent, and how an ERP may read it."""

    path: bytes
    """Escapes of unreserved characters decoded, all others in upper case (RFC 3986, section 6.2.2)."""
    encoded: frozenset[str]
    """Which of slash, percent and semicolon it carries; a route has to allow each of them."""
    readings: tuple[bytes, ...]
    """Decoded once comes first; then every other text an ERP may make of it. Most paths have one reading."""


def split_target(target: bytes, authority: bytes = b"") -> tuple[bytes, bytes]:
    """Raw path and raw query (without its `?`) of a request target; `canonical` judges the path.

    Origin-form, and absolute-form for `authority`, the value of the Host header (RFC 9112, section 3.2). Raises
    UnsafePath for asterisk-form, authority-form, another authority, and a query with `#` or bytes outside 0x21-0x7e.
    """
    if target[:1] != b"/":
        target = _origin_form(target, authority)
    path, mark, query = target.partition(b"?")
    if mark and _QUERY(query) is None:
        raise UnsafePath("the query has a # or a byte outside 0x21-0x7e")
    return path, query


def canonical(path: bytes) -> Canonical:
    """The canonical spelling of a raw path. Raises UnsafePath for what an ERP could read differently."""
    if _PLAIN(path):
        return Canonical(path, _NONE, (path,))
    if found := _REFUSED.search(path):
        raise UnsafePath("the path has " + _REFUSALS[str(found.lastgroup)][1])
    path = _ESCAPE.sub(lambda escape: _SPELLINGS[escape[0].upper()], path)
    if _PLAIN(path):
        return Canonical(path, _NONE, (path,))
    encoded = frozenset(name for name, mark in _MARKS if mark in path)
    return Canonical(path, encoded, readings(path))


def strip_prefix(path: bytes, prefix: bytes) -> bytes:
    """What is left of a canonical path below a canonical prefix, `/` for nothing; it is canonical again.

    Cut only at the end of a segment. Raises UnsafePath where the path spells the prefix in another way (`%24` for `$`),
    and where only the cut makes the rest ambiguous: `/a/%2Fhost` becomes `/%2Fhost` (GHSA-6jwx-7vp4-9847).
    """
    if not path.startswith(prefix) or path[len(prefix) : len(prefix) + 1] not in (b"", b"/"):
        raise UnsafePath("the path is not below the prefix to strip")
    return canonical(path[len(prefix) :] or b"/").path


def _origin_form(target: bytes, authority: bytes) -> bytes:
    parts = _ABSOLUTE.fullmatch(target)
    if parts is None:
        raise UnsafePath("the target is neither origin-form nor absolute-form")
    if parts[1].lower() != authority.lower():
        raise UnsafePath("absolute-form for another authority than Host says")
    rest: bytes = parts[2]
    return rest if rest.startswith(b"/") else b"/" + rest  # an empty path is `/` (RFC 9110, section 4.2.3)


_SPELLINGS = {b"%%%02X" % code: bytes((code,)) if code in _UNRESERVED else b"%%%02X" % code for code in range(256)}
