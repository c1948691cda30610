"""How a worker, or the gateway, is to end."""

from dataclasses import asdict, dataclass
from typing import Any

IDLE_GRACE = 2.0
"""Seconds for which a client may still send a request on a connection that is idle when we begin to drain."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Take no new clients, and end when the last one is served."""

    limit: float = 0.0
    """Seconds after which what is left is cut."""
    idle_grace: float = IDLE_GRACE
    """Seconds; see IDLE_GRACE. A connection that is closed just when its client sends costs that client a request."""
    take_queued: bool = False
    """Nobody will accept those who have connected and wait: serve them, too."""

    def message(self) -> dict[str, Any]:
        """As it is told to a worker."""
        return {"do": "drain", "how": asdict(self)}


AT_ONCE = Drain(0.0, 0.0)
"""Wait for nothing."""
