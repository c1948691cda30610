"""The signed assertion: a short JWT about the caller that an ERP can verify by our published keys."""

from collections.abc import Callable
from secrets import token_urlsafe

from gateway.model import Clock, Identity
from gateway.tokens.codec import Codec
from gateway.tokens.keys import JwtKey, KeyRing

TYPE = "JWT"
"""Unlike the `at+jwt` of access tokens: an assertion that comes back as a credential is none."""


def sign_with(key: JwtKey, *, issuer: str, audience: str, ttl: float, clock: Clock) -> Callable[[Identity], str]:
    """A function that makes assertions for one upstream; `ttl` in seconds."""
    codec = Codec(KeyRing("", (key,), ()), issuer=issuer, audience=audience, typ=TYPE)

    def sign(identity: Identity) -> str:
        now = int(clock())
        return codec.encode(
            {
                "iss": issuer,
                "sub": identity.user_id,
                "aud": audience,
                "iat": now,
                "exp": now + max(1, int(ttl)),
                "jti": token_urlsafe(12),
                "name": identity.user,
                "provider": identity.provider,
                "login": identity.login,
                "roles": sorted(identity.roles),
                "scope": " ".join(sorted(identity.scopes)),
                "tenant": identity.tenant,
                "method": identity.method,
            }
        )

    return sign
