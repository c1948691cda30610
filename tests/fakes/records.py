"""Sessions and token records as tests need them: short names in, whole records out."""

from hashlib import sha256

from gateway.model import Session, TokenKind
from gateway.state.records import Rotation, TokenRecord


def digest(name):
    return sha256(name.encode()).hexdigest()


def session(session_id, clock, **fields):
    fields = {"provider": "staff", "user_id": "101", "user": "GardenAdmin", "tenant": "GardenWorld", **fields}
    return Session(id=session_id, login="native", created=clock(), roles=("sales",), **fields)


def access(name, clock, life=900.0):
    return TokenRecord(digest(name), TokenKind.ACCESS, clock() + life)


def refresh(name, clock, life=86400.0):
    return TokenRecord(digest(name), TokenKind.REFRESH, clock() + life)


def rotation(session_id, spent, name, clock, **rules):
    """Spend the refresh token `spent` for the pair `name`.access and `name`.refresh."""
    pair = (access(f"{name}.access", clock), refresh(f"{name}.refresh", clock))
    rules = {"successors": pair, "sealed": f"sealed {name}".encode(), "now": clock(), "grace": 10.0, **rules}
    return Rotation(session_id=session_id, spent_hash=digest(spent), **rules)
