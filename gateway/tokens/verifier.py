"""The cold path of a credential: shape and signature first, then the store, then the cache."""

from collections.abc import Sequence
from typing import Any

from gateway.model import Clock, Identity, Session, TokenKind
from gateway.state.store import Store
from gateway.tokens.cache import Verified, VerifiedTokens
from gateway.tokens.codec import Codec, MalformedToken, is_signed_by, parse_claims, split
from gateway.tokens.keys import JwtKey
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.opaque import looks_ours, token_hash
from gateway.tokens.session_id import public_id


class TokenVerifier:
    """Judges access tokens of all logins. One for the whole gateway."""

    def __init__(self, store: Store, cache: VerifiedTokens, clock: Clock, logins: Sequence[LoginTokens]) -> None:
        self._store = store
        self._cache = cache
        self._clock = clock
        self._logins = tuple(logins)
        # Logins share headers (their kids) and asymmetric keys: each signature is checked once per key, not per login.
        self._codecs: dict[bytes, dict[JwtKey, list[Codec]]] = {}
        for login in logins:
            for header, key in login.codec.keys.items():
                self._codecs.setdefault(header, {}).setdefault(key, []).append(login.codec)
        self._keys = {header: tuple(keys) for header, keys in self._codecs.items()}

    def is_ours(self, token: bytes) -> bool:
        """Whether we made this value, valid or not; no store is asked."""
        return looks_ours(token) or is_signed_by(token, self._keys)

    async def verify(self, token: bytes) -> Verified | None:
        """What the token stands for, or None if it is not a valid access token. Raises StoreUnavailable."""
        login, public_session = self._signed_for(token)
        if not login:
            return None
        generation = self._cache.generation
        asked = token_hash(token)
        found = await self._store.find_token(asked)
        if found is None or found.record.hash != asked:
            # The second half is for a reply that was another caller's (CVE-2023-28858).
            return None
        session = found.session
        if found.record.kind is not TokenKind.ACCESS or session.login != login:
            return None
        if public_session and public_id(session.id) != public_session:
            return None
        expires_at = min(found.record.expires_at, session.absolute_expiry)
        if self._clock() >= expires_at:
            return None
        verified = Verified(identity_of(session), expires_at, session.id, asked)
        self._cache.put(token, verified, generation)
        return verified

    def _signed_for(self, token: bytes) -> tuple[str, str]:
        """The login whose keys made the token, and the public session id it names (opaque ones name none)."""
        if token.startswith(b"gwa_"):
            kinds = ((login.login, login.opaque.kind_of(token)) for login in self._logins)
            return next((name for name, kind in kinds if kind is TokenKind.ACCESS), ""), ""
        claims, codec = self._signed_claims(token)
        if codec is None:
            return "", ""
        return codec.login, str(claims.get("sid", "-"))

    def _signed_claims(self, token: bytes) -> tuple[dict[str, Any], Codec | None]:
        try:
            segments = split(token)
            for key, codecs in self._codecs.get(segments.header, {}).items():
                if key.verify(segments.signing_input, segments.signature):
                    claims = parse_claims(segments.payload)
                    now = self._clock()
                    return claims, next((codec for codec in codecs if codec.accepts(claims, now)), None)
        except MalformedToken:
            pass
        return {}, None


def identity_of(session: Session) -> Identity:
    """Who a session's access token speaks for."""
    return Identity(
        provider=session.provider,
        user_id=session.user_id,
        user=session.user,
        method="bearer",
        roles=frozenset(session.roles),
        scopes=frozenset(session.scopes),
        tenant=session.tenant,
        login=session.login,
        client_id=session.client_id,
        session_id=session.id,
    )
