"""API keys declared in the configuration: found by their SHA-256, without a store."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from gateway.errors import Reason
from gateway.model import Clock, Identity
from gateway.tokens.cache import Verified
from gateway.tokens.made_keys import PROVIDER


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
    blocked: bool = False


class ApiKeys:
    """All declared keys of one configuration."""

    def __init__(self, keys: Iterable[DeclaredKey], clock: Clock) -> None:
        self._clock = clock
        keys = tuple(keys)
        self._blocked = frozenset(key.digest for key in keys if key.blocked)
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
        digest = sha256(text).hexdigest()
        verified = self._known.get(digest)
        if verified is None or self._clock() >= verified.expires_at or digest in self._blocked:
            return None
        return verified

    def why_not(self, text: bytes) -> Reason | None:
        """Why a declared key opens nothing; None where it is no declared key, or a good one."""
        digest = sha256(text).hexdigest()
        if digest in self._blocked:
            return Reason.KEY_BLOCKED
        verified = self._known.get(digest)
        return Reason.KEY_EXPIRED if verified is not None and self._clock() >= verified.expires_at else None

    def declares(self, text: bytes) -> bool:
        """Whether this text is a declared key, expired or not."""
        return sha256(text).hexdigest() in self._known

    def __bool__(self) -> bool:
        return bool(self._known)
