"""The whole numbers that iDempiere's clients expect for ids, whatever an identity provider calls its things."""

import re
from hashlib import sha256
from typing import Final

from gateway.model import Session

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_MOST: Final = 2**31
"""Ids are Java's int."""
_FIRST_MADE: Final = 1_000_000
"""iDempiere gives the ids below to what it ships."""


def number_of(key: str) -> int:
    """The id itself where it is a number, else one made of it, always the same, that says nothing of it."""
    return int(key) if is_number(key) else _made("id", key)


def is_number(key: str) -> bool:
    """Whether an id can be shown as it is."""
    return _DECIMAL.fullmatch(key) is not None and int(key) < _MOST


def user_number(session: Session) -> int:
    """AD_User_ID: what the ERP said, or the user's id."""
    told = session.context.get("user")
    return told if isinstance(told, int) else number_of(session.user_id)


def session_number(session: Session) -> int:
    """AD_Session_ID: made of the session's id, which it does not tell.

    It is odd where the user's id is the user name: so an expired token, which no record remembers, tells whose session
    it was (`sub` or AD_User_ID).
    """
    return _made("AD_Session_ID", session.id) & ~1 | (session.user_id == session.user)


def _made(what: str, text: str) -> int:
    digest = sha256(f"{what}\0{text}".encode()).digest()
    return _FIRST_MADE + int.from_bytes(digest[:8], "big") % (_MOST - 1 - _FIRST_MADE)
