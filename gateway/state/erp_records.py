"""The sealed ERP session of each session: kept, renewed by one worker at a time, and taken once to be destroyed.

It stands in the session's own hash, so it ends with it; a tombstone keeps it until somebody has taken it. An index of
all of them is a hint for what ended without a word, such as by a mark for everybody.
"""

from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Final

from gateway.model import Clock, Session
from gateway.state.calls import Script
from gateway.state.keys import write_time
from gateway.state.records import load_session
from gateway.state.store import HINT, Store

PUT, CLAIM, RELEASE, TAKE = ERP_SCRIPTS = tuple(
    Script.load(name) for name in ("erp_put", "erp_claim", "erp_release", "erp_take")
)
_LONGEST: Final = 34560000.0
"""Seconds that an endless session is listed, as tombstones are."""


@dataclass(frozen=True, slots=True)
class ErpRecord:
    """A sealed ERP session; its version changes with each renewal."""

    version: str
    sealed: bytes = field(repr=False)


class Claimed(Enum):
    """What came of a claim to renew, where there is no newer one."""

    CLAIMED = "claimed"
    BUSY = "busy"
    """Another worker is at it."""
    GONE = "gone"
    """The session is over, or has no ERP session."""


class ErpRecords:
    """Steps on the store. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._calls = store.calls
        self._keys = store.keys
        self._clock = clock

    async def read(self, session_id: str) -> ErpRecord | None:
        """The sealed ERP session; None if there is none or the session is over."""
        async with self._calls.budget():
            key = self._keys.session(session_id)
            name, revoked, sealed, version = await self._calls.one("HMGET", key, "id", "revoked", "erp", "erp_version")
        if name is None or name.decode() != session_id or revoked is not None or sealed is None or version is None:
            return None
        return ErpRecord(version.decode(), sealed)

    async def put(self, session: Session, record: ErpRecord, *, replaces: str = "", renewal: str = "") -> bool:
        """Keep an ERP session, in one step; the same again is no harm. False: another one is there, or it is over."""
        end = session.absolute_expiry if session.absolute_expiry != inf else self._clock() + _LONGEST
        async with self._calls.budget():
            # Listed first: what is in the index and not in a session is harmless, the other way round it is forgotten.
            index, now = self._keys.erp_index, write_time(self._clock())
            await self._calls.one(*HINT.on([index], session.id, write_time(end), now))
            key = self._keys.session(session.id)
            kept = await self._calls.one_durably(*PUT.on([key], record.sealed, replaces, record.version, renewal))
        return bool(kept == 1)

    async def claim(self, session_id: str, version: str, renewal: str, seconds: int) -> ErpRecord | Claimed:
        """Be the one that renews `version`, for so long at most; the newer record where there is one already."""
        async with self._calls.budget():
            key = self._keys.session(session_id)
            what, *newer = await self._calls.one(*CLAIM.on([key], version, renewal, seconds))
        return ErpRecord(newer[0].decode(), newer[1]) if newer else Claimed(what.decode())

    async def release(self, session_id: str, renewal: str) -> None:
        """Let others try: this renewal came to nothing."""
        async with self._calls.budget():
            await self._calls.one(*RELEASE.on([self._keys.session(session_id)], renewal))

    async def take(self, session_id: str, *, living: bool = False) -> tuple[Session, bytes] | None:
        """Take the ERP session of a session that was revoked, or with `living` of any; only one caller gets it."""
        async with self._calls.budget():
            taken = await self._calls.one(*TAKE.on([self._keys.session(session_id)], int(living)))
            if taken or living:
                await self._calls.one("ZREM", self._keys.erp_index, session_id)
        session = load_session(taken[1]) if taken else None
        return None if session is None or session.id != session_id else (session, taken[0])

    async def listed(self) -> list[str]:
        """Ids of the sessions that have or had an ERP session. A hint."""
        async with self._calls.budget():
            return [session_id.decode() for session_id in await self._calls.one("ZRANGE", self._keys.erp_index, 0, -1)]
