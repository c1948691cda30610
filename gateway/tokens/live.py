"""What a token stands for at this moment: its bytes judged first, then the store, and the two compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import Reason
from gateway.model import Session, TokenKind
from gateway.state.records import FoundToken, Standing
from gateway.state.store import Store
from gateway.tokens.codec import is_jwt_shaped
from gateway.tokens.format import Recognised, TokenFormat
from gateway.tokens.opaque import token_hash

_REASONS = {Standing.REVOKED: Reason.REVOKED, Standing.EXPIRED: Reason.EXPIRED, Standing.UNKNOWN: Reason.UNKNOWN}


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A token that is valid now."""

    kind: TokenKind
    session: Session
    expires_at: float
    """Seconds since the epoch, never after the session's end; inf: none."""
    hash: str
    claims: Mapping[str, Any]
    """Of a JWT; empty for opaque tokens."""


def unrecognised(token: bytes) -> Reason:
    """Why no login recognised these bytes."""
    return Reason.BAD_SIGNATURE if is_jwt_shaped(token) else Reason.MALFORMED


async def live_token(
    store: Store, made_by: TokenFormat, token: bytes, recognised: Recognised, now: float
) -> LiveToken | Reason:
    """The token, if the store says the same of it as its bytes do. Raises StoreUnavailable."""
    asked = token_hash(token)
    found = await store.judge_token(asked)
    if not isinstance(found, FoundToken):
        return _REASONS[found]
    session, record = found.session, found.record
    # The first is for a reply that was another caller's (CVE-2023-28858).
    if record.hash != asked or record.kind is not recognised.kind:
        return Reason.UNKNOWN
    if session.login != made_by.login or not made_by.fits(recognised, session):
        return Reason.UNKNOWN
    expires_at = min(record.expires_at, session.absolute_expiry)
    return LiveToken(record.kind, session, expires_at, asked, recognised.claims) if now < expires_at else Reason.EXPIRED
