"""A login's rules as data: lifetimes, rotation, grace, and what a refresh kills."""

from dataclasses import dataclass
from math import inf
from typing import Literal


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """All times in seconds. The defaults are those of the `native` and `oauth2` dialects."""

    issuer: str
    """iss of JWTs: public_url and the login's path (RFC 8414)."""
    audience: str
    """aud of JWTs."""
    format: Literal["jwt", "opaque"] = "jwt"
    """How access tokens are written; refresh tokens are always opaque."""
    access_ttl: float = 900.0
    refresh_ttl: float = 30 * 86400.0
    """0: no refresh tokens."""
    absolute_ttl: float = 90 * 86400.0
    """The session's end, whatever happens; inf: none."""
    sliding: bool = True
    """Every refresh token lives refresh_ttl from its own birth; otherwise from the login's."""
    rotate: bool = True
    """A refresh spends its token and hands out another; otherwise the refresh token stays."""
    grace: float = 10.0
    """For so long after the first use a second one gets the very same successors; 0: a second use is a breach."""
    revoke_access: bool = False
    """A refresh kills the session's earlier access tokens."""
    sliding_access: bool = False
    """An opaque access token lives access_ttl from its last use, and does not end its session without a refresh token;
    a JWT has its end written in it and slides nowhere."""

    def session_end(self, now: float) -> float:
        """When a session opened now ends for good, in epoch seconds; inf: never."""
        return now + self.absolute_ttl if self.absolute_ttl else inf
