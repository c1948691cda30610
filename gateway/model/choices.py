"""What is chosen at a login and asked at a refresh."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.model.identity import Account, Session


@dataclass(frozen=True, slots=True)
class Choice:
    """What a session is opened for, where a dialect lets the client choose; None is what the account has."""

    tenant: str | None = None
    roles: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    """At most the account's: ScopeRejected otherwise."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Kept in `Session.context`; the keys `roles`, `scopes` and `mark` are the broker's own."""
    left_open: frozenset[str] = frozenset()
    """Keys of the context that the client did not ask for: an ERP that is signed in to has its own defaults."""


ACCOUNTS_OWN: Final = Choice()
"""Nothing was chosen."""


def _nothing_more(_: Session) -> None:
    """No check beyond those of every refresh."""


@dataclass(frozen=True, slots=True)
class RefreshRules:
    """What a dialect adds to a refresh."""

    before: Callable[[Session], None] = _nothing_more
    """Raises to refuse. Asked after a second use was looked for; a live token is not spent by a refusal."""
    renew: Callable[[Session, Account], Session | None] | None = None
    """The session as it is from now on, given the account as it is now; None: what it was opened for is gone."""


PLAIN_REFRESH: Final = RefreshRules()
"""No rules beyond those of every refresh."""
