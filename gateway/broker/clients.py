"""OAuth2 clients: authenticates them with argon2 once, then from a short memory of keyed digests."""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from secrets import token_bytes
from time import monotonic
from typing import Final

from gateway.identity_providers.passwords import PasswordChecks, decoy_hash
from gateway.model import OAuthClient, spawn

_MEMORY: Final = 60.0
"""Seconds for which a secret that was right is not hashed again: machine clients come often."""
_MOST_PLACES: Final = 4096
"""Clients and addresses whose last right secret is known; the one that has waited longest makes way."""


class OAuthClients:
    """The `clients` of the configuration. An unknown id costs what a wrong secret does."""

    def __init__(self, clients: Iterable[OAuthClient], checks: PasswordChecks, *, memory: float = _MEMORY) -> None:
        self._clients = {client.id: client for client in clients}
        self._checks = checks
        self._memory = memory
        self._decoy = decoy_hash([client.secret_hash for client in self._clients.values()])
        self._key = token_bytes(32)
        """Known to this process only: a digest in a core dump opens nothing and cannot be guessed offline."""
        self._verified: dict[bytes, float] = {}
        self._places: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()
        """Client and address -> the digest of the secret that was right there, and until when it is believed."""
        self._running: dict[bytes, asyncio.Task[bool]] = {}

    def listed(self, client_id: str, login: str) -> OAuthClient | None:
        """The client as it is listed now; None if it is not, or may not use this login."""
        client = self._clients.get(client_id)
        return client if client is not None and (not client.logins or login in client.logins) else None

    def remembered(self, readings: Sequence[tuple[str, str]], place: str) -> OAuthClient | None:
        """The client, if one of these secrets was right in this place a short while ago; nothing is hashed or counted.

        By place, and forgotten at the first other secret: whoever guesses there must not be told that he was right.
        """
        now = monotonic()
        for client_id, secret in readings:
            digest, until = self._places.get((client_id, place), (b"", 0.0))
            if now < until and hmac.compare_digest(digest, self._digest(client_id, secret)):
                return self._clients.get(client_id)
        for client_id, _ in readings:
            self._places.pop((client_id, place), None)
        return None

    def remember(self, client_id: str, secret: str, place: str) -> None:
        """Believe this secret in this place for a while: it was right there, and counted as a try."""
        self._places[client_id, place] = (self._digest(client_id, secret), monotonic() + self._memory)
        if len(self._places) > _MOST_PLACES:
            self._places.popitem(last=False)

    async def authenticate(self, client_id: str, secret: str) -> OAuthClient | None:
        """The client whose secret this is, or None. Raises Unavailable when too many checks are waiting."""
        client = self._clients.get(client_id)
        digest = self._digest(client_id, secret)
        if client is not None and monotonic() < self._verified.get(digest, 0.0):
            return client
        # Callers with the same secret share one check; a caller that leaves does not end it for the others.
        check = self._running.get(digest)
        if check is None:
            check = spawn(self._check(client, secret), name="client secret check")
            self._running[digest] = check
            check.add_done_callback(lambda done: self._finished(digest, done))
        return client if await asyncio.shield(check) else None

    async def _check(self, client: OAuthClient | None, secret: str) -> bool:
        matches = await self._checks.matches(client.secret_hash if client else self._decoy, secret)
        return matches and client is not None

    def _finished(self, digest: bytes, check: "asyncio.Task[bool]") -> None:
        del self._running[digest]
        if not check.cancelled() and check.exception() is None and check.result():
            now = monotonic()
            self._verified = {known: until for known, until in self._verified.items() if now < until}
            self._verified[digest] = now + self._memory

    def _digest(self, client_id: str, secret: str) -> bytes:
        name = client_id.encode()
        # Length-prefixed: no two pairs of id and secret make the same input (CVE-2026-48096).
        return hmac.digest(self._key, len(name).to_bytes(4, "big") + name + secret.encode(), "sha256")
