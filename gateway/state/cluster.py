"""A Redis or Valkey Cluster: every command goes to the master of its slot, wherever that has moved to."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any, Final

from gateway.state.endpoint import Endpoint
from gateway.state.link import Command, Refusal
from gateway.state.node import Node
from gateway.state.opinions import opinions
from gateway.state.retired import Retired
from gateway.state.script import Script
from gateway.state.shared import Shared
from gateway.state.slots import Address, SlotMap, read_redirection, read_slots, slot_of, slot_of_key
from gateway.state.topology import Ask, plainly

_ELSEWHERE: Final = frozenset({"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"})
"""Refusals that say: not run, and not to be run here or now."""
_MOST_TRIES: Final = 16
_PAUSE: Final = 0.03
"""Seconds before a slot in motion, or a Cluster that is counting its nodes, is asked again."""
_EVERY: Final = 5.0
"""Seconds after which the slots are looked up again although nobody was sent elsewhere."""
_MOST_ASKED: Final = 12


class Cluster:
    """Follows MOVED, ASK and fail-overs. What was surely not run is sent where it belongs; nothing else is repeated."""

    def __init__(self, seeds: Sequence[Endpoint], scripts: Sequence[Script]) -> None:
        self._seeds = tuple((seed.host, seed.port) for seed in seeds)
        self._us = seeds[0]
        self._scripts = scripts
        self._nodes: dict[Address, Node] = {}
        self._map: SlotMap | None = None
        self._owners: list[Node] = []
        self._masters: tuple[Node, ...] = ()
        self._keys: dict[tuple[Node, str], str] = {}
        self._mapped_at = 0.0
        self._mapping = Shared(self._look_up, name="cluster slots")
        self._retired = Retired(self._us.timeout)
        self._closed = False

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """One round trip to each master concerned, at once. Raises OSError."""
        return (await self._ask(commands, plainly))[0]

    async def ask_durably(self, commands: Sequence[Command], replicas: int, seconds: float) -> tuple[list[Any], int]:
        """The same, and how many replicas have what was written: the fewest of all masters asked. Raises OSError."""
        answers, acknowledged = await self._ask(commands, lambda node, some: node.ask_durably(some, replicas, seconds))
        return answers, int(acknowledged)

    async def masters(self) -> Sequence[Node]:
        """All who serve slots. Raises OSError if no node says."""
        if not self._masters:
            await self._mapping.run()
        elif monotonic() - self._mapped_at > _EVERY:
            self._mapping.start()
        return self._masters

    def key_on(self, master: Node, stem: str) -> str:
        """The first of stem0, stem1, … that the master serves; the stem itself for one that serves nothing."""
        if (key := self._keys.get((master, stem))) is None:
            tries = range(100_000) if master in self._masters else ()
            found = (key for n in tries if self._owners[slot_of_key(key := f"{stem}{n}")] is master)
            key = self._keys[master, stem] = next(found, stem)
        return key

    def doubt(self, _master: Node) -> None:
        """Look the slots up again, beside whatever else is asked."""
        if not self._closed:
            self._mapping.start()

    def close(self) -> None:
        """Cut all connections."""
        self._closed = True
        self._mapping.cancel()
        for node in self._nodes.values():
            node.close()
        self._retired.close()

    # -- asking

    async def _ask(self, commands: Sequence[Command], ask: Ask) -> tuple[list[Any], float]:
        if not self._masters:
            await self._mapping.run()
        parts: dict[Node, list[int]] = {}
        for at, command in enumerate(commands):
            parts.setdefault(self._owner(command), []).append(at)
        if len(parts) == 1:
            (node,) = parts
            answers, fewest = await self._ask_node(node, commands, ask)
        else:
            answers, fewest = await self._ask_several(parts, commands, ask)
        for at, answer in enumerate(answers):
            if isinstance(answer, Refusal) and answer.code in _ELSEWHERE:
                answers[at], acknowledged = await self._redirect(self._owner(commands[at]), commands[at], answer, ask)
                fewest = min(fewest, acknowledged)
        return answers, fewest

    async def _ask_several(
        self, parts: dict[Node, list[int]], commands: Sequence[Command], ask: Ask
    ) -> tuple[list[Any], float]:
        """All at once; the first failure is raised once all have answered or failed."""
        rounds = [self._ask_node(node, [commands[at] for at in part], ask) for node, part in parts.items()]
        answers: list[Any] = [None] * len(commands)
        fewest = inf
        for part, answered in zip(parts.values(), await asyncio.gather(*rounds, return_exceptions=True), strict=True):
            if isinstance(answered, BaseException):
                raise answered
            fewest = min(fewest, answered[1])
            for at, answer in zip(part, answered[0], strict=True):
                answers[at] = answer
        return answers, fewest

    async def _ask_node(self, node: Node, commands: Sequence[Command], ask: Ask) -> tuple[list[Any], float]:
        try:
            return await ask(node, commands)
        except ConnectionRefusedError:  # nothing was sent: if the slot has a new master by now, that one is asked
            await self._mapping.run()
            heir = self._owner(commands[0])
            if heir is node or any(self._owner(command) is not heir for command in commands):
                raise
            return await ask(heir, commands)
        except OSError:
            self.doubt(node)
            raise

    async def _redirect(self, node: Node, command: Command, refusal: Refusal, ask: Ask) -> tuple[Any, float]:
        """Follow a command to whoever runs it, for as long as its caller waits."""
        answer: Any = refusal
        acknowledged = inf
        for _ in range(_MOST_TRIES):
            if not (isinstance(answer, Refusal) and answer.code in _ELSEWHERE):
                break
            sent: list[Command] = [command]
            if answer.code in {"MOVED", "ASK"}:
                node = self._node(read_redirection(str(answer).split(" "), node.endpoint.host))
                sent = [command] if answer.code == "MOVED" else [("ASKING",), command]
            else:
                await asyncio.sleep(_PAUSE)
            if answer.code in {"MOVED", "CLUSTERDOWN"}:
                self._mapping.start()
            if answer.code == "CLUSTERDOWN":
                await self._mapping.run()
                node = self._owner(command)
            answers, acknowledged = await self._ask_node(node, sent, ask)
            answer = answers[-1]
        return answer, acknowledged

    def _owner(self, command: Command) -> Node:
        slot = slot_of(command)
        return self._masters[0] if slot is None else self._owners[slot]

    def _node(self, address: Address) -> Node:
        if (node := self._nodes.get(address)) is None:
            node = self._nodes[address] = Node(self._us.at(*address), self._scripts)
        return node

    # -- who serves what

    async def _look_up(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("the store was closed")
        await asyncio.sleep(self._mapped_at + _PAUSE - monotonic())  # many who were sent elsewhere ask but once
        known = () if self._map is None else (*self._map.masters, *self._map.replicas)
        addresses = list(dict.fromkeys((*known, *self._seeds)))[:_MOST_ASKED]
        questions = (self._see(self._us.at(*address)) for address in addresses)
        views = Counter(await opinions(questions, name="cluster slots"))
        self._mapped_at = monotonic()
        if not views:
            raise ConnectionError("no node of the cluster says who serves all slots")
        self._use(views.most_common(1)[0][0])

    async def _see(self, where: Endpoint) -> SlotMap:
        """How one node sees the slots. Raises OSError and ValueError."""
        (answer,) = await self._node((where.host, where.port)).ask([("CLUSTER", "SLOTS")])
        seen = read_slots(answer, where.host)
        list(seen.owners())
        return seen

    def _use(self, seen: SlotMap) -> None:
        if seen == self._map:
            return
        self._map = seen
        self._owners = [self._node(address) for address in seen.owners()]
        self._masters = tuple(self._node(address) for address in sorted(seen.masters))
        self._keys = {}
        for address in set(self._nodes) - seen.masters - seen.replicas - set(self._seeds):
            self._retired.add(self._nodes.pop(address))
