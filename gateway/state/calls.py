"""Round trips to the store: one deadline for a step, and one kind of failure."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from gateway.errors import StoreUnavailable
from gateway.state.breaker import Breaker
from gateway.state.complaints import Complaints
from gateway.state.deadline import deadline
from gateway.state.durable import SHARE, Durability
from gateway.state.link import Command, Refusal
from gateway.state.node import Node
from gateway.state.script import Script
from gateway.state.topology import Topology

__all__ = ["Calls", "Command", "Script"]

_DURABLE_AT_ONCE: Final = 32
"""Each waits for its replicas on a connection of its own."""
_TURNS_TO_CLOSE: Final = 8
"""Of the event loop: a search is broken off, then its questions, then the connections that they are opening; each of
these closes its transport, and that its socket."""


class Calls:
    """What the store's steps are made of. Independent callers share the connections, and none waits for another."""

    def __init__(self, topology: Topology, *, timeout: float, durability: Durability | None = None) -> None:
        self.topology = topology
        self.timeout = timeout
        """Seconds for a whole step, connecting included."""
        self.failures = 0
        """Steps that failed, were too late, or were not tried because the store had just fallen silent."""
        self.breaker = Breaker()
        self._complaints = Complaints()
        self._durability = durability or Durability()
        self._durable_turn = asyncio.Semaphore(_DURABLE_AT_ONCE)

    @asynccontextmanager
    async def budget(self, *, tells: bool = True) -> AsyncIterator[None]:
        """Bound all round trips inside by one deadline. Raises StoreUnavailable for every failure of the store.

        What is refused or late is logged, unless the caller `tells` nobody.
        """
        try:
            with self.breaker.step():
                async with deadline(self.timeout):
                    yield
        except StoreUnavailable as error:
            self.failures += 1
            if not self.breaker.is_open:  # the feed says that the store is away, and why
                self._complaints.tell(f"the store failed: {error}")
            raise
        except TimeoutError as late:
            self.failures += 1
            why = f"the store did not answer within {self.timeout:g} s"
            if tells:  # a stall of a second fails requests and is over before the feed misses it
                self._complaints.tell(f"{why} (store.timeout)")
            raise StoreUnavailable(why) from late
        except (Refusal, OSError) as error:
            self.failures += 1
            why = f"the store failed: {type(error).__name__}: {error}"
            if tells and isinstance(error, Refusal):
                self._complaints.tell(why)
            raise StoreUnavailable(why) from error

    async def one_durably(self, *command: str | bytes | int) -> Any:
        """Like `one`, for a write that no fail-over may lose."""
        return (await self.many_durably((command,)))[0]

    async def many_durably(self, commands: Sequence[Command]) -> list[Any]:
        """Like `many`, and answered once `min_replicas` have it all. Raises StoreUnavailable if too few do in time."""
        durability = self._durability
        if not durability.replicas:
            return await self.many(commands)
        async with self._durable_turn:
            with_fences = [*commands, *durability.fences(commands)]
            answers, acknowledged = await self.topology.ask_durably(
                with_fences, durability.replicas, self.timeout * SHARE
            )
        _raise_first(answers)
        durability.check(acknowledged)
        return answers[: len(commands)]

    async def one(self, *command: str | bytes | int) -> Any:
        """Run one command. Raises Refusal and OSError: call it within `budget`."""
        answer = (await self.topology.ask((command,)))[0]
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def many(self, commands: Sequence[Command]) -> list[Any]:
        """Run independent commands in one round trip; the first that failed is raised once all are answered."""
        answers = await self.topology.ask(commands)
        _raise_first(answers)
        return answers

    async def through(self, master: Node, command: Command) -> Any:
        """Run one command on a server of one's choice, as a whole step. Raises StoreUnavailable.

        Whoever chooses says what is wrong: a server that is a master no more is as it should be.
        """
        async with self.budget(tells=False):
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
        """Close all connections, those that are just being opened as well, and return once their sockets are."""
        self.topology.close()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)


def _raise_first(answers: Sequence[Any]) -> None:
    for answer in answers:
        if isinstance(answer, Refusal):
            raise answer
