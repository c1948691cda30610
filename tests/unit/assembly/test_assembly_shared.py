import gc

from fakes.token_rig import HandFeed

from gateway.assembly.shared import WeakFeed
from gateway.state.feed import Invalidation


class Cache:
    """Hears of invalidations."""

    def __init__(self):
        self.heard = []

    def invalidate(self, event):
        self.heard.append(event)


def test_who_listens_is_told_for_as_long_as_it_lives():
    feed = HandFeed()
    weak = WeakFeed(feed)
    kept, gone = Cache(), Cache()
    weak.listen(kept.invalidate)
    weak.listen(gone.invalidate)
    del gone
    gc.collect()

    feed.tell(Invalidation("all"))

    assert [event.kind for event in kept.heard] == ["all"]
    assert len(weak._listeners) == 1


def test_it_is_as_alive_as_the_feed():
    feed = HandFeed()
    weak = WeakFeed(feed)
    feed.alive_until, feed.proven_at = 7.0, 6.5
    feed.tell(Invalidation("all"))

    assert (weak.alive_until, weak.proven_at, weak.generation) == (7.0, 6.5, feed.generation)
