"""The verified-token cache: used only while nothing can have been revoked unseen."""

from time import monotonic

import pytest
from fakes.token_rig import HandFeed, ManualClock

from gateway.model import Identity
from gateway.state.feed import Invalidation
from gateway.tokens.cache import Verified, VerifiedTokens


def verified(session="s1", token_hash="h1", provider="staff", user="1", tenant="t1", expires_at=2e9):
    return Verified(Identity(provider, user, "ada", "bearer", tenant=tenant), expires_at, session, token_hash)


@pytest.fixture
def feed():
    return HandFeed()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def cache(feed, clock):
    cache = VerifiedTokens(feed, capacity=8, clock=clock)
    cache.put(b"one", verified(), feed.generation)
    cache.put(b"two", verified("s1", "h2"), feed.generation)
    cache.put(b"three", verified("s3", "h3", user="3", tenant="t3"), feed.generation)
    cache.put(b"four", verified("s4", "h4", provider="other"), feed.generation)
    return cache


def alive(cache):
    return {token for token in (b"one", b"two", b"three", b"four") if cache.get(token)}


def test_what_was_put_is_found_by_the_very_same_bytes(cache):
    assert cache.get(b"one").session_id == "s1"
    assert cache.get(b"one") is cache.get(b"one")
    assert cache.get(b"One") is None
    assert cache.get(b"") is None


def test_an_entry_ends_with_its_token(cache, feed, clock):
    cache.put(b"five", verified(expires_at=clock() + 10, token_hash="h5"), feed.generation)
    clock.advance(9.99)
    assert cache.get(b"five")

    clock.advance(0.01)

    assert cache.get(b"five") is None


def test_nothing_is_found_while_the_feed_is_not_known_to_be_alive(cache, feed):
    feed.alive_until = monotonic() - 0.001

    assert alive(cache) == set()


@pytest.mark.parametrize(
    ("event", "left"),
    [
        (Invalidation("session", session_id="s1"), {b"three", b"four"}),
        (Invalidation("session", session_id="unknown"), {b"one", b"two", b"three", b"four"}),
        (Invalidation("token", token_hash="h1"), {b"two", b"three", b"four"}),
        (Invalidation("token", token_hash="unknown"), {b"one", b"two", b"three", b"four"}),
        (Invalidation("user", provider="staff", user_id="1"), {b"three", b"four"}),
        (Invalidation("user", provider="other", user_id="3"), {b"one", b"two", b"three", b"four"}),
        (Invalidation("tenant", tenant="t1"), {b"three"}),
        (Invalidation("all"), set()),
        (Invalidation("reconnect"), set()),
    ],
    ids=lambda value: value.kind if isinstance(value, Invalidation) else "",
)
def test_an_invalidation_drops_what_it_ends_and_nothing_else(cache, feed, event, left):
    feed.tell(event)

    assert alive(cache) == left
    assert len(cache) == len(left)


def test_a_lookup_begun_before_an_invalidation_is_not_kept(cache, feed):
    begun = cache.generation
    feed.tell(Invalidation("token", token_hash="somebody else's"))

    cache.put(b"five", verified(token_hash="h5"), begun)

    assert cache.get(b"five") is None


def test_a_token_put_twice_is_one_entry(cache, feed):
    cache.put(b"one", verified("s9", "h1"), feed.generation)
    feed.tell(Invalidation("session", session_id="s1"))

    assert cache.get(b"one").session_id == "s9"
    feed.tell(Invalidation("session", session_id="s9"))
    assert cache.get(b"one") is None


def test_the_oldest_make_room_and_memory_is_bounded(feed, clock):
    cache = VerifiedTokens(feed, capacity=16, clock=clock)

    for number in range(1000):
        cache.put(str(number).encode(), verified(str(number), str(number)), feed.generation)

    assert len(cache) <= 16
    assert cache.get(b"999")
    assert cache.get(b"900") is None
    assert len(cache._by_hash) == len(cache._by_session) == len(cache)


def test_an_entry_shows_no_token(cache):
    assert repr(cache.get(b"one")) == "Verified(staff/1, expires_at=2000000000.0)"
