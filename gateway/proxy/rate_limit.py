"""How many requests a route takes from one caller, counted by all workers of this machine in memory they share."""

import hashlib
from math import ceil
from struct import Struct
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from gateway.authn.authenticator import FOREIGN, NOBODY
from gateway.broker.protection import network_of
from gateway.errors import TooManyRequests
from gateway.tokens.cache import Verified

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange

By = Literal["identity", "address", "route"]

_ENTRY: Final = Struct("=Qd")
_WAYS: Final = 8
"""Places in which a caller may be found: the one that has waited longest makes way for a new caller."""
MEMORY_BYTES: Final = 1024 * 1024
"""For 65,536 callers at once. One more makes somebody's count begin anew: a full table refuses nobody wrongly."""


class SpentRequests:
    """A table of fixed size: caller -> the moment up to which its requests are used up (`time.monotonic`).

    Entries are written without a lock: two workers that count one caller in the same microsecond count one request.
    """

    def __init__(self, memory: bytearray | memoryview | None = None) -> None:
        """`memory`: zeroed, a multiple of 128 bytes, shared where several workers are to count as one."""
        self._memory = bytearray(MEMORY_BYTES) if memory is None else memory
        self._sets = len(self._memory) // (_ENTRY.size * _WAYS)

    def spend(self, caller: int, now: float, interval: float, burst: float) -> float:
        """Count one request; 0.0, or the seconds after which the next one will do.

        The generic cell rate algorithm (ITU-T I.371): a request uses up `interval` seconds, and `burst` seconds may be
        used up in advance.
        """
        place, spent = self._find(caller, now)
        spent = max(spent, now)
        if spent + interval > now + burst + 1e-9:  # what is equal on paper is equal
            return spent + interval - now - burst
        _ENTRY.pack_into(self._memory, place, caller, spent + interval)
        return 0.0

    def _find(self, caller: int, now: float) -> tuple[int, float]:
        start = (caller >> 1) % self._sets * _ENTRY.size * _WAYS  # the lowest bit of every caller is set
        oldest, oldest_spent = start, float("inf")
        for place in range(start, start + _ENTRY.size * _WAYS, _ENTRY.size):
            found, spent = _ENTRY.unpack_from(self._memory, place)
            if found == caller:
                return place, spent
            if spent < oldest_spent:
                oldest, oldest_spent = place, spent
        return oldest, now


class RateLimit:
    """The limit of one route."""

    def __init__(self, route: str, requests: int, per: float, by: By, spent: SpentRequests) -> None:
        """`requests` in `per` seconds, all of them at once if need be; each caller by itself, or everyone together."""
        self._route = route
        self._interval = per / requests
        self._burst = per
        self._by = by
        self._spent = spent
        self._everyone = _fingerprint(route)

    def count(self, exchange: "Exchange", verified: Verified) -> None:
        """One more request of this caller. Raises TooManyRequests."""
        wait = self._spent.spend(self._caller(exchange, verified), monotonic(), self._interval, self._burst)
        if wait > 0.0:
            raise TooManyRequests("the route's rate limit", retry_after=max(1, ceil(wait)))

    def _caller(self, exchange: "Exchange", verified: Verified) -> int:
        if self._by == "route":
            return self._everyone
        if self._by == "address" or verified is NOBODY or verified is FOREIGN:
            return _fingerprint(self._route, network_of(exchange.client.peer.client_address(exchange)))
        caller: int | None = verified.headers.get(self)
        if caller is None:  # kept with the identity, as its ready-made header lines are
            identity = verified.identity
            caller = _fingerprint(self._route, identity.provider, identity.key_id or identity.user_id)
            verified.headers[self] = caller
        return caller


def _fingerprint(*parts: str) -> int:
    """64 bits that every worker computes alike, and never 0, which is an empty place."""
    text = "\0".join(parts).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") | 1
