"""iDempiere's JWTs: HS512, their header and claims to the byte; no iat, no jti, and no exp in a refresh token."""

from base64 import b64encode
from collections.abc import Mapping
from math import floor, inf
from secrets import token_hex
from typing import Any, Final

from gateway.dialects.idempiere.numbers import number_of, session_number, user_number
from gateway.model import Session, TokenKind
from gateway.tokens.codec import Jws, past
from gateway.tokens.format import Recognised
from gateway.tokens.keys import HMAC_BYTES, JwtKey, KeyRing
from gateway.tokens.login_tokens import MILLISECOND

ISSUER: Final = "idempiere.org"
KEY_ID: Final = "idempiere"
NO_WAREHOUSE: Final = "0"
"""What a session keeps where it has none: an ERP that is signed in to is told so, too."""
_ALGORITHM: Final = "HS512"
_ACCESS: Final = "idempiere access"
_REFRESH: Final = "idempiere refresh"


class IdempiereTokens:
    """A TokenFormat. Access and pre-auth tokens share a key, as their clients expect; a refresh token has another."""

    def __init__(self, ring: KeyRing) -> None:
        self.login = ring.login
        self._access = Jws(ring.hmac_keys(_ALGORITHM, _ACCESS), _header)
        self._refresh = Jws(ring.hmac_keys(_ALGORITHM, _REFRESH), _header)
        self._ring = ring

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:  # noqa: ARG002 - no iat
        """A token of `kind`. Nothing in one is random but a refresh token's jti."""
        if kind is TokenKind.REFRESH:
            return self._refresh.encode({"jti": token_hex(32), "iss": ISSUER})
        end = {} if expires_at == inf else {"exp": floor(expires_at + MILLISECOND)}
        known = _chosen(session) if kind is not TokenKind.PREAUTH else {}
        return self._access.encode({"sub": session.user, **_clients(session), **known, "iss": ISSUER, **end})

    def recognise(self, token: bytes, now: float) -> Recognised | None:
        """A refresh token by its key; a final one has a session, a pre-auth one has not."""
        claims = self._access.read(token)
        if claims is None:
            refresh = self._refresh.read(token)
            return None if refresh is None else Recognised(TokenKind.REFRESH, refresh)
        number = claims.get("AD_Session_ID")
        if number is None:
            return Recognised(TokenKind.PREAUTH, claims, past(claims, now))
        user_id = claims["sub"] if number % 2 else str(claims["AD_User_ID"])
        return Recognised(TokenKind.ACCESS, claims, past(claims, now), user_id)

    def is_ours(self, token: bytes) -> bool:
        """Signed by one of the login's keys, whatever it says."""
        return self._access.signed(token) or self._refresh.signed(token)

    def fits(self, recognised: Recognised, session: Session) -> bool:
        """AD_Session_ID is made of the session's id; the other tokens name none."""
        number = recognised.claims.get("AD_Session_ID")
        return number is None or number == session_number(session)

    def jwk(self) -> dict[str, Any]:
        """The secret of access tokens, as iDempiere shows it; those of refresh tokens never leave."""
        secrets = self._ring.secrets(f"jwt {_ALGORITHM} {_ACCESS}", HMAC_BYTES[_ALGORITHM])
        shown = [{"alg": _ALGORITHM, "k": b64encode(each).decode(), "kid": KEY_ID, "kty": "oct"} for each in secrets]
        return {"keys": shown}


def _header(_: JwtKey) -> Mapping[str, str]:
    return {"kid": KEY_ID, "alg": _ALGORITHM, "typ": "JWT"}


def _clients(session: Session) -> dict[str, Any]:
    clients = session.context.get("clients")
    return {"Clients": clients} if clients else {}


def _chosen(session: Session) -> dict[str, Any]:
    chosen = session.context
    warehouse = {} if chosen["warehouse"] == NO_WAREHOUSE else {"M_Warehouse_ID": number_of(chosen["warehouse"])}
    return {
        "AD_Client_ID": number_of(chosen["tenant"]),
        "AD_User_ID": user_number(session),
        "AD_Role_ID": number_of(chosen["role"]),
        "AD_Org_ID": number_of(chosen["organization"]),
        **warehouse,
        "AD_Language": chosen["language"],
        "AD_Session_ID": session_number(session),
    }
