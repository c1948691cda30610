"""Refreshes whose answer was lost: remembered so that the same one, and no other, is sent to the store again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

from gateway.state.records import Rotation, TokenKnown
from gateway.tokens.sealing import Successors

_MEMORY: Final = 60.0
"""Seconds after the last failed attempt; every further attempt that fails counts anew."""
_CAPACITY: Final = 4096


@dataclass(frozen=True, slots=True)
class Attempt:
    """One refresh on its way to the store, and what it hands out."""

    rotation: Rotation
    successors: Successors


class Unanswered:
    """A time-out or a client that left may hide a rotation that was taken.

    Trying again with other successors would then be a second use of a spent token, and after the grace the end of the
    session: an outage would log people out (keycloak#49213). The very same records are a repetition instead, which the
    store knows as one.
    """

    def __init__(self, memory: float = _MEMORY, capacity: int = _CAPACITY) -> None:
        self._memory = memory
        self._capacity = capacity
        self._kept: dict[str, tuple[float, Attempt]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, spent_hash: str) -> Attempt | None:
        """What was tried for this token and may have been taken; forgotten by being asked for."""
        until, attempt = self._kept.pop(spent_hash, (0.0, None))
        return attempt if monotonic() < until else None

    @contextmanager
    def until_answered(self, attempt: Attempt) -> Iterator[None]:
        """Remember the attempt if what is inside ends without an answer of the store."""
        try:
            yield
        except TokenKnown:
            raise  # an answer: other bytes are wanted
        except BaseException:
            self._remember(attempt)
            raise

    def _remember(self, attempt: Attempt) -> None:
        now = monotonic()
        if len(self._kept) >= self._capacity:
            self._kept = {spent: kept for spent, kept in self._kept.items() if now < kept[0]}
            if len(self._kept) >= self._capacity:
                del self._kept[next(iter(self._kept))]
        # Of several at once the first is the likeliest to have been taken.
        _, first = self._kept.get(attempt.rotation.spent_hash, (now, attempt))
        self._kept[attempt.rotation.spent_hash] = (now + self._memory, first)
