"""Who answers for which key: the seam between the store's calls and the servers that hold its data."""

from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import Any, Protocol

from gateway.state.link import Command
from gateway.state.node import Node

Ask = Callable[[Node, Sequence[Command]], Awaitable[tuple[list[Any], float]]]
"""How one server is asked: its answers, and how many replicas have what was written."""


class Topology(Protocol):
    """Some servers that are one store. Nothing is connected before it is needed; every failure is an OSError."""

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Send each command to whoever holds its key, in one round trip where that is one server.

        What a server refused is answered by a Refusal, in its place. What was certainly not run because its key lives
        elsewhere is sent there; nothing else is ever sent twice. Raises OSError.
        """

    async def ask_durably(self, commands: Sequence[Command], replicas: int, seconds: float) -> tuple[list[Any], int]:
        """The same, and how many replicas have what was written: the fewest of all servers asked."""

    async def masters(self) -> Sequence[Node]:
        """The servers that take writes now, each once. Raises OSError if that cannot be found out."""

    def key_on(self, master: Node, stem: str) -> str:
        """A key that begins with `stem` and lives on that master."""

    def doubt(self, master: Node) -> None:
        """It failed or refused: look again who the masters are."""

    def close(self) -> None:
        """Cut all connections."""


class Single:
    """One server, which is the master for all keys."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.ask = node.ask
        self.ask_durably = node.ask_durably
        self.close = node.close

    async def masters(self) -> Sequence[Node]:
        """The one."""
        return (self.node,)

    def key_on(self, _master: Node, stem: str) -> str:
        """Any key will do."""
        return stem

    def doubt(self, _master: Node) -> None:
        """There is no other."""


async def plainly(node: Node, commands: Sequence[Command]) -> tuple[list[Any], float]:
    """Ask for answers only: no number of replicas is too small. Raises OSError."""
    return await node.ask(commands), inf
