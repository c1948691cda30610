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


def test_an_entry_shows_no_token(cache):
    assert repr(cache.get(b"one")) == "Verified(staff/1, expires_at=2000000000.0)"


@pytest.fixture
def lasting(feed, clock):
    """What tells its tokens in an outage, for a minute; the feed was proven to live just now."""
    cache = VerifiedTokens(feed, capacity=8, clock=clock, max_staleness=60.0)
    for number in range(3):
        cache.put(b"t%d" % number, verified(f"s{number}", f"h{number}", user=str(number)), feed.generation)
    feed.alive_until = feed.proven_at = monotonic()
    return cache


def known(cache, *tokens):
    return {token for token in tokens or (b"t0", b"t1", b"t2") if cache.last_known(token)}


def test_without_max_staleness_nothing_is_told_in_an_outage(cache, feed):
    feed.tell(Invalidation("reconnect"))

    assert cache.last_known(b"one") is None


def test_in_an_outage_what_was_verified_is_told_until_it_is_stale(lasting, feed):
    assert lasting.get(b"t0") is None
    assert known(lasting) == {b"t0", b"t1", b"t2"}
    assert lasting.last_known(b"never seen") is None

    feed.proven_at = monotonic() - 60.0

    assert known(lasting) == set()


def test_a_feed_that_never_lived_vouches_for_nothing(lasting, feed):
    feed.proven_at = float("-inf")

    assert known(lasting) == set()


def test_an_expired_token_is_not_told_in_an_outage(lasting, clock):
    clock.advance(2e9)

    assert known(lasting) == set()


@pytest.mark.parametrize("reconnects", [0, 1, 2])
@pytest.mark.parametrize(
    "event",
    [
        Invalidation("session", session_id="s1"),
        Invalidation("token", token_hash="h1"),
        Invalidation("user", provider="staff", user_id="1"),
    ],
    ids=lambda event: event.kind,
)
def test_what_was_seen_revoked_is_not_told_however_often_the_feed_was_lost(lasting, feed, event, reconnects):
    for _ in range(reconnects):
        feed.tell(Invalidation("reconnect"))

    feed.tell(event)

    assert known(lasting) == {b"t0", b"t2"}
    assert lasting.get(b"t0") is None


@pytest.mark.parametrize(
    "event", [Invalidation("all"), Invalidation("tenant", tenant="t1")], ids=lambda event: event.kind
)
def test_what_ends_all_of_them_reaches_those_set_aside(lasting, feed, event):
    feed.tell(Invalidation("reconnect"))

    feed.tell(event)

    assert known(lasting) == set()


def test_a_token_that_the_store_refused_is_never_told_again(lasting, feed):
    feed.tell(Invalidation("reconnect"))
    lasting.put(b"t0", verified("s0", "h0"), feed.generation)

    lasting.refused(b"t0")
    lasting.refused(b"t1")
    lasting.refused(b"never seen")

    assert known(lasting) == {b"t2"}


def test_a_new_feed_does_not_vouch_for_what_was_verified_under_the_old_one(lasting, feed):
    """Its first heartbeat proves nothing about the gap before it."""
    feed.proven_at = monotonic() - 59.0
    feed.tell(Invalidation("reconnect"))
    lasting.put(b"t0", verified("s0", "h0"), feed.generation)
    feed.proven_at = monotonic()

    assert known(lasting) == {b"t0", b"t1", b"t2"}

    lasting._earlier[0] = (monotonic(), lasting._earlier[0][1])  # a second later
    assert known(lasting) == {b"t0"}


def test_what_reconnects_set_aside_is_bounded(feed, clock):
    cache = VerifiedTokens(feed, capacity=16, clock=clock, max_staleness=60.0)
    feed.alive_until = feed.proven_at = monotonic()

    for number in range(1000):
        cache.put(b"%d" % number, verified(str(number), str(number)), feed.generation)
        if number % 5 == 0:
            feed.tell(Invalidation("reconnect"))

    assert sum(len(shelf.entries) for _, shelf in cache._earlier) + len(cache) <= 32
    assert cache.last_known(b"999")
    assert cache.last_known(b"995")


def test_a_message_that_cannot_be_read_ends_everything(lasting, feed):
    """It comes on a feed that lives, unlike a reconnect, and has ended something."""
    feed.alive_until = monotonic() + 60

    feed.tell(Invalidation("reconnect"))

    assert known(lasting) == set()
