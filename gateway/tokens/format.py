"""What a login's tokens look like: the seam between what is issued and how an ERP's clients know it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.model import Session, TokenKind


@dataclass(frozen=True, slots=True)
class Recognised:
    """A token that a login made, as far as its bytes tell: no store was asked."""

    kind: TokenKind
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Of a JWT, its signature checked; empty for opaque tokens."""
    expired: bool = False
    """The token's own end has passed. The store's record may end it sooner."""
    user_id: str = ""
    """Whose it is, where the token tells: how the session of an expired token is found again."""


class TokenFormat(Protocol):
    """How the tokens of one login are written and recognised. Pure: no store, no network, no failure but a refusal."""

    @property
    def login(self) -> str:
        """The login's name: that of its key ring."""
        ...

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:
        """A token of `kind`; seconds since the epoch, `inf` for no end.

        Where nothing random is in it, other times must make other bytes: the issuer asks again, with a second less to
        live, when the store knows the bytes already.
        """
        ...

    def recognise(self, token: bytes, now: float) -> Recognised | None:
        """What the token is, if this login made it and it is spelled as it was made; None for all else."""
        ...

    def is_ours(self, token: bytes) -> bool:
        """Whether this login made the value, dead or damaged: such a value is never passed on to an ERP."""
        ...

    def fits(self, recognised: Recognised, session: Session) -> bool:
        """Whether what the token tells of its session is true of this one; True where it tells nothing."""
        ...
