"""Servers that are asked no more, and may still answer those who asked before."""

import asyncio

from gateway.state.node import Node


class Retired:
    """Each is closed after a while, or with the rest."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._closing: dict[Node, asyncio.TimerHandle] = {}

    def add(self, node: Node) -> None:
        """Close it in so many seconds."""
        self._closing[node] = asyncio.get_running_loop().call_later(self._seconds, self._close, node)

    def close(self) -> None:
        """Close them all now."""
        for node, later in self._closing.items():
            later.cancel()
            node.close()
        self._closing.clear()

    def _close(self, node: Node) -> None:
        del self._closing[node]
        node.close()
