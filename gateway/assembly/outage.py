"""What is served while the store is away: what has to hold for it, and who is told."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from gateway.assembly.shared import Shared
from gateway.config.document import Loaded
from gateway.tokens.unconfirmed import Unconfirmed


@runtime_checkable
class MayPublishSecret(Protocol):
    """Options of a dialect that can show everybody the secret of its tokens."""

    @property
    def publishes_secret(self) -> bool:
        """Whether they do."""
        ...


def refuse_published_secrets(loaded: Loaded, options: Mapping[str, object]) -> None:
    """Report `when_down: verify_signed` beside a login, by name, whose tokens anybody can sign.

    There the store alone tells a token that was issued from one that was made.
    """
    if loaded.config.store.when_down != "verify_signed":
        return
    for name, each in options.items():
        if isinstance(each, MayPublishSecret) and each.publishes_secret:
            loaded.report(
                ("store", "when_down"), f"verify_signed cannot stand beside logins.{name}, which publishes its secret"
            )


def tell_unconfirmed(shared: Shared) -> Unconfirmed:
    """Counts, and audits, what is let in unconfirmed."""

    def count() -> None:
        shared.metrics.count("unconfirmed_requests_total")

    return Unconfirmed(count, shared.audit)
