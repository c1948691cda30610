"""Attempts to log in: reserved before a password is looked at, settled after, counted over all gateways at once."""

from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.errors import StoreUnavailable
from gateway.model import Clock
from gateway.state.bans import PATIENCE, Ban, Bans
from gateway.state.calls import Calls, Command, Script
from gateway.state.keys import Keys, account_tag, owner_tag

RESERVE, SETTLE = ATTEMPT_SCRIPTS = tuple(Script.load(name) for name in ("reserve", "settle"))
ADDRESS_FACTOR: Final = 10
"""An address may fail so many times as often as one account from it: many people share one."""
_FAILURES_KEPT: Final = 128
"""Of one account, wherever they came from: more than the delay ever looks at."""
_NAMES_KEPT: Final = 90 * 86400
"""Seconds that a name is remembered to be a user's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A login's `protection`. Times are seconds."""

    max_failures: int = 5
    window: float = 900.0
    ban: float = 900.0

    @property
    def of_address(self) -> int:
        """Failures from one address, over all accounts."""
        return self.max_failures * ADDRESS_FACTOR


@dataclass(frozen=True, slots=True)
class Attempt:
    """One password about to be looked at."""

    id: str
    """Never used before."""
    provider: str
    name: str
    """The canonical user name: one spelling per account."""
    user_id: str
    """Whose name it is, where somebody has logged in by it; else empty."""
    address: str
    """The client's address or network."""
    address_is_shared: bool
    """It stands for many clients: counted, never banned."""
    limits: Limits

    @property
    def account(self) -> str:
        """What the counters know the account by: aliases of one user are one, and no key shows a name."""
        return account_tag(self.provider, user_id=self.user_id, name=self.name)

    @property
    def known_as(self) -> tuple[str, ...]:
        """All that it was counted as: what failed before anybody had logged in by the name stands under the name."""
        by_name = account_tag(self.provider, name=self.name)
        return (self.account,) if self.account == by_name else (self.account, by_name)


class Verdict(Enum):
    """Whether a password may be looked at."""

    RESERVED = "reserved"
    BUSY = "busy"
    """As many as may fail are being looked at: it depends on them."""
    BANNED = "banned"


@dataclass(frozen=True, slots=True)
class Reservation:
    """The verdict, and what is known of earlier failures."""

    verdict: Verdict
    retry_after: float = 0.0
    """Seconds that a ban has left."""
    account_failures: int = 0
    """Within the window, wherever they came from."""
    address_failures: int = 0


@dataclass(frozen=True, slots=True)
class NewBans:
    """What one more failure has banned."""

    account: bool = False
    """This account from this address."""
    address: bool = False


class Attempts:
    """Failed logins in the store. Every method is a whole step and raises StoreUnavailable.

    A failed login costs 0.6 KiB in three sorted sets, which end with the window or the ban, whichever is longer; every
    name that somebody has logged in by costs 0.15 KiB for 90 days.
    """

    def __init__(self, calls: Calls, keys: Keys, clock: Clock) -> None:
        self._calls = calls
        self._keys = keys
        self._clock = clock
        self.bans = Bans(calls, keys, clock)

    async def user_named(self, provider: str, name: str) -> str:
        """The id of the user who last logged in by this name; empty for none."""
        async with self._calls.budget():
            found: bytes | None = await self._calls.one("GET", self._keys.named(owner_tag(provider, name)))
        return (found or b"").decode(errors="replace")

    async def reserve(self, attempt: Attempt) -> Reservation:
        """Take one of the failures that are left, before the password is looked at, or say why not."""
        limits, now = attempt.limits, self._clock()
        command = RESERVE.on(
            self._counters(attempt),
            repr(now),
            attempt.id,
            repr(limits.window),
            PATIENCE,
            limits.max_failures,
            0 if attempt.address_is_shared else limits.of_address,
            repr(_kept(limits)),
        )
        anywhere = [self._keys.failures_anywhere(account) for account in attempt.known_as]
        counts: list[Command] = [("ZCOUNT", key, f"({now - limits.window!r}", "+inf") for key in anywhere]
        async with self._calls.budget():
            (verdict, retry_after, address_failures), *account_failures = await self._calls.many([command, *counts])
        return Reservation(Verdict(verdict.decode()), float(retry_after), sum(account_failures), address_failures)

    async def failed(self, attempt: Attempt) -> NewBans:
        """The password was wrong."""
        now = self._clock()
        anywhere = self._keys.failures_anywhere(attempt.account)
        pair, address = await self._settle(
            attempt,
            "failed",
            ("ZADD", anywhere, repr(now), attempt.id),
            ("ZREMRANGEBYRANK", anywhere, 0, -_FAILURES_KEPT - 1),
            ("PEXPIRE", anywhere, int(attempt.limits.window * 1000)),
        )
        begun = NewBans(account=bool(pair), address=bool(address))
        if begun.account or begun.address:
            with suppress(StoreUnavailable):  # in force, listed or not; whoever names both can lift it all the same
                await self.bans.note(_listed(attempt, begun, now + attempt.limits.ban))
        return begun

    async def succeeded(self, attempt: Attempt, user_id: str) -> None:
        """The password was right: the account's failures from this address are forgotten, the address's are not."""
        named = self._keys.named(owner_tag(attempt.provider, attempt.name))
        await self._settle(attempt, "succeeded", ("SET", named, user_id, "EX", _NAMES_KEPT))

    async def released(self, attempt: Attempt) -> None:
        """Nobody could look at the password."""
        await self._settle(attempt, "released")

    async def _settle(self, attempt: Attempt, outcome: str, *along: Command) -> tuple[int, int]:
        limits = attempt.limits
        command = SETTLE.on(
            self._counters(attempt),
            repr(self._clock()),
            attempt.id,
            outcome,
            repr(limits.window),
            limits.max_failures,
            0 if attempt.address_is_shared else limits.of_address,
            repr(limits.ban),
            repr(_kept(limits)),
            PATIENCE,
        )
        async with self._calls.budget():
            (pair, address), *_ = await self._calls.many([command, *along])
        return pair, address

    def _counters(self, attempt: Attempt) -> tuple[str, str, str]:
        """The pair, the address, and the pair as it was counted before the name was known; one slot."""
        pair, everyone = self._keys.failures(attempt.account, attempt.address)
        return pair, everyone, self._keys.failures(attempt.known_as[-1], attempt.address)[0]


def _listed(attempt: Attempt, begun: NewBans, until: float) -> list[Ban]:
    pair = Ban(attempt.provider, attempt.user_id, attempt.address, attempt.account, until)
    return [
        ban
        for ban, is_new in ((pair, begun.account), (Ban("", "", attempt.address, "", until), begun.address))
        if is_new
    ]


def _kept(limits: Limits) -> float:
    return max(limits.window, limits.ban, PATIENCE) + 1.0
