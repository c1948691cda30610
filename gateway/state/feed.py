"""The invalidation feed: hears every revocation, and knows whether it would have."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import getLogger
from math import inf
from time import monotonic
from typing import Literal

from gateway.errors import StoreUnavailable
from gateway.model import spawn
from gateway.state.node import Node
from gateway.state.rewriting import Rewriting
from gateway.state.store import Store
from gateway.state.subscription import ALIVE, BEAT, Subscription

__all__ = ["ALIVE", "BEAT", "Feed", "Invalidation"]

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
    """A subscription on each master of the store, kept up for as long as it runs; of all, the worst one counts.

    The caller may trust a cache only while `alive`. In a Cluster each message comes once over each subscription: what
    it says can be said twice.
    """

    def __init__(self, store: Store) -> None:
        self.alive_until = 0.0
        """A `time.monotonic` moment; after it, revocations may have gone unheard."""
        self.proven_at = -inf
        """When the last heartbeat that came back was written: what was revoked until then was heard. Never set back."""
        self.generation = 0
        """Grows with every invalidation and every (re)connect: a read begun under an older one is not to be cached."""
        self._calls = store.calls
        self._tombstones = store.tombstones
        self._restore = Rewriting(store).write_again
        self._keys = store.keys
        self._listeners: list[Callable[[Invalidation], None]] = []
        self._subscriptions: dict[Node, Subscription] = {}
        self._former: list[Subscription] = []
        """On servers that are masters no more; yet to be stopped."""
        self._following: asyncio.Task[None] | None = None
        store.heard_here = self.catch_up

    @property
    def alive(self) -> bool:
        """Whether every revocation up to half a second ago has been heard."""
        return monotonic() < self.alive_until

    @property
    def store_answers(self) -> bool:
        """Whether every master took a heartbeat within the last half second, be it heard here or not."""
        return self.alive or monotonic() < min((one.answers_until for one in self._subscriptions.values()), default=0.0)

    def listen(self, callback: Callable[[Invalidation], None]) -> None:
        """Call `callback` for each invalidation, in order, on the event loop; it must not raise."""
        self._listeners.append(callback)

    async def catch_up(self) -> None:
        """Return once all that was published until now was heard here, or nothing known here counts any more.

        What was published may have been so on a master that is so new that nobody has subscribed there.
        """
        masters = await self._masters() if self._following is not None else ()
        if self._following is not None:  # still
            self._attend(masters)
        await asyncio.gather(*(one.catch_up() for one in self._subscriptions.values()))

    async def start(self) -> None:
        """Begin to listen. Returns at once, whether or not the store is there."""
        self._following = spawn(self._follow(), name="store masters")

    async def stop(self) -> None:
        """Stop listening; the feed is dead from now on."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        ending = [*self._subscriptions.values(), *self._former]
        self._subscriptions, self._former = {}, []
        await asyncio.gather(*(one.stop() for one in ending))
        self.alive_until = 0.0

    async def _follow(self) -> None:
        """Listen to whoever are the masters; one that is new vouches for nothing until it is heard."""
        while True:
            self._attend(await self._masters())
            while self._former:
                await self._former[0].stop()
                del self._former[0]
            await asyncio.sleep(BEAT)

    async def _masters(self) -> Sequence[Node]:
        try:
            return await self._calls.masters()
        except Exception as error:  # a feed that ended for good would leave every lookup cold
            if not isinstance(error, StoreUnavailable):
                log.exception("the store's masters are not known")
            return [*self._subscriptions]  # each of them knows by itself whether it is alive

    def _attend(self, masters: Sequence[Node]) -> None:
        """Subscribe to these and no others. Nothing is vouched for until the new ones are heard."""
        self._former += [self._subscriptions.pop(node) for node in [*self._subscriptions] if node not in masters]
        for node in masters:
            if node not in self._subscriptions:
                self._subscriptions[node] = Subscription(
                    self._calls,
                    self._keys,
                    node,
                    heard=self._hear,
                    moved=self._weigh,
                    restore=self._restore,
                )
        self._weigh()

    def _weigh(self) -> None:
        """As alive as the least alive of all."""
        every = self._subscriptions.values()
        self.alive_until = min((one.alive_until for one in every), default=0.0)
        self.proven_at = max(self.proven_at, min((one.proven_at for one in every), default=-inf))

    def _hear(self, message: bytes | None) -> None:
        self._tell(Invalidation("reconnect") if message is None else _read(message))

    def _tell(self, invalidation: Invalidation) -> None:
        self.generation += 1
        self._tombstones.hear(invalidation)
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
