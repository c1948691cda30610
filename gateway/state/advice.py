"""What a store's own settings make unsafe, said in the log: nobody reads them before something is lost."""

import asyncio
from contextlib import suppress
from logging import getLogger

from gateway.errors import StoreUnavailable
from gateway.model import spawn
from gateway.state.calls import Calls
from gateway.state.feed import Feed, Invalidation
from gateway.state.node import Node

log = getLogger(__name__)


class StoreAdvice:
    """Looks at each connect of the feed, and says the same only once. A user who may not ask (INFO) hears nothing."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._said: set[str] = set()

    def follow(self, feed: Feed) -> None:
        """Look whenever the feed has (re)connected: the server may be another one."""
        feed.listen(self._hear)

    def _hear(self, event: Invalidation) -> None:
        if event.kind == "reconnect":
            spawn(self.look(), name="store advice")

    async def look(self) -> None:
        """Ask every master, and warn of what is new. Never raises for a store that fails."""
        with suppress(StoreUnavailable, OSError):
            async with asyncio.timeout(self._calls.timeout):
                for master in await self._calls.masters():
                    (answer,) = await master.ask((("INFO",),))
                    if isinstance(answer, bytes):
                        self._warn(master, advice_on(answer.decode(errors="replace")))

    def _warn(self, master: Node, found: list[str]) -> None:
        for advice in found:
            if advice not in self._said:
                self._said.add(advice)
                log.warning("the store at %s %s", master.endpoint, advice)


def advice_on(info: str) -> list[str]:
    """What is unsafe about a server that says this of itself."""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    found = []
    policy = fields.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and fields.get("maxmemory", "0") != "0":
        found.append(
            f"forgets keys when its memory is full (maxmemory-policy {policy}): sessions would be lost, and users and"
            " tenants that were logged out would be let in again; set noeviction"
        )
    if fields.get("aof_enabled") == "0" and fields.get("role") == "master" and fields.get("connected_slaves") == "0":
        found.append("keeps nothing over a crash (appendonly no, no replica): everybody would be logged out")
    return found
