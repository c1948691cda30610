"""Verified tokens of this worker: the warm path's one look-up, and what empties it."""

from collections.abc import Callable, Iterable
from itertools import islice
from time import monotonic, time
from typing import Any, Protocol

from gateway.model import Clock, Identity
from gateway.state.feed import Invalidation


class InvalidationFeed(Protocol):
    """What the cache needs of `state.feed.Feed`."""

    @property
    def alive_until(self) -> float:
        """`time.monotonic` up to which nothing that was revoked can have escaped us."""
        ...

    @property
    def generation(self) -> int:
        """Grows with every invalidation and every (re)connection."""
        ...

    def listen(self, callback: Callable[[Invalidation], None], /) -> Any:
        """Call back for every invalidation, before `alive_until` moves again."""
        ...


class Verified:
    """What a verified token stands for; `headers` holds ready-made upstream header bytes, filled by the proxy."""

    __slots__ = ("expires_at", "headers", "identity", "session_id", "token_hash")

    def __init__(self, identity: Identity, expires_at: float, session_id: str, token_hash: str = "") -> None:
        self.identity = identity
        self.expires_at = expires_at
        """Seconds since the epoch."""
        self.session_id = session_id
        self.token_hash = token_hash
        self.headers: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"Verified({self.identity.provider}/{self.identity.user_id}, expires_at={self.expires_at})"


class VerifiedTokens:
    """Token bytes to what they stand for, used only while the invalidation feed is known to be alive."""

    def __init__(self, feed: InvalidationFeed, capacity: int = 50_000, clock: Clock = time) -> None:
        self._feed = feed
        self._capacity = capacity
        self.clock = clock
        self._entries: dict[bytes, Verified] = {}
        self._by_hash: dict[str, bytes] = {}
        self._by_session: dict[str, set[bytes]] = {}
        feed.listen(self.invalidate)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def generation(self) -> int:
        """To be read before the store is asked, and handed to `put`."""
        return self._feed.generation

    def get(self, token: bytes) -> Verified | None:
        """The entry, if nothing can have revoked it unseen and it has not expired. Never suspends."""
        verified = self._entries.get(token)
        if verified is None or monotonic() >= self._feed.alive_until or self.clock() >= verified.expires_at:
            return None
        return verified

    def put(self, token: bytes, verified: Verified, generation: int) -> None:
        """Keep what the store said, unless something was invalidated since `generation` was read."""
        if generation != self._feed.generation:
            return
        if token in self._entries:
            self._drop((token,))
        elif len(self._entries) >= self._capacity:
            # The oldest eighth at once: popping one by one from a dict's front costs the length of its dead part.
            self._drop(tuple(islice(self._entries, max(1, self._capacity // 8))))
        self._entries[token] = verified
        self._by_hash[verified.token_hash] = token
        self._by_session.setdefault(verified.session_id, set()).add(token)

    def invalidate(self, event: Invalidation) -> None:
        """Forget what the event may have revoked: too much is harmless, the store is asked again."""
        match event.kind:
            case "session":
                self._drop(tuple(self._by_session.get(event.session_id, ())))
            case "token":
                token = self._by_hash.get(event.token_hash)
                self._drop((token,) if token is not None else ())
            case "user":
                self._drop_where(lambda who: who.provider == event.provider and who.user_id == event.user_id)
            case "tenant":
                self._drop_where(lambda who: who.tenant == event.tenant)
            case _:
                self._entries.clear()
                self._by_hash.clear()
                self._by_session.clear()

    def _drop_where(self, revoked: Callable[[Identity], bool]) -> None:
        self._drop(tuple(token for token, verified in self._entries.items() if revoked(verified.identity)))

    def _drop(self, tokens: Iterable[bytes]) -> None:
        for token in tokens:
            verified = self._entries.pop(token)
            self._by_hash.pop(verified.token_hash, None)
            siblings = self._by_session[verified.session_id]
            siblings.discard(token)
            if not siblings:
                del self._by_session[verified.session_id]
