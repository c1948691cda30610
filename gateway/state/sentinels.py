"""One master among replicas, whichever the sentinels name; a fail-over is followed within a moment."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from typing import Any, Final

from gateway.model import spawn
from gateway.state.endpoint import Endpoint
from gateway.state.link import Command, Link, Refusal
from gateway.state.node import Node
from gateway.state.opinions import opinions
from gateway.state.retired import Retired
from gateway.state.script import Script
from gateway.state.shared import Shared
from gateway.state.topology import Ask, plainly

_SWITCH: Final = b"+switch-master"
_EVERY: Final = 1.0
"""Seconds between questions to each sentinel, in case what it announced went unheard."""
_PAUSE: Final = 0.05
_MOST_TRIES: Final = 8


class _NobodyNamesAny(ConnectionError):
    """All sentinels are away, or know nothing."""


class Sentinels:
    """Asks the master only: one that answers READONLY was demoted, and what it refused is sent to its successor."""

    def __init__(self, sentinels: Sequence[Endpoint], name: str, us: Endpoint, scripts: Sequence[Script]) -> None:
        self._sentinels = sentinels
        self._name = name
        self._us = us
        """Who we are on the servers that hold the data; the sentinels know us by a name of their own."""
        self._scripts = scripts
        self._master: Node | None = None
        self._last: Node | None = None
        self._retired = Retired(us.timeout)
        self._looking = Shared(self._search, name="store master")
        self._watching: list[asyncio.Task[None]] = []
        self._closed = False

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """One round trip to the master. Raises OSError."""
        return (await self._ask(commands, plainly))[0]

    async def ask_durably(self, commands: Sequence[Command], replicas: int, seconds: float) -> tuple[list[Any], int]:
        """The same, and how many replicas have what was written. Raises OSError."""
        answers, acknowledged = await self._ask(commands, lambda node, some: node.ask_durably(some, replicas, seconds))
        return answers, int(acknowledged)

    async def masters(self) -> Sequence[Node]:
        """The one. Raises OSError."""
        return (self._master or await self._find(),)

    def key_on(self, _master: Node, stem: str) -> str:
        """Any key will do."""
        return stem

    def doubt(self, master: Node) -> None:
        """Whoever asks next, asks the sentinels first."""
        if master is self._master:
            self._master = None

    def close(self) -> None:
        """Cut all connections and stop following the sentinels."""
        self._closed = True
        self._looking.cancel()
        for task in self._watching:
            task.cancel()
        if self._last is not None:
            self._last.close()
        self._retired.close()

    async def _ask(self, commands: Sequence[Command], ask: Ask) -> tuple[list[Any], float]:
        answers: list[Any] = [None] * len(commands)
        left = list(range(len(commands)))
        fewest = inf
        for _ in range(_MOST_TRIES):
            master = self._master or await self._find()
            try:
                some, acknowledged = await ask(master, [commands[at] for at in left])
            except OSError:
                self.doubt(master)
                raise
            fewest = min(fewest, acknowledged)
            for at, answer in zip(left, some, strict=True):
                answers[at] = answer
            left = [at for at in left if isinstance(answers[at], Refusal) and answers[at].code == "READONLY"]
            if not left:
                break
            self.doubt(master)
        return answers, fewest

    # -- who is the master

    async def _find(self) -> Node:
        while self._master is None:
            if self._closed:
                raise ConnectionAbortedError("the store was closed")
            if not self._watching:
                self._watching = [spawn(self._watch(one), name="sentinel") for one in self._sentinels]
            await self._looking.run()
        return self._master

    async def _search(self) -> None:
        """Ask until the named master says that it is one. Raises OSError once that has taken too long.

        Where no sentinel names any, nobody can have failed over: the one before is good for as long as it says so.
        """
        why: Exception = _NobodyNamesAny("no sentinel answered")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._us.timeout):
                while True:
                    try:
                        where = self._us.at(*await self._named())
                        return self._take(where, await where.open())
                    except OSError as error:
                        why = error
                    if self._last is not None and isinstance(why, _NobodyNamesAny):
                        break
                    await asyncio.sleep(_PAUSE)
        if self._last is not None and isinstance(why, _NobodyNamesAny):
            where = self._last.endpoint
            return self._take(where, await where.open())
        raise ConnectionError(f"the sentinels name no master of {self._name} that answers: {why}")

    def _take(self, where: Endpoint, link: Link) -> None:
        """It is the master from now on, if it says so. Raises ConnectionError."""
        if link.greeting.get(b"role") != b"master":
            link.abort()
            raise ConnectionError(f"{where} is not a master")
        last = self._last
        if last is not None and last.endpoint == where:
            link.abort()
            self._master = last
            return
        self._master = self._last = Node(where, self._scripts, link)
        if last is not None:
            self._retired.add(last)

    async def _named(self) -> tuple[str, int]:
        """The address that most sentinels of the newest epoch name. Raises OSError if none names any."""
        votes = await opinions((self._ask_sentinel(one) for one in self._sentinels), name="sentinel")
        if not votes:
            raise _NobodyNamesAny(f"no sentinel knows a master named {self._name}")
        return max(votes, key=lambda vote: (vote[0], votes.count(vote)))[1]

    async def _ask_sentinel(self, sentinel: Endpoint) -> tuple[int, tuple[str, int]]:
        """Its newest epoch, and whom it names. Raises OSError."""
        link = await sentinel.open()
        try:
            address, known = await link.send(
                [("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name), ("SENTINEL", "MASTER", self._name)]
            )
        finally:
            link.abort()
        if not isinstance(address, list):
            raise ConnectionError(f"{sentinel} knows no master named {self._name}")
        fields = known if isinstance(known, dict) else {}
        return int(fields.get(b"config-epoch", 0)), (address[0].decode(), int(address[1]))

    async def _watch(self, sentinel: Endpoint) -> None:
        """Hear of fail-overs from one sentinel, and ask it now and then; whatever it says is put to all of them."""
        while True:
            with suppress(OSError, Refusal):
                link = await sentinel.open(self._announced)
                try:
                    await link.send([("SUBSCRIBE", _SWITCH), ("PING",)], answers=1)
                    while not link.ended.done():
                        (named,) = await link.send([("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)])
                        if isinstance(named, list):
                            self._hear(named[0].decode(), int(named[1]))
                        await asyncio.wait((link.ended,), timeout=_EVERY)
                finally:
                    link.abort()
            await asyncio.sleep(_EVERY / 4)

    def _announced(self, push: Any) -> None:
        if push[:2] == [b"message", _SWITCH]:
            name, _, _, host, port = push[2].decode().split(" ")
            if name == self._name:
                self._hear(host, int(port))

    def _hear(self, host: str, port: int) -> None:
        if self._last is not None and self._last.endpoint != self._us.at(host, port):
            self._looking.start()
