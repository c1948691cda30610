"""One subscription on one master, and the heartbeats that prove it: written through that master, heard back here."""

import asyncio
from collections.abc import Awaitable, Callable
from logging import getLogger
from math import inf
from secrets import token_hex
from time import monotonic
from typing import Any, Final

from gateway.errors import StoreUnavailable
from gateway.model import spawn
from gateway.state.calls import Calls
from gateway.state.keys import Keys
from gateway.state.link import Link, Refusal
from gateway.state.node import Node
from gateway.state.script import Script

ALIVE: Final = 0.5
"""Seconds for which a heartbeat that came back vouches for the feed, counted from when it was written."""
BEAT: Final = 0.15
"""Seconds between heartbeats: two may be lost before the feed counts as lost."""
_QUIET: Final = 1.0
_BACKOFF: Final = (0.05, 1.0)
_REASONS: Final = 8
"""Of one gap that are logged."""
_UNHEARD: Final = "no heartbeat came back"

# It is declared as a script that may write, although it does not, and names a key. So it is refused by a master that
# may not write: one that was demoted, that lost the slot of the key, or that is cut off from the replicas or masters it
# needs. No revocation can be recorded there, but it can on whoever took over, where this feed would miss it.
_PULSE: Final = Script.of("#!lua flags=allow-oom\nreturn redis.call('PUBLISH', ARGV[1], ARGV[2])\n")
BEAT_SCRIPTS = (_PULSE,)

log = getLogger(__name__)


class Subscription:
    """Kept up until it is stopped. `heard` is called with each message, and with None for a gap before the next one.

    After a gap the master may be one that has lost something: `restore` gives it back before anything is vouched for.
    """

    def __init__(
        self,
        calls: Calls,
        keys: Keys,
        master: Node,
        *,
        heard: Callable[[bytes | None], None],
        moved: Callable[[], None],
        restore: Callable[[], Awaitable[object]],
    ) -> None:
        self.alive_until = 0.0
        """A `time.monotonic` moment; after it, messages may have gone unheard."""
        self.answers_until = 0.0
        """A `time.monotonic` moment; until then the master counts as one that answers, heard or not."""
        self.proven_at = -inf
        """When the last heartbeat that came back was written."""
        self._calls = calls
        self._keys = keys
        self._master = master
        self._heard = heard
        self._moved = moved
        self._restore = restore
        self._may_vouch = False
        self._unheard = _UNHEARD
        """Why heartbeats do not come back."""
        self._told: set[str] = set()
        """Why the feed is lost, as far as it was logged."""
        self._channel = keys.channel.encode()
        self._own_channel = keys.beat(token_hex(8))
        self._last = 0.0
        self._link: Link | None = None
        self._tasks = [spawn(self._hear(), name="store feed"), spawn(self._beat(), name="store heartbeat")]

    async def stop(self) -> None:
        """Stop listening; the subscription is dead from now on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.alive_until = 0.0

    async def catch_up(self) -> None:
        """Return once everything that the master published until now was heard; else nothing is vouched for."""
        if self._link is None:
            return
        try:
            await self._link.send([("PING",)])  # what was published before it is pushed before its answer
        except OSError:
            self.alive_until = 0.0
            self._moved()

    async def _beat(self) -> None:
        while True:
            try:
                key = self._calls.topology.key_on(self._master, self._keys.pulse)
                written = monotonic()
                await self._calls.through(self._master, _PULSE.on([key], self._own_channel, repr(written)))
                self.answers_until = written + ALIVE
                self._unheard = _UNHEARD
            except StoreUnavailable as error:
                self._unheard = str(error)
                self._calls.topology.doubt(self._master)  # and nothing comes back, which says it to everybody else
            await asyncio.sleep(BEAT)

    async def _hear(self) -> None:
        pause, longest = _BACKOFF
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - a feed that ended for good would leave every lookup cold
                if self.alive_until:
                    self.answers_until = 0.0  # it may be gone altogether: the next heartbeat says
                pause = _BACKOFF[0] if self.alive_until else min(pause * 2, longest)
                self._tell(f"{type(error).__name__}: {error}")
            finally:
                self.alive_until = 0.0
                self._moved()
            await asyncio.sleep(pause)

    def _tell(self, why: str) -> None:
        """Each reason of a gap once: what is wrong may change meanwhile, and a log must not fill with it."""
        if why in self._told or len(self._told) >= _REASONS:
            return
        log.warning("the invalidation feed of %s is lost, and tried again: %s", self._master.endpoint, why)
        self._told.add(why)

    async def _listen(self) -> None:
        """Subscribe and pass on what comes, until the connection ends or falls silent. Raises OSError and Refusal."""
        link = await self._master.endpoint.open(self._receive)
        try:
            if not link.greeting:
                raise ConnectionError(f"{self._master.endpoint} does not speak RESP3")
            # The confirmations are pushed, too; the answer to what follows them says that they came.
            subscribed = await link.send([("SUBSCRIBE", self._channel, self._own_channel), ("PING",)], answers=1)
            if isinstance(subscribed[0], Refusal):
                raise subscribed[0]
            self._link = link
            self._heard(None)
            await self._restore()
            self._last = monotonic()
            self._may_vouch = True
            while not link.ended.done():
                await asyncio.wait((link.ended,), timeout=_QUIET)
                if monotonic() - self._last > _QUIET:
                    raise TimeoutError(self._unheard)
            raise link.why or ConnectionResetError
        finally:
            self._may_vouch = False
            self._link = None
            link.abort()

    def _receive(self, push: Any) -> None:
        if push[0] != b"message":
            return
        _, channel, data = push
        self._last = monotonic()
        if channel == self._channel:
            self._heard(data)
        elif self._may_vouch:
            self.proven_at = max(self.proven_at, float(data))
            self.alive_until = max(self.alive_until, float(data) + ALIVE)
            if self._told:
                self._told.clear()
                log.info("the invalidation feed of %s is back", self._master.endpoint)
            self._moved()
