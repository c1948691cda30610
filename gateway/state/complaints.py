"""What the store refuses, in the log: each reason once a minute, however many requests it fails."""

from collections.abc import Callable
from logging import getLogger
from time import monotonic
from typing import Final

SILENCE: Final = 60.0
"""Seconds for which a reason is not said again."""
_REASONS: Final = 8
"""In that time, whatever they are."""

log = getLogger(__name__)


class Complaints:
    """Of one process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def tell(self, why: str) -> None:
        """Log it, unless that was done just now."""
        now = self._clock()
        self._said = {said: at for said, at in self._said.items() if now - at < SILENCE}
        if why in self._said or len(self._said) >= _REASONS:
            return
        self._said[why] = now
        log.warning("%s", why)
