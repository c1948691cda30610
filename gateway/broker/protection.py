"""Protection against password guessing: who may try now, who is slowed, and who has to wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from math import ceil
from secrets import token_hex
from time import monotonic
from typing import Any, Final, Protocol, TypeVar

from gateway.config.identities import canonical_username
from gateway.errors import Banned, LoginRejected, SelectionNeeded, StoreUnavailable, TooManyRequests
from gateway.model import Call, spawn
from gateway.state.attempts import Attempt, Attempts, Limits, Reservation, Verdict

_FIRST_DELAY: Final = 0.25
_LONGEST_DELAY: Final = 4.0
"""Seconds. Each failure beyond the limit doubles the delay, which spoils guessing from many addresses."""
_MOST_DELAYED: Final = 256
"""Logins held back at once; beyond them nobody is: a place in this room must not be worth fighting for."""
_LONGEST_WAIT: Final = 5.0
"""Seconds that a login waits for others of its account and address that are being judged."""
_MOST_WAITING: Final = 64
_ASK_AGAIN: Final = 0.25
"""Seconds: other gateways settle without our hearing of it."""
_MOST_WARNED: Final = 1000

log = logging.getLogger("gateway.protection")


class Audit(Protocol):
    """Writes one audit event."""

    def __call__(self, event: str, /, **fields: Any) -> None:
        """`event` and what belongs to it; never a token or a password."""
        ...


class Known(Protocol):
    """Whoever a right password belongs to: an account or an OAuth2 client."""

    @property
    def id(self) -> str:
        """Unique within its provider."""
        ...


Who = TypeVar("Who", bound=Known)
Check = Callable[[], Awaitable[Who | None]]
"""Looks at a password: whose it is, or None for a wrong one."""


class Protection:
    """Stands before every check of a password or client secret, in all logins of one configuration."""

    def __init__(
        self, attempts: Attempts, audit: Audit, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._attempts = attempts
        self._audit = audit
        self._sleep = sleep
        self._delayed = 0
        self._waiting = 0
        self._settled: dict[str, asyncio.Event] = {}
        """By address, while somebody waits: set when an attempt from there is settled."""
        self._warned: set[str] = set()

    async def judge(self, provider: str, username: str, call: Call, limits: Limits, check: Check[Who]) -> Who | None:
        """What `check` says, if the account may be tried from the call's address now.

        Raises Banned, TooManyRequests where too many tries are under way, StoreUnavailable (nothing is judged
        unprotected), and what `check` raises: a LoginRejected counts as a wrong password, anything else not at all.
        """
        if call.address_is_shared:
            self._warn_of(call.client_address)
        name = canonical_username(username)
        attempt = Attempt(
            id=token_hex(8),
            provider=provider,
            name=name,
            user_id=await self._attempts.user_named(provider, name),
            address=network_of(call.client_address),
            address_is_shared=call.address_is_shared or not call.client_address,
            limits=limits,
        )
        reservation = await self._admit(attempt)
        try:
            await self._hold_back(delay_after(reservation, attempt))
        except BaseException:  # the caller has left before anything was looked at
            spawn(self._release(attempt), name="release a login")
            raise
        # Judged to the end even if the caller leaves: what was tried is counted, and a right password is no failure.
        return await asyncio.shield(spawn(self._settle(attempt, call, check), name="login"))

    async def _admit(self, attempt: Attempt) -> Reservation:
        until = monotonic() + _LONGEST_WAIT
        while True:
            try:
                found = await self._attempts.reserve(attempt)
            except (StoreUnavailable, asyncio.CancelledError):  # it may be taken: of a Cluster, one server did its part
                spawn(self._release(attempt), name="release a login")
                raise
            if found.verdict is Verdict.RESERVED:
                return found
            if found.verdict is Verdict.BANNED:
                raise Banned("banned", retry_after=max(1, ceil(found.retry_after)))
            if self._waiting >= _MOST_WAITING or monotonic() >= until:
                raise TooManyRequests("as many logins as may fail are under way")
            await self._wait_for_another(attempt.address)

    async def _wait_for_another(self, address: str) -> None:
        settled = self._settled.setdefault(address, asyncio.Event())
        self._waiting += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_ASK_AGAIN):
                    await settled.wait()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._settled.clear()

    async def _hold_back(self, seconds: float) -> None:
        if not seconds or self._delayed >= _MOST_DELAYED:
            return
        self._delayed += 1
        try:
            await self._sleep(seconds)
        finally:
            self._delayed -= 1

    async def _settle(self, attempt: Attempt, call: Call, check: Check[Who]) -> Who | None:
        try:
            who = await check()
        except LoginRejected as refused:
            if isinstance(refused, SelectionNeeded):  # the password was right
                await self._release(attempt)
            else:
                await self._count_failure(attempt, call)
            raise
        except Exception:
            await self._release(attempt)
            raise
        if who is None:
            await self._count_failure(attempt, call)
        else:
            await self._attempts.succeeded(attempt, who.id)
            self._tell_waiting(attempt.address)
        return who

    async def _count_failure(self, attempt: Attempt, call: Call) -> None:
        bans = await self._attempts.failed(attempt)
        self._tell_waiting(attempt.address)
        for scope in ("account", "address"):
            if getattr(bans, scope):
                self._audit(
                    "banned",
                    scope=scope,
                    provider=attempt.provider,
                    user_id=attempt.user_id if scope == "account" else "",
                    client=call.client_address,
                    request_id=call.request_id,
                    seconds=round(attempt.limits.ban),
                )

    async def _release(self, attempt: Attempt) -> None:
        with suppress(StoreUnavailable):  # the failure that led here is told; the try stays taken until it is forgotten
            await self._attempts.released(attempt)
        self._tell_waiting(attempt.address)

    def _tell_waiting(self, address: str) -> None:
        settled = self._settled.pop(address, None)
        if settled is not None:
            settled.set()

    def _warn_of(self, address: str) -> None:
        if address in self._warned or len(self._warned) >= _MOST_WARNED:
            return
        self._warned.add(address)
        log.warning(
            "%s sends X-Forwarded-For and is not in server.trusted_proxies: logins through it cannot be told apart by"
            " address, so that it is never banned as one; list it if it is a proxy of yours",
            address or "a client",
        )


def network_of(address: str) -> str:
    """What counts as one address: IPv4 as it is, IPv6 by its /64, which one customer has to himself (RFC 6177)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


def delay_after(found: Reservation, attempt: Attempt) -> float:
    """Seconds to hold an attempt back: an account under attack is slowed, and so is a shared address, never locked."""
    over = found.account_failures - attempt.limits.max_failures
    if attempt.address_is_shared:
        over = max(over, found.address_failures - attempt.limits.of_address)
    return 0.0 if over < 0 else min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(over, 16))
