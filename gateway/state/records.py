"""What the store reads and writes: token records, found tokens, rotations, and a session's JSON."""

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from math import inf
from typing import Any

from gateway.model import Session, TokenKind


class TokenKnown(Exception):
    """The store knows one of these tokens already, so nothing was written: issue other bytes."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is kept of one token: never its bytes."""

    hash: str
    """SHA-256 of the token's bytes, 64 lower-case hex digits."""
    kind: TokenKind
    expires_at: float = inf
    """Seconds since the epoch; inf lives as long as its session."""


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A live token and the session it belongs to."""

    record: TokenRecord
    session: Session


class Standing(Enum):
    """How a token stands that was looked up; only a refresh token can be told to be spent."""

    LIVE = "live"
    SPENT = "spent"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FoundRefresh:
    """A refresh token the store knows, spent ones included, and its session. `Store.rotate` alone decides."""

    hash: str
    session: Session
    standing: Standing


class Outcome(Enum):
    """What a rotation came to."""

    ROTATED = "rotated"
    REPLAYED = "replayed"
    """A second use within the grace: the first successor is the answer again."""
    REUSED = "reused"
    """A second use after the grace: theft. The session was revoked in the same step."""
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    UNSETTLED = "unsettled"
    """Another rotation of the token was a moment ago, and has not been settled: ask again soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One refresh, whole: what is spent, what takes its place, and the rules of the login."""

    session_id: str
    spent_hash: str
    successors: tuple[TokenRecord, ...]
    """The new access token, then the new refresh token where there is one."""
    now: float
    sealed: bytes = field(default=b"", repr=False)
    """The successor pair, readable to the holder of the spent token only; kept for `grace`."""
    grace: float = 0.0
    """Seconds from the first rotation in which a second use gets the same answer; 0: none."""
    unsettled: float = 0.0
    """Seconds in which a second use gets the same answer unless the rotation was settled; for a grace of 0."""
    rotate: bool = True
    """False: the refresh token stays live and only the new access token is added."""
    revoke_access: bool = False
    """Kill the access and URL tokens the session had before, in the same step."""
    session: Session | None = None
    """The session as it is from now on (roles, tenant, context as just looked up); None keeps it."""


@dataclass(frozen=True, slots=True)
class RotationResult:
    """The outcome, the sealed successor pair of a replay, and the session where there is one."""

    outcome: Outcome
    sealed: bytes = field(default=b"", repr=False)
    session: Session | None = None


def dump_session(session: Session) -> str:
    """Write a session as JSON; an infinite lifetime is null, because JSON has no infinity."""
    fields = asdict(session) | {"context": dict(session.context)}
    if session.absolute_expiry == inf:
        fields["absolute_expiry"] = None
    return json.dumps(fields, separators=(",", ":"))


def load_session(text: bytes) -> Session | None:
    """Read a session back; None for what is not one, since a record nobody can read opens nothing."""
    try:
        fields: dict[str, Any] = json.loads(text)
        expiry = fields["absolute_expiry"]
        return Session(
            id=fields["id"],
            login=fields["login"],
            provider=fields["provider"],
            user_id=fields["user_id"],
            user=fields["user"],
            created=float(fields["created"]),
            absolute_expiry=inf if expiry is None else float(expiry),
            roles=tuple(fields["roles"]),
            scopes=tuple(fields["scopes"]),
            tenant=fields["tenant"],
            client_id=fields["client_id"],
            context=fields["context"],
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
