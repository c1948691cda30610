"""Round trips to the store: one deadline for a step, and one kind of failure."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.state.breaker import Breaker
from gateway.state.link import Command, Refusal
from gateway.state.node import Node
from gateway.state.script import Script
from gateway.state.topology import Topology

__all__ = ["Calls", "Command", "Script"]


class Calls:
    """What the store's steps are made of. Independent callers share the connections, and none waits for another."""

    def __init__(self, topology: Topology, *, timeout: float) -> None:
        self.topology = topology
        self.timeout = timeout
        """Seconds for a whole step, connecting included."""
        self.failures = 0
        """Steps that failed, were too late, or were not tried because the store had just fallen silent."""
        self.breaker = Breaker()

    @asynccontextmanager
    async def budget(self) -> AsyncIterator[None]:
        """Bound all round trips inside by one deadline. Raises StoreUnavailable for every failure of the store."""
        try:
            with self.breaker.step():
                async with asyncio.timeout(self.timeout):
                    yield
        except StoreUnavailable:
            self.failures += 1
            raise
        except TimeoutError as late:
            self.failures += 1
            raise StoreUnavailable(f"the store did not answer within {self.timeout:g} s") from late
        except (Refusal, OSError) as error:
            self.failures += 1
            raise StoreUnavailable(f"the store failed: {type(error).__name__}: {error}") from error

    async def one(self, *command: str | bytes | int) -> Any:
        """Run one command. Raises Refusal and OSError: call it within `budget`."""
        answer = (await self.topology.ask((command,)))[0]
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def many(self, commands: Sequence[Command]) -> list[Any]:
        """Run independent commands in one round trip; the first that failed is raised once all are answered."""
        answers = await self.topology.ask(commands)
        for answer in answers:
            if isinstance(answer, Refusal):
                raise answer
        return answers

    async def through(self, master: Node, command: Command) -> Any:
        """Run one command on a server of one's choice, as a whole step. Raises StoreUnavailable."""
        async with self.budget():
            answer = (await master.ask((command,)))[0]
            if isinstance(answer, Refusal):
                raise answer
        return answer

    async def masters(self) -> Sequence[Node]:
        """The servers that take writes now. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(self.timeout):
                return await self.topology.masters()
        except OSError as error:
            raise StoreUnavailable(f"the store's masters are not known: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        self.topology.close()
