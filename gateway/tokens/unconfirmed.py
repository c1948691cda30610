"""Tells of tokens that were let in while the store could not be asked: each is counted, its session audited."""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from gateway.tokens.session_id import public_id
from gateway.tokens.shelf import Verified

AGAIN: Final = 60.0
"""Seconds after which the same session is audited again."""
_CAPACITY: Final = 10_000


class Unconfirmed:
    """Called for each such request; `count` always, `audit` at most once a minute for a session."""

    def __init__(
        self, count: Callable[[], None], audit: Callable[..., Any], clock: Callable[[], float] = monotonic
    ) -> None:
        self._count = count
        self._audit = audit
        self._clock = clock
        self._told: dict[str, float] = {}

    def __call__(self, verified: Verified) -> None:
        """A token was let in unconfirmed."""
        self._count()
        now = self._clock()
        if now < self._told.get(verified.session_id, 0.0):
            return
        if len(self._told) >= _CAPACITY:
            self._told.clear()  # some are told twice, rather than any never
        self._told[verified.session_id] = now + AGAIN
        identity = verified.identity
        self._audit(
            "unconfirmed",
            user=identity.user,
            user_id=identity.user_id,
            provider=identity.provider,
            login=identity.login,
            session=public_id(verified.session_id),
            result="accepted",
        )
