"""Verified tokens, and which of them an invalidation ends: found by token, hash, session, user and tenant."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from gateway.model import Identity
from gateway.state.feed import Invalidation


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


class Shelf:
    """At most `capacity` of them."""

    def __init__(self, capacity: int) -> None:
        self.entries: dict[bytes, Verified] = {}
        """To be read only."""
        self._capacity = capacity
        self._by_hash: dict[str, bytes] = {}
        self._by_session: dict[str, set[bytes]] = {}

    def put(self, token: bytes, verified: Verified) -> None:
        """Keep an entry; where there is no room, the oldest eighth goes."""
        if token in self.entries:
            self.drop((token,))
        elif len(self.entries) >= self._capacity:
            # At once: popping one by one from a dict's front costs the length of its dead part.
            self.drop(tuple(islice(self.entries, max(1, self._capacity // 8))))
        self.entries[token] = verified
        self._by_hash[verified.token_hash] = token
        self._by_session.setdefault(verified.session_id, set()).add(token)

    def invalidate(self, event: Invalidation) -> None:
        """Forget what the event may have revoked: too much is harmless, the store is asked again."""
        match event.kind:
            case "session":
                self.drop(tuple(self._by_session.get(event.session_id, ())))
            case "token":
                token = self._by_hash.get(event.token_hash)
                self.drop((token,) if token is not None else ())
            case "user":
                self._drop_where(lambda who: who.provider == event.provider and who.user_id == event.user_id)
            case "tenant":
                self._drop_where(lambda who: who.tenant == event.tenant)
            case _:
                self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self._by_hash.clear()
        self._by_session.clear()

    def drop(self, tokens: Iterable[bytes]) -> None:
        """Forget these, as far as they are there."""
        for token in tokens:
            verified = self.entries.pop(token, None)
            if verified is None:
                continue
            self._by_hash.pop(verified.token_hash, None)
            siblings = self._by_session[verified.session_id]
            siblings.discard(token)
            if not siblings:
                del self._by_session[verified.session_id]

    def _drop_where(self, revoked: Callable[[Identity], bool]) -> None:
        self.drop(tuple(token for token, verified in self.entries.items() if revoked(verified.identity)))
