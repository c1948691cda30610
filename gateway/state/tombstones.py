"""What this process has heard end lately: never alive again for it, and written again to a store that has lost it."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.model import Session

if TYPE_CHECKING:
    from gateway.state.feed import Invalidation

REMEMBERED: Final = 600.0
"""Seconds: far longer than a fail-over takes, a master that was cut off and found it out late included."""
CAPACITY: Final = 10_000
"""The oldest go first. One costs 0.3 KiB."""

Key = tuple[str, ...]


class Tombstones:
    """A fail-over may bring back a master that never got a revocation; those who heard it are its memory."""

    def __init__(self, clock: Callable[[], float] = monotonic, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._heard: OrderedDict[Key, tuple[float, float]] = OrderedDict()
        """By what ended: when that was heard, and the not-before mark where it was one. Oldest first."""

    def __len__(self) -> int:
        return len(self._heard)

    def hear(self, event: "Invalidation") -> None:
        """Remember what ended; that something may have been missed is no end."""
        match event.kind:
            case "session":
                key: Key = ("session", event.session_id)
            case "token":
                key = ("token", event.token_hash)
            case "user":
                key = ("user", event.provider, event.user_id)
            case "tenant":
                key = ("tenant", event.tenant)
            case "all":
                key = ("all",)
            case _:
                return
        now = self._clock()
        _, mark = self._heard.pop(key, (now, event.not_before))
        self._heard[key] = now, max(mark, event.not_before)
        while len(self._heard) > self._capacity or next(iter(self._heard.values()))[0] < now - REMEMBERED:
            self._heard.popitem(last=False)

    def cover(self, session: Session, opened: float, token_hash: str) -> bool:
        """Whether the session, opened at the store's time `opened`, or this token of it was heard to end."""
        heard = self._heard
        if not heard:
            return False
        if ("session", session.id) in heard or ("token", token_hash) in heard:
            return True
        marks = (("all",), ("user", session.provider, session.user_id), ("tenant", session.tenant))
        return any(opened <= heard[key][1] for key in marks if key in heard)

    def remembered(self) -> list[tuple[Key, float]]:
        """Everything that is to be written again, with its mark, oldest first."""
        since = self._clock() - REMEMBERED
        return [(key, mark) for key, (heard_at, mark) in self._heard.items() if heard_at >= since]
