"""Writes revocations again to a store that may have lost them in a fail-over or a restart."""

from collections.abc import Iterator, Sequence
from json import dumps
from logging import getLogger
from typing import Final

from gateway.state.calls import Command, Script
from gateway.state.keys import Pointer, owner_tag, tenant_tag
from gateway.state.store import REVOKE_TOKEN, Store
from gateway.state.tombstones import Key

(REMARK,) = REWRITE_SCRIPTS = (Script.load("remark"),)
_BATCH: Final = 200
"""Revocations in one round trip."""
_CAUSE: Final = "revoked before a fail-over"
_GAP: Final = dumps(["again"])
"""Told of a mark that was lost: nobody can read it, so that everybody asks the store again about everything. The mark's
own message would end what was opened since, too."""

log = getLogger(__name__)


class Rewriting:
    """Idempotent, and silent where nothing was lost, so that every process may do it at the same moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calls = store.calls
        self._keys = store.keys

    async def write_again(self) -> int:
        """Write everything that this process remembers to have heard; how much was lost. Raises StoreUnavailable."""
        remembered = self._store.tombstones.remembered()
        lost = 0
        for at in range(0, len(remembered), _BATCH):
            batch = remembered[at : at + _BATCH]
            lost += await self._sessions([key[1] for key, _ in batch if key[0] == "session"])
            lost += await self._tokens([key[1] for key, _ in batch if key[0] == "token"])
            lost += await self._marks(list(self._marked(batch)))
        if lost:
            log.warning("the store had lost %d revocations, which were written again", lost)
        return lost

    async def _sessions(self, session_ids: Sequence[str]) -> int:
        return await self._store.revoke_sessions(session_ids, _CAUSE) if session_ids else 0

    async def _tokens(self, hashes: Sequence[str]) -> int:
        if not hashes:
            return 0
        async with self._calls.budget():
            values = await self._calls.many([("GET", self._keys.token(one)) for one in hashes])
            pointers = zip(hashes, map(Pointer.load, values), strict=True)
            ends = [self._end(pointer.session_id, one) for one, pointer in pointers if pointer is not None]
            return sum(await self._calls.many(ends)) if ends else 0

    def _end(self, session_id: str, token_hash: str) -> Command:
        keys = [self._keys.session(session_id)]
        return REVOKE_TOKEN.on(keys, token_hash, self._keys.channel, dumps(["token", token_hash]))

    async def _marks(self, commands: Sequence[Command]) -> int:
        if not commands:
            return 0
        async with self._calls.budget():
            return sum(await self._calls.many(commands))

    def _marked(self, remembered: Sequence[tuple[Key, float]]) -> Iterator[Command]:
        for key, mark in remembered:
            match key:
                case ("user", provider, user_id):
                    name = self._keys.mark_user(owner_tag(provider, user_id))
                case ("tenant", tenant):
                    name = self._keys.mark_tenant(tenant_tag(tenant))
                case ("all",):
                    name = self._keys.mark_all
                case _:
                    continue
            yield REMARK.on([name], f"{mark:.6f}", _CAUSE, self._keys.channel, _GAP)
