"""`?access_token=` in a query, a form or a Referer: found by its decoded name and cut, all other bytes as they came.

RFC 6750 section 2.3 and 5.3. Pure functions; whether a value is ours is asked of the caller.
"""

from collections.abc import Callable, Container
from urllib.parse import unquote_to_bytes

NAME = b"access_token"
SESSION = b"session_id"
"""No credential here, but old clients of Odoo put the id of their session there: ours is not the ERP's to see."""
MAX_FORM = 64 * 1024
"""Bytes of an urlencoded form that is searched for the token."""

IsOurs = Callable[[bytes], bool]


def may_carry(query: bytes) -> bool:
    """A cheap first look: False only where no parameter of `query` can decode to one of the names."""
    return NAME in query or SESSION in query or b"%" in query


def values(query: bytes) -> list[bytes]:
    """The decoded value of every access_token parameter, in order."""
    return [_decoded(pair.partition(b"=")[2]) for pair in query.split(b"&") if _name(pair) == NAME]


def cut(query: bytes, is_ours: IsOurs, names: Container[bytes] = (NAME, SESSION)) -> bytes:
    """`query` without the parameters of these names whose value is ours; the other bytes stay as they are."""
    pairs = query.split(b"&")
    kept = [pair for pair in pairs if not (_name(pair) in names and is_ours(_decoded(pair.partition(b"=")[2])))]
    return query if len(kept) == len(pairs) else b"&".join(kept)


def cut_from_referer(referer: bytes, is_ours: IsOurs) -> bytes:
    """The Referer without our tokens in its query or fragment."""
    if not may_carry(referer):
        return referer
    address, fragment_mark, fragment = referer.partition(b"#")
    path, query_mark, query = address.partition(b"?")
    if query_mark:
        query = cut(query, is_ours)
    if fragment_mark:
        fragment = cut(fragment, is_ours)
    result = path + (query_mark + query if query else b"")
    return result + (fragment_mark + fragment if fragment else b"")


def _name(pair: bytes) -> bytes:
    return _decoded(pair.partition(b"=")[0])


def _decoded(value: bytes) -> bytes:
    return unquote_to_bytes(value) if b"%" in value else value
