"""API keys declared in the configuration: found by their SHA-256, without a store."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from gateway.model import Clock, Identity
from gateway.tokens.cache import Verified

PROVIDER = "api_keys"
"""The identity provider of a key's user: a key named like a listed user is not that user."""


@dataclass(frozen=True, slots=True)
class DeclaredKey:
    """One entry of `api_keys`. `digest` is the SHA-256 of the key in hex; `expires_at` in epoch seconds."""

    id: str
    digest: str
    user: str
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    expires_at: float = float("inf")


class ApiKeys:
    """All declared keys of one configuration."""

    def __init__(self, keys: Iterable[DeclaredKey], clock: Clock) -> None:
        self._clock = clock
        self._known = {
            key.digest: Verified(
                Identity(
                    provider=PROVIDER,
                    user_id=key.user,
                    user=key.user,
                    method="api_key",
                    roles=frozenset(key.roles),
                    scopes=frozenset(key.scopes),
                    key_id=key.id,
                    key_routes=frozenset(key.routes),
                ),
                key.expires_at,
                "",
            )
            for key in keys
        }

    def find(self, text: bytes) -> Verified | None:
        """The key's identity, or None. Looked up by hash only, so that timing says nothing of the keys there are."""
        verified = self._known.get(sha256(text).hexdigest())
        if verified is None or self._clock() >= verified.expires_at:
            return None
        return verified

    def declares(self, text: bytes) -> bool:
        """Whether this text is a declared key, expired or not."""
        return sha256(text).hexdigest() in self._known

    def __bool__(self) -> bool:
        return bool(self._known)
