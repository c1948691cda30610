"""The tokens of a jdx login: opaque, or JWTs whose claims are those four of the JDX documentation."""

import json
from collections.abc import Mapping
from math import floor, inf
from secrets import choice
from typing import Any, Final, Literal

from gateway.model import Session, TokenKind
from gateway.tokens.codec import Jws, past
from gateway.tokens.format import Recognised
from gateway.tokens.keys import JwtKey, KeyRing
from gateway.tokens.login_tokens import MILLISECOND
from gateway.tokens.opaque import OpaqueTokens, looks_ours

TOKEN_FORMAT: Final = "token_format"  # noqa: S105 - the parameter's name, and its key in Session.context
_ALGORITHM: Final = "HS256"
_BLANKS: Final = " \t\n\r"
_BLANK_COUNT: Final = 16


class JdxTokens:
    """A TokenFormat. What a session asked for by `token_format` overrules what the login is set to."""

    def __init__(self, ring: KeyRing, written: Literal["jwt", "opaque"], database: str) -> None:
        """`written`: how access tokens look where the client asks for nothing; `database`: the claim `db`."""
        self.login = ring.login
        self._jws = Jws(ring.hmac_keys(_ALGORITHM, "jdx access"), _header)
        self._opaque = OpaqueTokens(ring.mac_keys)
        self._written = written
        self._database = database

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:
        """A JWT where the session asked for one, otherwise random bytes."""
        if kind is not TokenKind.ACCESS or session.context.get(TOKEN_FORMAT, self._written) != "jwt":
            return self._opaque.mint(kind)
        claims: dict[str, Any] = {"sub": session.user_id, "db": self._database}
        if expires_at < inf:
            claims["exp"] = floor(expires_at + MILLISECOND)
        claims["iat"] = floor(now)
        # Nothing in the documented claims tells two tokens of one second apart: white space does, which JSON ignores.
        blanks = "".join(choice(_BLANKS) for _ in range(_BLANK_COUNT))
        return self._jws.sign((json.dumps(claims, separators=(",", ":"), ensure_ascii=False) + blanks).encode())

    def recognise(self, token: bytes, now: float) -> Recognised | None:
        """Tokens of both kinds, whatever the login writes now."""
        kind = self._opaque.kind_of(token)
        if kind is not None:
            return Recognised(kind)
        claims = self._jws.read(token)
        if claims is None:
            return None
        return Recognised(TokenKind.ACCESS, claims, past(claims, now), str(claims.get("sub", "")))

    def is_ours(self, token: bytes) -> bool:
        """Also what only looks like an opaque token: none but ours begin so."""
        return looks_ours(token) or self._jws.signed(token)

    def fits(self, recognised: Recognised, session: Session) -> bool:
        """`sub` has to be the session's user."""
        return not recognised.claims or recognised.claims.get("sub") == session.user_id


def _header(_: JwtKey) -> Mapping[str, str]:
    return {"alg": _ALGORITHM, "typ": "JWT"}
