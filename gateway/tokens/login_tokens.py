"""The gateway's own token format: RFC 9068 JWTs or opaque access tokens, all other kinds opaque."""

from dataclasses import dataclass
from math import floor, inf
from secrets import token_urlsafe
from typing import Any, Final

from gateway.model import Session, TokenKind
from gateway.tokens.codec import Codec, past
from gateway.tokens.format import Recognised
from gateway.tokens.keys import KeyRing
from gateway.tokens.opaque import OpaqueTokens, looks_ours
from gateway.tokens.policy import TokenPolicy
from gateway.tokens.session_id import public_id

MILLISECOND: Final = 0.001
"""A float sum may fall a hair short of the whole second that was meant."""


@dataclass(frozen=True, slots=True)
class LoginTokens:
    """A TokenFormat. Opaque tokens of all kinds are recognised, whatever the access tokens are written as now."""

    codec: Codec
    opaque: OpaqueTokens
    policy: TokenPolicy

    @classmethod
    def of(cls, ring: KeyRing, policy: TokenPolicy) -> "LoginTokens":
        """The login's tokens as its keys and its policy want them."""
        codec = Codec(ring, issuer=policy.issuer, audience=policy.audience)
        return cls(codec, OpaqueTokens(ring.mac_keys), policy)

    @property
    def login(self) -> str:
        """The login's name."""
        return self.codec.login

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:
        """A JWT where the policy wants one, which needs an end; otherwise random bytes. Raises GatewayError."""
        if kind is TokenKind.ACCESS and self.policy.format == "jwt" and expires_at < inf:
            return self.codec.encode(claims_of(session, self.policy, now, expires_at))
        return self.opaque.mint(kind)

    def recognise(self, token: bytes, now: float) -> Recognised | None:
        """What this login made and when its `exp` is over; None for all else."""
        kind = self.opaque.kind_of(token)
        if kind is not None:
            return Recognised(kind)
        claims = self.codec.read(token)
        if claims is None or not self.codec.accepts(claims, now):
            return None
        return Recognised(TokenKind.ACCESS, claims, past(claims, now), str(claims.get("sub", "")))

    def is_ours(self, token: bytes) -> bool:
        """Also what only looks like an opaque token: none but ours begin so."""
        return looks_ours(token) or self.codec.signed(token)

    def fits(self, recognised: Recognised, session: Session) -> bool:
        """The public session id in a JWT has to be that of its record's session; opaque tokens name none."""
        return not recognised.claims or recognised.claims.get("sid") == public_id(session.id)


def claims_of(session: Session, policy: TokenPolicy, now: float, expires_at: float) -> dict[str, Any]:
    """The claims of an access token (RFC 9068, section 2.2); whole seconds, as `expires_in` counts them."""
    claims: dict[str, Any] = {
        "iss": policy.issuer,
        "sub": session.user_id,
        "aud": policy.audience,
        "client_id": session.client_id or session.login,
        "iat": floor(now),
        "exp": floor(expires_at + MILLISECOND),
        "jti": token_urlsafe(16),
        "sid": public_id(session.id),
        "preferred_username": session.user,
        "scope": " ".join(session.scopes),
        "roles": list(session.roles),
    }
    return {**claims, "tenant": session.tenant} if session.tenant else claims
