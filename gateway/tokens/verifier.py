"""The cold path of a credential: shape and signature first, then the store, then the cache."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from gateway.errors import Reason, StoreUnavailable
from gateway.model import Clock, Identity, Session, TokenKind
from gateway.state.store import Store
from gateway.tokens.cache import Verified, VerifiedTokens
from gateway.tokens.format import Recognised, TokenFormat
from gateway.tokens.live import LiveToken, live_token, unrecognised
from gateway.tokens.made_keys import PROVIDER, MadeKeyFormat, identity_of_key
from gateway.tokens.opaque import looks_ours

OPENS_ROUTES: Final = frozenset((TokenKind.ACCESS, TokenKind.APPLICATION))
"""Kinds of a login's tokens that do."""
_OPENS: Final = OPENS_ROUTES | {TokenKind.API_KEY}


def _nobody_asks(_: Verified) -> None:
    """Without `max_staleness` there is nothing to tell."""


def _as_it_was(session: Session) -> Session:
    """Nothing is known but what the session says."""
    return session


class TokenVerifier:
    """Judges the tokens of all logins, and API keys that were made. One for the whole gateway."""

    def __init__(
        self,
        store: Store,
        cache: VerifiedTokens,
        clock: Clock,
        formats: Sequence[TokenFormat],
        current: Callable[[Session], Session | Reason] = _as_it_was,
        unconfirmed: Callable[[Verified], None] = _nobody_asks,
    ) -> None:
        """`current`: a session as its user is listed now; why not, if the user was removed or locked.

        `unconfirmed` is told of each token that is let in while the store cannot be asked.
        """
        self._unconfirmed = unconfirmed
        self._current = current
        self._store = store
        self._cache = cache
        self._clock = clock
        self._formats: tuple[TokenFormat, ...] = (*formats, MadeKeyFormat())

    def is_ours(self, token: bytes) -> bool:
        """Whether we made this value, valid or not; no store is asked."""
        return looks_ours(token) or any(each.is_ours(token) for each in self._formats)

    async def verify(self, token: bytes, *, in_outage: bool = False) -> Verified | Reason:
        """What a token that opens routes stands for, or why it opens none. Raises StoreUnavailable.

        `in_outage`: what this worker had verified counts while the store is away, as `store.when_down` allows.
        """
        generation = self._cache.generation
        try:
            live = await self.judge(token, _OPENS)
        except StoreUnavailable:
            known = self._cache.last_known(token) if in_outage else None
            if known is None:
                raise
            self._unconfirmed(known)
            return known
        if isinstance(live, Reason):
            self._cache.refused(token)
            return live
        verified = Verified(identity_of(live.session), live.expires_at, live.session.id, live.hash)
        self._cache.put(token, verified, generation)
        return verified

    async def judge(self, token: bytes, kinds: Collection[TokenKind], login: str = "") -> LiveToken | Reason:
        """The token if it is live and of one of these kinds, else why not. Raises StoreUnavailable.

        `login`: whose it has to be; of any login where that is empty. The order of judgement: shape, signature, end,
        kind, and only then the store, so that what nobody made costs no round trip.
        """
        made_by, recognised = self._recognise(token)
        if made_by is None or recognised is None:
            return unrecognised(token)
        refused = self._refused(made_by, recognised, kinds, login)
        live = refused or await live_token(self._store, made_by, token, recognised, self._clock())
        if isinstance(live, Reason):
            return live
        session = self._current(live.session)
        return session if isinstance(session, Reason) else replace(live, session=session)

    def _recognise(self, token: bytes) -> tuple[TokenFormat | None, Recognised | None]:
        now = self._clock()
        for each in self._formats:
            recognised = each.recognise(token, now)
            if recognised is not None:
                return each, recognised
        return None, None

    @staticmethod
    def _refused(
        made_by: TokenFormat, recognised: Recognised, kinds: Collection[TokenKind], login: str
    ) -> Reason | None:
        if login and made_by.login != login:
            return Reason.OTHER_LOGIN
        if recognised.expired:
            return Reason.EXPIRED
        return None if recognised.kind in kinds else wrong_kind(recognised.kind)


def wrong_kind(kind: TokenKind) -> Reason:
    """Why a token of this kind is refused where another one is wanted."""
    return Reason.PREAUTH if kind is TokenKind.PREAUTH else Reason.WRONG_KIND


def identity_of(session: Session) -> Identity:
    """Who a session's access token speaks for, or the API key that it stands for."""
    if session.provider == PROVIDER:
        return identity_of_key(session)
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
