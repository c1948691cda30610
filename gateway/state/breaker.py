"""The circuit breaker: once the store has fallen silent, nobody waits for it any more, one probe at a time aside."""

from asyncio import CancelledError
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Final

from gateway.errors import StoreUnavailable

FIRST_PAUSE: Final = 0.02
"""Seconds from when it opens to the first probe: what shared one late answer may be well by then, and a step that goes
on after its own failure is not the one to find out."""
PAUSE: Final = 0.1
"""Seconds from a probe that failed to the next: shorter than the feed's heartbeat, so that every heartbeat is one."""
FAILURES: Final = 3
"""So many broken or refused connections in a row, with no answer between them, are one store that is away."""


class Breaker:
    """Watches all steps of one process.

    It opens when a step ran out of time and nobody else had an answer since that step began, or after `FAILURES`
    broken connections, one after the other. A store that is merely slow for some, or refuses commands, is answering.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.is_open = False
        """Steps are refused without being tried."""
        self._clock = clock
        self._answered = 0.0
        self._failures = 0
        self._failed_at = 0.0
        self._probe_at = 0.0
        self._probe: Step | None = None

    def step(self) -> "Step":
        """Around one step on the store; entering it raises StoreUnavailable while the circuit is open."""
        return Step(self)

    def begin(self, step: "Step") -> float:
        """When the step began. Raises StoreUnavailable, unless the step may probe or the circuit is closed."""
        now = self._clock()
        if self.is_open:
            if self._probe is not None or now < self._probe_at:
                raise StoreUnavailable("the store has just failed to answer, and is not asked again yet")
            self._probe = step
        return now

    def answered(self) -> None:
        """The store said something, whatever it was."""
        self._answered = self._clock()
        self._failures = 0
        self.is_open = False
        self._probe = None

    def failed(self, step: "Step", *, late: bool) -> None:
        """A step got no answer: in time, or at all."""
        now = self._clock()
        if not late and step.began >= self._failed_at:  # those who shared a connection that broke are one failure
            self._failures += 1
            self._failed_at = now
        if self._probe is step:
            self._probe = None
            self._probe_at = now + PAUSE
        elif not self.is_open:
            silent = late and self._answered < step.began
            self.is_open = silent or self._failures >= FAILURES
            self._probe_at = now + FIRST_PAUSE

    def left(self, step: "Step") -> None:
        """The caller went away before there was an answer; the next one may probe in its place."""
        if self._probe is step:
            self._probe = None


class Step:
    """One step under the breaker's eyes: it learns from how the step ends."""

    __slots__ = ("_breaker", "began")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self.began = 0.0

    def __enter__(self) -> None:
        """Raises StoreUnavailable."""
        self.began = self._breaker.begin(self)

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(error, CancelledError):
            self._breaker.left(self)
        elif isinstance(error, OSError):
            self._breaker.failed(self, late=isinstance(error, TimeoutError))
        else:  # a refusal is an answer, and so is "I am loading"
            self._breaker.answered()
