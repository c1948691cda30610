"""Cookies on the wire: found, cut and written byte for byte (RFC 6265, sections 4.1 and 5.4)."""

from collections.abc import Callable
from email.utils import formatdate

from gateway.model import CookieRule, Headers


def cookie_values(header: bytes, name: bytes) -> list[bytes]:
    """All values of one cookie, in the order in which they came; a browser may hold several of one name."""
    if name not in header:
        return []
    return [value for each in header.split(b";") if (value := _value(each, name)) is not None]


def without_cookie(header: bytes, name: bytes, unwanted: Callable[[bytes], bool]) -> bytes | None:
    """The header without the cookies of that name whose value is unwanted; None where nothing is left.

    The bytes between the semicolons stay as they came, and the whole header where nothing is cut.
    """
    if name not in header:
        return header
    pairs = header.split(b";")
    kept = [each for each in pairs if (value := _value(each, name)) is None or not unwanted(value)]
    if len(kept) == len(pairs):
        return header
    return b";".join(kept).strip() or None


def set_cookie(rule: CookieRule, value: str, now: float) -> Headers:
    """The header that hands a cookie out; attributes in the order that werkzeug, and so Odoo, writes."""
    attributes = [
        f"{rule.name}={value}",
        f"Expires={formatdate(int(now) + rule.max_age, usegmt=True)}",
        f"Max-Age={rule.max_age}",
    ]
    if rule.secure:
        attributes.append("Secure")
    if rule.http_only:
        attributes.append("HttpOnly")
    attributes.append(f"Path={rule.path}")
    if rule.same_site:
        attributes.append(f"SameSite={rule.same_site}")
    return ((b"Set-Cookie", "; ".join(attributes).encode("ascii")),)


def _value(pair: bytes, name: bytes) -> bytes | None:
    found, equals, value = pair.partition(b"=")
    if not equals or found.strip() != name:
        return None
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[:1] == value[-1:] == b'"' else value
