"""What outlives a reload: the store, its feed, the counters, and secrets that were made once."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.broker.protection import Audit
from gateway.identity_providers.passwords import PasswordChecks
from gateway.model import Clock
from gateway.observe.metrics import Metrics
from gateway.proxy.rate_limit import SpentRequests
from gateway.state.feed import Feed, Invalidation
from gateway.state.store import Store
from gateway.upstream.erp_client import ErpConnections


class WeakFeed:
    """The feed for caches that come and go with a configuration: a listener that is gone is forgotten."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._listeners: list[weakref.WeakMethod[Callable[[Invalidation], None]]] = []
        feed.listen(self._tell)

    @property
    def alive_until(self) -> float:
        """As the feed says."""
        return self._feed.alive_until

    @property
    def proven_at(self) -> float:
        """As the feed says."""
        return self._feed.proven_at

    @property
    def generation(self) -> int:
        """As the feed says."""
        return self._feed.generation

    def listen(self, callback: Callable[[Invalidation], None], /) -> None:
        """`callback` is a bound method; it is called for as long as its object lives."""
        self._listeners.append(weakref.WeakMethod(callback))

    def _tell(self, event: Invalidation) -> None:
        heard = [(reference, callback) for reference in self._listeners if (callback := reference()) is not None]
        self._listeners = [reference for reference, _ in heard]
        for _, callback in heard:
            callback(event)


@dataclass(frozen=True, slots=True)
class Shared:
    """Handed to every assembly of one process."""

    store: Store
    feed: WeakFeed
    checks: PasswordChecks
    metrics: Metrics
    audit: Audit
    clock: Clock
    made_secret: Callable[[str, int], str] | None = field(default=None, repr=False)
    """Reads or makes a secret of that name and length in the embedded store's directory; None with a Redis URL."""
    spent_requests: SpentRequests = field(default_factory=SpentRequests)
    """What rate limits have counted."""
    erp_connections: ErpConnections = field(default_factory=ErpConnections)
    """For the calls that identity providers make."""
