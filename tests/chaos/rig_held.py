"""Sessions as a client holds them: what it knows for certain of each, and what it therefore must get."""

from dataclasses import dataclass, field
from enum import Enum
from math import inf

from chaos.rig_nodes import User


class Standing(Enum):
    """What the client knows. UNSURE: a call to end or renew it never came back, so any answer is right."""

    LIVE = "live"
    ENDING = "ending"
    REVOKED = "revoked"
    UNSURE = "unsure"


@dataclass(eq=False)
class Held:
    """One session with every access token it ever had."""

    user: User
    path: str
    tokens: list[str]
    refresh_token: str
    standing: Standing = Standing.LIVE
    revoked_at: float = inf
    busy: bool = False
    history: list[str] = field(default_factory=list)

    @property
    def must_open(self):
        return self.standing is Standing.LIVE

    def must_not_open(self, moment, bound):
        """A request sent at `moment` comes later than the revocation's answer and the stated bound."""
        return self.standing is Standing.REVOKED and moment > self.revoked_at + bound
