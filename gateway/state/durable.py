"""Writes that a fail-over must not lose: replicas have them before anybody is told that they are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import StoreUnavailable
from gateway.state.link import Command

SHARE: Final = 0.5
"""Of a step's time, that its replicas may take: an answer of too few is an answer, and no silence."""
_FENCE_LIFE: Final = 1000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Durability:
    """How many replicas have to acknowledge; 0: none is asked. `prefix` is that of every key."""

    replicas: int = 0
    prefix: str = "gw:"

    def fences(self, commands: Sequence[Command]) -> list[Command]:
        """A write of our own beside each of these, in the slot of its key.

        WAIT asks for what this connection has written. A revocation tried again after too few had the first one writes
        nothing any more, and would be acknowledged without having been passed on.
        """
        keys = dict.fromkeys(self._beside(key_of(command)) for command in commands)
        return [("SET", key, "", "PX", _FENCE_LIFE) for key in keys]

    def check(self, acknowledged: int) -> None:
        """Raises StoreUnavailable if that is too few: the write may be lost, so it is not said to be done."""
        if acknowledged < self.replicas:
            raise StoreUnavailable(f"{acknowledged} replicas have what was written, not {self.replicas}")

    def _beside(self, key: str) -> str:
        _, _, rest = key.partition("{")
        tag, closed, _ = rest.partition("}")
        return f"{self.prefix}d:{{{tag if closed and tag else key}}}"


def key_of(command: Command) -> str:
    """The (first) key of a command that we send: of a script, or what follows the name."""
    return str(command[3] if command[0] == "EVALSHA" else command[1])
