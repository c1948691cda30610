"""One Redis or Valkey, and the few connections to it that all calls of the process share."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from gateway.state.endpoint import Endpoint
from gateway.state.link import Command, Link, Refusal
from gateway.state.script import Script
from gateway.state.shared import Shared

_MOST_LINKS: Final = 16
"""A second one is opened while the first is stuck, and so on: one late answer delays those behind it only."""
_IDLE: Final = 30.0
"""Seconds after which a link that is not the first is not trusted to be still there."""


class Node:
    """Asks one server of the store. Every failure is an OSError; a refused command is answered by a Refusal."""

    def __init__(self, endpoint: Endpoint, scripts: Sequence[Script], link: Link | None = None) -> None:
        self.endpoint = endpoint
        self._scripts: list[Command] = [("SCRIPT", "LOAD", script.source) for script in scripts]
        self._links = [] if link is None else [link]
        self._spare: list[Link] = []
        self._opening = Shared(self._open, name="store connection")
        self._loading: asyncio.Future[list[Any]] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"Node({self.endpoint})"

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """One round trip on a shared connection. Cancelling it harms nobody. Raises OSError."""
        link = self._ready() or await self._link()
        answers = await link.send(commands)
        for answer in answers:
            if isinstance(answer, Refusal):
                return (await self._with_scripts(link, commands, answers))[0]
        return answers

    async def ask_durably(self, commands: Sequence[Command], replicas: int, seconds: float) -> tuple[list[Any], int]:
        """The same, and wait up to `seconds` until so many replicas have what was written; how many do. Raises OSError.

        On a connection that nobody else uses meanwhile: WAIT holds up whatever comes behind it.
        """
        wait: Command = ("WAIT", replicas, max(1, round(seconds * 1000)))
        self._spare = [link for link in self._spare if link.is_open and not link.is_idle(_IDLE)]
        link = self._spare.pop() if self._spare else await self.endpoint.open()
        try:
            *answers, acknowledged = await link.send([*commands, wait])
            if any(isinstance(answer, Refusal) for answer in answers):
                answers, ran = await self._with_scripts(link, commands, answers)
                acknowledged = (await link.send([wait]))[0] if ran else acknowledged
        except BaseException:
            link.abort()
            raise
        if self._closed:
            link.abort()
        else:
            self._spare.append(link)
        return answers, acknowledged if isinstance(acknowledged, int) else 0

    def close(self) -> None:
        """Cut all connections; whoever waits is told."""
        self._closed = True
        self._opening.cancel()
        for link in (*self._links, *self._spare):
            link.abort(ConnectionAbortedError("the connection to the store was closed"))
        self._links, self._spare = [], []

    def _ready(self) -> Link | None:
        """The first link that nobody is stuck on; this is all that a call costs as long as the store is well."""
        for at, link in enumerate(self._links):
            if link.is_open and not link.is_stuck:
                if not at or not link.is_idle(_IDLE):
                    return link
                link.abort()
        return None

    async def _link(self) -> Link:
        """Another link, or the shortest queue where there are enough."""
        while (link := self._ready()) is None:
            self._links = [link for link in self._links if link.is_open]
            if len(self._links) >= _MOST_LINKS:
                return min(self._links, key=lambda link: link.waiting)
            await self._opening.run()
        return link

    async def _open(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("the store was closed")
        link = await self.endpoint.open()
        self._links.append(link)  # not in one expression: the list may be another one by now

    async def _with_scripts(
        self, link: Link, commands: Sequence[Command], answers: list[Any]
    ) -> tuple[list[Any], bool]:
        """A new or restarted server does not know our scripts; what it refused for that did not run, so it runs now."""
        missing = [at for at, answer in enumerate(answers) if isinstance(answer, Refusal) and answer.code == "NOSCRIPT"]
        if missing and self._scripts:
            await self._load(link)
            for at, answer in zip(missing, await link.send([commands[at] for at in missing]), strict=True):
                answers[at] = answer
        return answers, bool(missing)

    async def _load(self, link: Link) -> None:
        """Once for all who were refused at the same time: together they would send megabytes. Raises OSError."""
        if self._loading is None or self._loading.done():
            self._loading = link.send(self._scripts)
        await asyncio.shield(self._loading)
