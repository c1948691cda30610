"""Bans that are in force: listed for operators when they begin, and lifted before their time."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.model import Clock
from gateway.state.calls import Calls, Command, Script
from gateway.state.keys import Keys, write_time
from gateway.state.store import HINT

(LIFT,) = BAN_SCRIPTS = (Script.load("lift"),)
PATIENCE: Final = 120
"""Seconds that a judgement may take. An older reservation was left by a gateway that died, and counts as failed."""
_EVERYBODY: Final = ""
"""In place of an account: the address is banned whoever comes from there."""


@dataclass(frozen=True, slots=True)
class Ban:
    """An account that may not try from an address, or an address from which nobody may."""

    provider: str
    user_id: str
    """Empty for an address, and for a name that nobody has logged in by: what was typed is not kept."""
    address: str
    """An IPv4 address, or an IPv6 network by its first address."""
    account: str
    """What the counters know the account by; empty for an address."""
    until: float = 0.0
    """Seconds since the epoch."""

    @property
    def scope(self) -> str:
        """As in the audit log."""
        return "account" if self.account else "address"


class Bans:
    """Steps on the store. Every method raises StoreUnavailable. A ban in the list costs 0.3 KiB until it ends."""

    def __init__(self, calls: Calls, keys: Keys, clock: Clock) -> None:
        self._calls = calls
        self._keys = keys
        self._clock = clock

    async def note(self, begun: Sequence[Ban]) -> None:
        """List bans that have begun; they are in force already."""
        index, now = [self._keys.bans], write_time(self._clock())
        async with self._calls.budget():
            await self._calls.many([HINT.on(index, _spelled(ban), write_time(ban.until), now) for ban in begun])

    async def listed(self) -> list[Ban]:
        """Those that are in force now, the one that ends first coming first."""
        now = self._clock()
        async with self._calls.budget():
            noted = await self._noted(now)
            asked: list[Command] = [("ZSCORE", self._counter(ban), "ban") for ban in noted]
            ends = await self._calls.many(asked) if asked else []
        known = [replace(ban, until=float(end)) for ban, end in zip(noted, ends, strict=True) if end is not None]
        return sorted((ban for ban in known if ban.until > now), key=lambda ban: ban.until)

    async def lift(self, *, accounts: Collection[str] | None = None, address: str = "") -> int:
        """End bans, and forget the failures behind them; returns how many were in force.

        `accounts` (as the counters know them) and `address` narrow the choice; without both, all end. An account and an
        address mean the pair, an account alone all its pairs, an address alone itself and the banned pairs from it.
        """
        now = self._clock()
        async with self._calls.budget():
            noted = [ban for ban in await self._noted(now) if _is_meant(ban, accounts, address)]
            counters = {self._counter(ban): None for ban in noted}
            if address:  # also where nothing was noted: what only failed is forgotten
                direct = accounts if accounts is not None else (_EVERYBODY,)
                counters |= dict.fromkeys(self._key(account, address) for account in direct)
            steps: list[Command] = [LIFT.on([key], repr(now), PATIENCE) for key in counters]
            lifted = await self._calls.many(steps) if steps else []
            forgotten: list[Command] = [("ZREM", self._keys.bans, _spelled(ban)) for ban in noted]
            if not address:
                forgotten += [("DEL", self._keys.failures_anywhere(account)) for account in accounts or ()]
            if forgotten:
                await self._calls.many(forgotten)
        return sum(lifted)

    async def _noted(self, now: float) -> list[Ban]:
        found = await self._calls.one("ZRANGEBYSCORE", self._keys.bans, f"({now!r}", "+inf")
        return [Ban(*json.loads(member)) for member in found]

    def _counter(self, ban: Ban) -> str:
        return self._key(ban.account, ban.address)

    def _key(self, account: str, address: str) -> str:
        pair, everyone = self._keys.failures(account, address)
        return pair if account else everyone


def _is_meant(ban: Ban, accounts: Collection[str] | None, address: str) -> bool:
    return (accounts is None or ban.account in accounts) and (not address or ban.address == address)


def _spelled(ban: Ban) -> str:
    return json.dumps([ban.provider, ban.user_id, ban.address, ban.account])
