"""Issues the tokens of one login's sessions: opens, rotates, looks up and ends them by the login's policy."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from math import floor, inf
from secrets import randbelow
from time import monotonic
from typing import Any, Final, TypeVar

from gateway.errors import Reason, StoreUnavailable, Unavailable
from gateway.model import Clock, Session, TokenKind, TokenPair
from gateway.state.records import FoundRefresh, FoundToken, Outcome, Rotation, RotationResult, TokenKnown, TokenRecord
from gateway.state.store import Store
from gateway.tokens.format import Recognised, TokenFormat
from gateway.tokens.live import LiveToken, live_token, unrecognised
from gateway.tokens.login_tokens import MILLISECOND
from gateway.tokens.opaque import token_hash
from gateway.tokens.policy import TokenPolicy
from gateway.tokens.sealing import Successors, seal, unseal
from gateway.tokens.session_id import new_session_id
from gateway.tokens.unanswered import Attempt, Unanswered
from gateway.tokens.verifier import OPENS_ROUTES, wrong_kind

_ATTEMPTS: Final = 12
"""Other bytes are made when the store knows the first ones, to live a little less: where nothing random is in a token,
its end is what tells it from one of the same second. Random ones collide in a broken source only."""
_IN_TURN: Final = 4
"""So many of the attempts take one second after the other; the rest any of a tenth of the life: with 100 tokens of one
second and an hour to live, one in 100,000 finds no place."""
_UNSETTLED: Final = 60.0
"""Seconds that a rotation without a grace, whose answer was lost, is answered again to whoever comes with the token."""
_PATIENCE: Final = 5.0
_ASK_AGAIN: Final = 0.05
"""Seconds: how long, and how often, a rotation that nobody has settled is asked for."""
_LONGEST_REACH: Final = 86400.0
"""Seconds of a life that are looked at; an endless one has no tenth."""

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

    @classmethod
    def of(cls, live: LiveToken, policy: TokenPolicy) -> "Introspection":
        """A live token under the login's policy."""
        return cls(
            session=live.session,
            kind=live.kind,
            expires_at=live.expires_at,
            issuer=policy.issuer,
            audience=policy.audience,
            issued_at=live.claims.get("iat"),
            jti=live.claims.get("jti", ""),
        )

    @property
    def exp(self) -> int | None:
        """The whole second that a JWT of this life would carry; None: no end of its own."""
        return None if self.expires_at == inf else floor(self.expires_at + MILLISECOND)

    @property
    def token_type(self) -> str:
        """How an access token is used; refresh tokens have no type (RFC 6749, section 7.1)."""
        return "Bearer" if self.kind in OPENS_ROUTES else ""


class Issuer:
    """The tokens of one login. Every method that asks the store raises StoreUnavailable."""

    def __init__(self, store: Store, tokens: TokenFormat, policy: TokenPolicy, clock: Clock) -> None:
        self.store = store
        self.policy = policy
        self.login = tokens.login
        self._tokens = tokens
        self._clock = clock
        self._unanswered = Unanswered()

    def now(self) -> float:
        """Seconds since the epoch, by the clock that decides when tokens end."""
        return self._clock()

    async def open(self, session: Session, *, refresh: bool = True) -> TokenPair:
        """Store the session with its first tokens. Without a refresh token it ends with its access token."""
        with_refresh = refresh and self.policy.refresh_ttl > 0
        if not with_refresh and not self.policy.sliding_access:
            end = min(session.absolute_expiry, session.created + self.policy.access_ttl)
            session = replace(session, absolute_expiry=end)

        async def attempt(sooner: int) -> TokenPair:
            now = self._clock()
            made = self._make(session, now, refresh=with_refresh, sooner=sooner)
            await self.store.open_session(session, self._records(made, session, now))
            return _pair(session, made, now)

        return await self._with_new_bytes(attempt)

    async def open_with(self, session: Session, kind: TokenKind) -> str:
        """Store the session with one token, which lives as long: a pre-auth or an application token."""

        async def attempt(sooner: int) -> str:
            token = self._tokens.mint(kind, session, self._clock(), session.absolute_expiry - sooner)
            record = TokenRecord(token_hash(token.encode()), kind, session.absolute_expiry - sooner)
            await self.store.open_session(session, (record,))
            return token

        return await self._with_new_bytes(attempt)

    def recognise(self, token: bytes) -> Recognised | Reason:
        """What a token of this login is by its bytes, expired or not; else why it is none."""
        return self._tokens.recognise(token, self._clock()) or unrecognised(token)

    def knows(self, recognised: Recognised, found: FoundToken) -> bool:
        """Whether a record is that of the token: kind, login and session agree."""
        agree = found.record.kind is recognised.kind and found.session.login == self.login
        return agree and self._tokens.fits(recognised, found.session)

    def tells(self, recognised: Recognised, session: Session) -> bool:
        """Whether a token without a record is one of this session, by what it tells of it."""
        return bool(recognised.claims) and session.login == self.login and self._tokens.fits(recognised, session)

    async def find_refresh(self, token: str) -> FoundRefresh | Reason:
        """The session of a refresh token of this login, spent ones included. Garbage costs no round trip."""
        raw = token.encode(errors="replace")
        recognised = self.recognise(raw)
        if isinstance(recognised, Reason):
            return recognised
        if recognised.kind is not TokenKind.REFRESH:
            return wrong_kind(recognised.kind)
        found = await self.store.find_refresh(token_hash(raw))
        if found is None or found.session.login != self.login or not self._tokens.fits(recognised, found.session):
            return Reason.EXPIRED if recognised.expired else Reason.UNKNOWN
        return found

    async def rotate(self, spent: str, session: Session) -> Refreshed:
        """Spend a refresh token for successors in one step; `session` is how it stands from now on."""

        async def once(sooner: int) -> Refreshed:
            now = self._clock()
            attempt = self._attempt(spent, session, now, sooner)
            result = await self._answer_of(attempt)
            if result.outcome is Outcome.ROTATED:
                return Refreshed(Outcome.ROTATED, self._refreshed(session, attempt.successors, now, spent))
            if result.outcome is Outcome.REPLAYED:
                first = unseal(result.sealed, spent, session.id)
                if first is not None:
                    return Refreshed(Outcome.REPLAYED, _pair(result.session or session, first, now))
                return Refreshed(Outcome.UNKNOWN)
            return Refreshed(result.outcome)

        return await self._with_new_bytes(once)

    async def _answer_of(self, attempt: Attempt) -> RotationResult:
        """What the store says; where there is no grace, it learns that we heard it before anybody else does."""
        until = monotonic() + _PATIENCE
        while True:
            with self._unanswered.until_answered(attempt):
                result = await self.store.rotate(attempt.rotation)
            if result.outcome is not Outcome.UNSETTLED:
                break
            if monotonic() > until:
                raise Unavailable("another gateway is at this refresh", retry_after=1)
            await asyncio.sleep(_ASK_AGAIN)
            attempt = replace(attempt, rotation=replace(attempt.rotation, now=self._clock()))
        if attempt.rotation.unsettled and result.outcome in {Outcome.ROTATED, Outcome.REPLAYED}:
            with suppress(StoreUnavailable):  # it stays open for a minute to whoever has the spent token
                await self.store.settle_rotation(attempt.rotation)
        return result

    async def introspect(self, token: str) -> Introspection | None:
        """What a live token of this login stands for."""
        raw = token.encode(errors="replace")
        recognised = self.recognise(raw)
        if isinstance(recognised, Reason) or recognised.expired:
            return None
        live = await live_token(self.store, self._tokens, raw, recognised, self._clock())
        return None if isinstance(live, Reason) else Introspection.of(live, self.policy)

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

    async def _with_new_bytes(self, attempt: Callable[[int], Awaitable[T]]) -> T:
        reach = max(4, int(min(self.policy.access_ttl, _LONGEST_REACH) / 10))
        for number in range(_ATTEMPTS):
            try:
                return await attempt(number if number < _IN_TURN else _IN_TURN + randbelow(reach))
            except TokenKnown:
                continue
        raise Unavailable("the store knows every token that was made")

    def _attempt(self, spent: str, session: Session, now: float, sooner: int) -> Attempt:
        """The rotation of a token: the very same as before where an answer was lost, else a new one."""
        spent_hash = token_hash(spent.encode())
        lost = self._unanswered.recall(spent_hash)
        if lost is not None:
            return Attempt(replace(lost.rotation, now=now), lost.successors)
        made = self._make(session, now, refresh=self.policy.rotate, sooner=sooner)
        rotation = Rotation(
            session_id=session.id,
            spent_hash=spent_hash,
            successors=self._records(made, session, now),
            now=now,
            sealed=seal(made, spent, session.id),
            grace=self.policy.grace,
            unsettled=0.0 if self.policy.grace or not self.policy.rotate else _UNSETTLED,
            rotate=self.policy.rotate,
            revoke_access=self.policy.revoke_access,
            session=session,
        )
        return Attempt(rotation, made)

    def _make(self, session: Session, now: float, *, refresh: bool, sooner: int = 0) -> Successors:
        mint, policy = self._tokens.mint, self.policy
        access_ends = min(now + policy.access_ttl, session.absolute_expiry) - sooner
        access = mint(TokenKind.ACCESS, session, now, access_ends)
        refresh_ends = self._refresh_ends(session, now) - sooner
        return Successors(access, access_ends, mint(TokenKind.REFRESH, session, now, refresh_ends) if refresh else "")

    def _refreshed(self, session: Session, made: Successors, now: float, spent: str) -> TokenPair:
        return _pair(session, made if self.policy.rotate else replace(made, refresh_token=spent), now)

    def _refresh_ends(self, session: Session, now: float) -> float:
        born = now if self.policy.sliding else session.created
        return min(born + self.policy.refresh_ttl, session.absolute_expiry)

    def _records(self, made: Successors, session: Session, now: float) -> tuple[TokenRecord, ...]:
        access = TokenRecord(token_hash(made.access_token.encode()), TokenKind.ACCESS, made.access_expires_at)
        if not made.refresh_token:
            return (access,)
        end = self._refresh_ends(session, now)
        return access, TokenRecord(token_hash(made.refresh_token.encode()), TokenKind.REFRESH, end)


def _pair(session: Session, made: Successors, now: float) -> TokenPair:
    ends = made.access_expires_at
    left = 0 if ends == inf else max(0, floor(ends - now + MILLISECOND))
    return TokenPair(session, made.access_token, left, made.refresh_token)
