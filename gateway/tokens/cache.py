"""Verified tokens of this worker: the warm path's one look-up, what empties it, and what is left in an outage."""

from collections import deque
from collections.abc import Callable
from time import monotonic, time
from typing import Any, Protocol

from gateway.model import Clock
from gateway.state.feed import Invalidation
from gateway.tokens.shelf import Shelf, Verified

__all__ = ["InvalidationFeed", "Verified", "VerifiedTokens"]


class InvalidationFeed(Protocol):
    """What the cache needs of `state.feed.Feed`."""

    @property
    def alive_until(self) -> float:
        """`time.monotonic` up to which nothing that was revoked can have escaped us."""
        ...

    @property
    def proven_at(self) -> float:
        """`time.monotonic` of the last proof that the feed lived: everything revoked until then has been heard."""
        ...

    @property
    def generation(self) -> int:
        """Grows with every invalidation and every (re)connection."""
        ...

    def listen(self, callback: Callable[[Invalidation], None], /) -> Any:
        """Call back for every invalidation, before `alive_until` moves again."""
        ...


class VerifiedTokens:
    """Token bytes to what they stand for, used only while the invalidation feed is known to be alive.

    With `max_staleness` seconds, `last_known` tells them for so long after the last proof that the feed lived; what a
    reconnect voids is then kept aside, at most `capacity` entries more.
    """

    def __init__(
        self, feed: InvalidationFeed, capacity: int = 50_000, clock: Clock = time, *, max_staleness: float = 0.0
    ) -> None:
        self._feed = feed
        self._capacity = capacity
        self._max_staleness = max_staleness
        self.clock = clock
        self._shelf = Shelf(capacity)
        self._entries = self._shelf.entries
        """Of the shelf: one attribute less on the warm path."""
        self._earlier: deque[tuple[float, Shelf]] = deque()
        """What reconnects voided, newest first, and until when it may be told, by `time.monotonic`."""
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

    def last_known(self, token: bytes) -> Verified | None:
        """The entry, for `max_staleness` after the last proof that nothing had revoked it. For outages only."""
        if not self._max_staleness:
            return None
        now = monotonic()
        for until, shelf in ((self._feed.proven_at + self._max_staleness, self._shelf), *self._earlier):
            verified = shelf.entries.get(token)
            if verified is not None:
                return verified if now < until and self.clock() < verified.expires_at else None
        return None

    def put(self, token: bytes, verified: Verified, generation: int) -> None:
        """Keep what the store said, unless something was invalidated since `generation` was read."""
        if generation == self._feed.generation:
            self._shelf.put(token, verified)

    def refused(self, token: bytes) -> None:
        """The store knows better now: forget the token, outage or not."""
        for shelf in (self._shelf, *(shelf for _, shelf in self._earlier)):
            shelf.drop((token,))

    def invalidate(self, event: Invalidation) -> None:
        """Forget what the event may have revoked: too much is harmless, the store is asked again."""
        # On a feed that lives it is a message that nobody could read, and that ended something.
        if event.kind == "reconnect" and self._max_staleness and monotonic() >= self._feed.alive_until:
            self._set_aside()
            return
        for _, shelf in self._earlier:
            shelf.invalidate(event)
        self._shelf.invalidate(event)

    def _set_aside(self) -> None:
        """Something may have been revoked unheard: all of it counts in an outage only, and as long as before."""
        if self._entries:
            self._earlier.appendleft((self._feed.proven_at + self._max_staleness, self._shelf))
            self._shelf = Shelf(self._capacity)
            self._entries = self._shelf.entries
        now, room = monotonic(), self._capacity
        for until, shelf in tuple(self._earlier):
            room -= len(shelf.entries)
            if now >= until or room < 0:
                self._earlier.remove((until, shelf))
