"""Issues the tokens of one login's sessions: opens, rotates, looks up and ends them by the login's policy."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from math import floor, inf
from secrets import token_urlsafe
from typing import Any, Final, TypeVar

from gateway.errors import Unavailable
from gateway.model import Clock, Session, TokenKind, TokenPair
from gateway.state.records import FoundRefresh, Outcome, Rotation, TokenKnown, TokenRecord
from gateway.state.store import Store
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.opaque import token_hash
from gateway.tokens.policy import TokenPolicy
from gateway.tokens.sealing import Successors, seal, unseal
from gateway.tokens.session_id import new_session_id, public_id
from gateway.tokens.unanswered import Attempt, Unanswered

_ATTEMPTS: Final = 3
"""Other bytes are made when the store knows the first ones; a second collision of 128 random bits is a broken RNG."""
_MILLISECOND: Final = 0.001

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of a refresh; the pair is there when it was rotated or replayed."""

    outcome: Outcome
    pair: TokenPair | None = None


@dataclass(frozen=True, slots=True)
class Introspection:
    """A live token, as RFC 7662 tells of it."""

    session: Session
    kind: TokenKind
    expires_at: float
    """Seconds since the epoch; inf: with the session."""
    issuer: str
    audience: str
    issued_at: int | None = None
    """Known of JWTs only."""
    jti: str = ""

    @property
    def exp(self) -> int | None:
        """The whole second that a JWT of this life would carry; None: no end of its own."""
        return None if self.expires_at == inf else floor(self.expires_at + _MILLISECOND)

    @property
    def token_type(self) -> str:
        """How an access token is used; refresh tokens have no type (RFC 6749, section 7.1)."""
        return "Bearer" if self.kind is TokenKind.ACCESS else ""


class Issuer:
    """The tokens of one login. Every method that asks the store raises StoreUnavailable."""

    def __init__(self, store: Store, tokens: LoginTokens, policy: TokenPolicy, clock: Clock) -> None:
        self.store = store
        self.policy = policy
        self.login = tokens.login
        self._tokens = tokens
        self._clock = clock
        self._unanswered = Unanswered()

    async def open(self, session: Session, *, refresh: bool = True) -> TokenPair:
        """Store the session with its first tokens. Without a refresh token it ends with its access token."""
        with_refresh = refresh and self.policy.refresh_ttl > 0
        if not with_refresh:
            end = min(session.absolute_expiry, session.created + self.policy.access_ttl)
            session = replace(session, absolute_expiry=end)

        async def attempt() -> TokenPair:
            now = self._clock()
            made = self._make(session, now, refresh=with_refresh)
            await self.store.open_session(session, self._records(made, session, now))
            return _pair(session, made, now)

        return await _with_new_bytes(attempt)

    async def find_refresh(self, token: str) -> FoundRefresh | None:
        """The session of a refresh token of this login, spent ones included. Garbage costs no round trip."""
        raw = token.encode()
        if self._tokens.opaque.kind_of(raw) is not TokenKind.REFRESH:
            return None
        found = await self.store.find_refresh(token_hash(raw))
        return found if found is not None and found.session.login == self.login else None

    async def rotate(self, spent: str, session: Session) -> Refreshed:
        """Spend a refresh token for successors in one step; `session` is how it stands from now on."""

        async def once() -> Refreshed:
            now = self._clock()
            attempt = self._attempt(spent, session, now)
            with self._unanswered.until_answered(attempt):
                result = await self.store.rotate(attempt.rotation)
            if result.outcome is Outcome.ROTATED:
                return Refreshed(Outcome.ROTATED, _pair(session, attempt.successors, now))
            if result.outcome is Outcome.REPLAYED:
                first = unseal(result.sealed, spent, session.id)
                if first is not None:
                    return Refreshed(Outcome.REPLAYED, _pair(result.session or session, first, now))
                return Refreshed(Outcome.UNKNOWN)
            return Refreshed(result.outcome)

        return await _with_new_bytes(once)

    async def introspect(self, token: str) -> Introspection | None:
        """What a live access or refresh token of this login stands for."""
        raw = token.encode()
        known = self._tokens.recognise(raw, self._clock())
        if known is None:
            return None
        kind, claims = known
        asked = token_hash(raw)
        found = await self.store.find_token(asked)
        if found is None or found.record.hash != asked or found.record.kind is not kind:
            return None
        expires_at = min(found.record.expires_at, found.session.absolute_expiry)
        if found.session.login != self.login or self._clock() >= expires_at:
            return None
        return Introspection(
            session=found.session,
            kind=kind,
            expires_at=expires_at,
            issuer=self.policy.issuer,
            audience=self.policy.audience,
            issued_at=claims.get("iat"),
            jti=claims.get("jti", ""),
        )

    async def revoke_access(self, token: str) -> bool:
        """End one access token alone; False: it was not live."""
        return await self.store.revoke_token(token_hash(token.encode()))

    def new_session(self, **facts: Any) -> Session:
        """A session of this login that begins now, under an id never used before (no fixation)."""
        now = self._clock()
        return Session(
            id=new_session_id(),
            login=self.login,
            created=now,
            absolute_expiry=self.policy.session_end(now),
            **facts,
        )

    def _attempt(self, spent: str, session: Session, now: float) -> Attempt:
        """The rotation of a token: the very same as before where an answer was lost, else a new one."""
        spent_hash = token_hash(spent.encode())
        lost = self._unanswered.recall(spent_hash)
        if lost is not None:
            return Attempt(replace(lost.rotation, now=now), lost.successors)
        made = self._make(session, now, refresh=self.policy.rotate)
        rotation = Rotation(
            session_id=session.id,
            spent_hash=spent_hash,
            successors=self._records(made, session, now),
            now=now,
            sealed=seal(made, spent, session.id),
            grace=self.policy.grace,
            rotate=self.policy.rotate,
            revoke_access=self.policy.revoke_access,
            session=session,
        )
        return Attempt(rotation, made)

    def _make(self, session: Session, now: float, *, refresh: bool) -> Successors:
        expires_at = min(now + self.policy.access_ttl, session.absolute_expiry)
        if self.policy.format == "jwt":
            access = self._tokens.codec.encode(claims_of(session, self.policy, now, expires_at))
        else:
            access = self._tokens.opaque.mint(TokenKind.ACCESS)
        return Successors(access, expires_at, self._tokens.opaque.mint(TokenKind.REFRESH) if refresh else "")

    def _records(self, made: Successors, session: Session, now: float) -> tuple[TokenRecord, ...]:
        access = TokenRecord(token_hash(made.access_token.encode()), TokenKind.ACCESS, made.access_expires_at)
        if not made.refresh_token:
            return (access,)
        born = now if self.policy.sliding else session.created
        end = min(born + self.policy.refresh_ttl, session.absolute_expiry)
        return access, TokenRecord(token_hash(made.refresh_token.encode()), TokenKind.REFRESH, end)


def claims_of(session: Session, policy: TokenPolicy, now: float, expires_at: float) -> dict[str, Any]:
    """The claims of an access token (RFC 9068, section 2.2); whole seconds, as `expires_in` counts them."""
    claims: dict[str, Any] = {
        "iss": policy.issuer,
        "sub": session.user_id,
        "aud": policy.audience,
        "client_id": session.client_id or session.login,
        "iat": floor(now),
        "exp": floor(expires_at + _MILLISECOND),
        "jti": token_urlsafe(16),
        "sid": public_id(session.id),
        "preferred_username": session.user,
        "scope": " ".join(session.scopes),
        "roles": list(session.roles),
    }
    return {**claims, "tenant": session.tenant} if session.tenant else claims


def _pair(session: Session, made: Successors, now: float) -> TokenPair:
    # A float sum may fall a hair short of the whole second that was meant.
    left = max(0, floor(made.access_expires_at - now + _MILLISECOND))
    return TokenPair(session, made.access_token, left, made.refresh_token)


async def _with_new_bytes(attempt: Callable[[], Awaitable[T]]) -> T:
    for _ in range(_ATTEMPTS):
        try:
            return await attempt()
        except TokenKnown:
            continue
    raise Unavailable("the store knows every token that was made")
