"""The invalidation feed: hears every revocation, and knows whether it would have."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from logging import getLogger
from secrets import token_hex
from time import monotonic
from typing import Any, Literal

from gateway.errors import StoreUnavailable
from gateway.model import spawn
from gateway.state.store import Store

ALIVE = 0.5
"""Seconds for which a heartbeat that came back vouches for the feed, counted from when it was written."""
BEAT = 0.15
"""Seconds between heartbeats: two may be lost before the feed counts as lost."""
_QUIET = 1.0
_BACKOFF = (0.05, 1.0)

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Invalidation:
    """What ended. `reconnect` says that messages may have been missed: nothing known before it counts any more."""

    kind: Literal["session", "token", "user", "tenant", "all", "reconnect"]
    session_id: str = ""
    token_hash: str = ""
    provider: str = ""
    user_id: str = ""
    tenant: str = ""
    not_before: float = 0.0
    """For user, tenant and all: the store's own time of the revocation; sessions opened until then are over."""


class Feed:
    """One subscription, kept up for as long as it runs. The caller may trust a cache only while `alive`."""

    def __init__(self, store: Store) -> None:
        self.alive_until = 0.0
        """A `time.monotonic` moment; after it, revocations may have gone unheard."""
        self.generation = 0
        """Grows with every invalidation and every (re)connect: a read begun under an older one is not to be cached."""
        self._calls = store.calls
        self._channel = store.keys.channel
        self._own_channel = store.keys.beat(token_hex(8))
        self._listeners: list[Callable[[Invalidation], None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def alive(self) -> bool:
        """Whether every revocation up to half a second ago has been heard."""
        return monotonic() < self.alive_until

    def listen(self, callback: Callable[[Invalidation], None]) -> None:
        """Call `callback` for each invalidation, in order, on the event loop; it must not raise."""
        self._listeners.append(callback)

    async def start(self) -> None:
        """Begin to listen. Returns at once, whether or not the store is there."""
        self._tasks = [spawn(self._hear(), name="store feed"), spawn(self._beat(), name="store heartbeat")]

    async def stop(self) -> None:
        """Stop listening; the feed is dead from now on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.alive_until = 0.0

    async def _beat(self) -> None:
        while True:
            try:
                async with self._calls.budget():
                    await self._calls.one("PUBLISH", self._own_channel, repr(monotonic()))
            except StoreUnavailable:
                pass  # the feed says it: nothing comes back
            await asyncio.sleep(BEAT)

    async def _hear(self) -> None:
        pause, longest = _BACKOFF
        while True:
            try:
                await self._subscription()
            except Exception as error:  # noqa: BLE001 - a feed that ended for good would leave every lookup cold
                if self.alive_until:
                    log.warning("the invalidation feed is lost, and tried again: %s: %s", type(error).__name__, error)
                    pause = _BACKOFF[0]
                else:
                    pause = min(pause * 2, longest)
            finally:
                self.alive_until = 0.0
            await asyncio.sleep(pause)

    async def _subscription(self) -> None:
        """Subscribe and pass on what comes, until the connection ends or falls silent. Raises redis errors."""
        connection = self._calls.pool.make_connection()
        try:
            async with asyncio.timeout(self._calls.timeout):
                await connection.connect()
                await connection.send_command("SUBSCRIBE", self._channel, self._own_channel)
                for _ in range(2):
                    await connection.read_response(push_request=True)
            self._tell(Invalidation("reconnect"))
            while True:
                async with asyncio.timeout(_QUIET):
                    self._receive(await connection.read_response(push_request=True))
        finally:
            await connection.disconnect(nowait=True)

    def _receive(self, message: Any) -> None:
        kind, channel, data = message
        if kind != b"message":
            return
        if channel == self._own_channel.encode():
            self.alive_until = max(self.alive_until, float(data) + ALIVE)
        else:
            self._tell(_read(data))

    def _tell(self, invalidation: Invalidation) -> None:
        self.generation += 1
        for listener in self._listeners:
            listener(invalidation)


def _read(data: bytes) -> Invalidation:
    """Read a message of the scripts; one that cannot be read voids everything, since it ended something."""
    try:
        message = json.loads(data)
    except ValueError:
        message = None
    match message:
        case ["session", str(session_id)]:
            return Invalidation("session", session_id=session_id)
        case ["token", str(token_hash)]:
            return Invalidation("token", token_hash=token_hash)
        case ["user", str(provider), str(user_id), float(mark)]:
            return Invalidation("user", provider=provider, user_id=user_id, not_before=mark)
        case ["tenant", str(tenant), float(mark)]:
            return Invalidation("tenant", tenant=tenant, not_before=mark)
        case ["all", float(mark)]:
            return Invalidation("all", not_before=mark)
    return Invalidation("reconnect")
