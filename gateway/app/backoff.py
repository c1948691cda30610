"""How long to wait before a worker is started again."""

FIRST = 0.1
LONGEST = 5.0
STEADY = 10.0
"""Seconds of service after which an end is no sign of trouble."""


class Backoff:
    """At once the first time, then twice as long each time, until one has served for a while."""

    def __init__(self) -> None:
        self._next = 0.0

    def pause(self) -> float:
        """Seconds to wait before the next start."""
        pause, self._next = self._next, min(max(FIRST, self._next * 2), LONGEST)
        return pause

    def served(self, seconds: float) -> None:
        """A worker ended that had served for so long."""
        if seconds >= STEADY:
            self._next = 0.0
