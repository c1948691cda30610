"""The JWTs of an itempath login: the header and claims that Flask-JWT-Extended writes for ItemPath."""

import json
from collections.abc import Mapping
from math import floor, inf
from typing import Any, Final
from uuid import uuid4

from gateway.model import Session, TokenKind
from gateway.tokens.codec import Jws, past
from gateway.tokens.format import Recognised
from gateway.tokens.keys import JwtKey, KeyRing
from gateway.tokens.login_tokens import MILLISECOND

IDENTITY: Final = "identity"
"""JWT_IDENTITY_CLAIM of ItemPath; the library's default is `sub`."""
_ALGORITHM: Final = "HS256"
_TYPES: Final = {TokenKind.ACCESS: "access", TokenKind.REFRESH: "refresh", TokenKind.APPLICATION: "access"}
"""An application token is an access token without an end: here a key of its own tells it from all others."""


class ItemPathTokens:
    """A TokenFormat for access, refresh and application tokens; ItemPath knows no others."""

    def __init__(self, ring: KeyRing, *, alg_first: bool = False, csrf_claim: bool = False) -> None:
        """`alg_first`: the header as newer versions of PyJWT write it; `csrf_claim`: a claim as newer versions add."""
        self.login = ring.login
        self._csrf_claim = csrf_claim
        header = {"alg": _ALGORITHM, "typ": "JWT"} if alg_first else {"typ": "JWT", "alg": _ALGORITHM}

        def written(_: JwtKey) -> Mapping[str, str]:
            return header

        self._keys = {kind: Jws(ring.hmac_keys(_ALGORITHM, f"itempath {kind.value}"), written) for kind in _TYPES}

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:
        """A token of `kind`; an application token never has an end of its own."""
        begins = floor(now)
        claims: dict[str, Any] = {"fresh": False, "iat": begins, "jti": str(uuid4()), "type": _TYPES[kind]}
        claims |= {IDENTITY: session.user, "nbf": begins}
        if self._csrf_claim:
            claims["csrf"] = str(uuid4())
        if kind is not TokenKind.APPLICATION and expires_at < inf:
            claims["exp"] = floor(expires_at + MILLISECOND)
        # PyJWT escapes all that is not ASCII.
        return self._keys[kind].sign(json.dumps(claims, separators=(",", ":")).encode())

    def recognise(self, token: bytes, now: float) -> Recognised | None:
        """The kind is that of the key. Whose a token is, is the store's to say: a user may have got another name."""
        found = self._signed_as(token)
        if found is None or IDENTITY not in found[1]:
            return None
        kind, claims = found
        return Recognised(kind, claims, past(claims, now))

    def lacks_identity(self, token: bytes) -> bool:
        """Whether one of our keys signed this and it does not say whose it is."""
        found = self._signed_as(token)
        return found is not None and IDENTITY not in found[1]

    def is_ours(self, token: bytes) -> bool:
        """Signed by one of the login's keys, whatever it says."""
        return any(jws.signed(token) for jws in self._keys.values())

    def fits(self, recognised: Recognised, session: Session) -> bool:  # noqa: ARG002 - the seam's signature
        """A token names no session, and a user only by a name that may change."""
        return True

    def _signed_as(self, token: bytes) -> tuple[TokenKind, dict[str, Any]] | None:
        for kind, jws in self._keys.items():
            claims = jws.read(token)
            if claims is not None:
                return kind, claims
        return None
