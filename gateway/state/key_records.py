"""API keys that were made, each a session with one token: an index of all of them is the list, and only a hint."""

from gateway.model import Session
from gateway.state.keys import write_time
from gateway.state.records import TokenRecord
from gateway.state.store import HINT, Store


class KeyRecords:
    """Steps on the store. Every method raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, session: Session, record: TokenRecord) -> None:
        """Keep a new key. Raises TokenKnown where a key of that id is, or was."""
        calls, index = self._store.calls, self._store.keys.made_keys
        end, now = write_time(session.absolute_expiry), write_time(session.created)
        # Listed first: what is in the index without a session is harmless, the other way round nobody would see it.
        async with calls.budget():
            await calls.one(*HINT.on([index], session.id, end, now))
        await self._store.open_session(session, [record])

    async def listed(self) -> list[Session]:
        """All that are live; the one that was made first comes first."""
        calls, index = self._store.calls, self._store.keys.made_keys
        async with calls.budget():
            ids = await calls.one("ZRANGE", index, 0, -1)
        found = await self._store.sessions([one.decode() for one in ids])
        return sorted(found, key=lambda session: (session.created, session.id))

    async def end(self, session_id: str, cause: str) -> bool:
        """End a key on every worker at once; False: there is none of that id."""
        calls, index = self._store.calls, self._store.keys.made_keys
        ended = await self._store.revoke_session(session_id, cause)
        async with calls.budget():
            await calls.one("ZREM", index, session_id)
        return ended
