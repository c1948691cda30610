"""How the tokens of one login are written and recognised: its JWT codec beside its opaque shapes."""

from dataclasses import dataclass
from typing import Any

from gateway.model import TokenKind
from gateway.tokens.codec import Codec
from gateway.tokens.keys import KeyRing
from gateway.tokens.opaque import OpaqueTokens
from gateway.tokens.policy import TokenPolicy


@dataclass(frozen=True, slots=True)
class LoginTokens:
    """The two spellings of a login's tokens; refresh tokens are always opaque."""

    codec: Codec
    opaque: OpaqueTokens

    @classmethod
    def of(cls, ring: KeyRing, policy: TokenPolicy) -> "LoginTokens":
        """The login's tokens as its keys and its policy want them."""
        codec = Codec(ring, issuer=policy.issuer, audience=policy.audience)
        return cls(codec, OpaqueTokens(ring.mac_keys))

    @property
    def login(self) -> str:
        """The login's name."""
        return self.codec.login

    def recognise(self, token: bytes, now: float) -> tuple[TokenKind, dict[str, Any]] | None:
        """Kind and claims (opaque tokens have none) of what this login made; None for all else. No store is asked."""
        kind = self.opaque.kind_of(token)
        if kind is not None:
            return kind, {}
        claims = self.codec.decode(token, now)
        return None if claims is None else (TokenKind.ACCESS, claims)
