"""Who is signed in to the console: opaque cookies, known by their SHA-256 in this process and nowhere else."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

IDLE_SECONDS = 30 * 60.0
LONGEST_SECONDS = 8 * 3600.0
LIMIT = 64
"""Sign-ins at a time; the one that has been idle longest makes room for the next."""

_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of an action, told on the next page."""

    text: str
    lines: tuple[str, ...] = ()
    failed: bool = False


@dataclass(slots=True)
class SignIn:
    """One browser that has proved the admin token."""

    since: float
    seen: float
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(_RANDOM_BYTES), repr=False)
    """Stands in every form: another site's page cannot know it (CWE-352)."""
    notices: list[Notice] = field(default_factory=list)

    def take_notices(self) -> list[Notice]:
        """All that waits to be told; each is told once."""
        waiting, self.notices = self.notices, []
        return waiting


class SignIns:
    """All of them. They end by signing out, by time, and with the process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` in seconds."""
        self._clock = clock
        self._found: dict[bytes, SignIn] = {}

    def __len__(self) -> int:
        return len(self._found)

    def open(self) -> str:
        """A new one; the answer is the cookie's value."""
        now = self._clock()
        self._drop_ended(now)
        while len(self._found) >= LIMIT:
            del self._found[min(self._found, key=lambda digest: self._found[digest].seen)]
        cookie = secrets.token_urlsafe(_RANDOM_BYTES)
        self._found[_digest(cookie)] = SignIn(since=now, seen=now)
        return cookie

    def find(self, cookie: str) -> SignIn | None:
        """Whose cookie this is; it counts as a sign of life."""
        now = self._clock()
        self._drop_ended(now)
        found = self._found.get(_digest(cookie))
        if found is not None:
            found.seen = now
        return found

    def close(self, cookie: str) -> None:
        """End it, if there is one."""
        self._found.pop(_digest(cookie), None)

    def _drop_ended(self, now: float) -> None:
        for digest, one in list(self._found.items()):
            if now - one.seen >= IDLE_SECONDS or now - one.since >= LONGEST_SECONDS:
                del self._found[digest]


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).digest()
