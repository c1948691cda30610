"""What was heard to end: remembered for long enough, never for ever, and never for what was opened since."""

import pytest
from fakes.clock import Clock
from fakes.records import digest, session

from gateway.state.feed import Invalidation
from gateway.state.tombstones import REMEMBERED, Tombstones


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tombstones(clock):
    return Tombstones(clock, capacity=5)


@pytest.fixture
def whole(clock):
    return session("s1", clock)


@pytest.mark.parametrize(
    ("event", "covered"),
    [
        (Invalidation("session", session_id="s1"), True),
        (Invalidation("session", session_id="s2"), False),
        (Invalidation("token", token_hash=digest("a")), True),
        (Invalidation("token", token_hash=digest("b")), False),
        (Invalidation("user", provider="staff", user_id="101", not_before=50.0), True),
        (Invalidation("user", provider="staff", user_id="101", not_before=49.0), False),
        (Invalidation("user", provider="other", user_id="101", not_before=50.0), False),
        (Invalidation("tenant", tenant="GardenWorld", not_before=50.0), True),
        (Invalidation("tenant", tenant="", not_before=50.0), False),
        (Invalidation("all", not_before=50.0), True),
        (Invalidation("all", not_before=49.9), False),
        (Invalidation("reconnect"), False),
    ],
)
def test_what_ended_is_over_and_what_was_opened_since_is_not(tombstones, whole, event, covered):
    tombstones.hear(event)

    assert tombstones.cover(whole, 50.0, digest("a")) is covered
    assert len(tombstones) == (event.kind != "reconnect")


def test_nothing_heard_covers_nothing(tombstones, whole):
    assert not tombstones.cover(whole, 0.0, digest("a"))


def test_of_two_marks_the_later_counts_in_whatever_order_they_came(tombstones, whole):
    tombstones.hear(Invalidation("all", not_before=50.0))
    tombstones.hear(Invalidation("all", not_before=40.0))

    assert tombstones.cover(whole, 45.0, "")
    assert tombstones.remembered() == [(("all",), 50.0)]


def test_the_oldest_go_when_there_are_too_many(tombstones):
    for number in range(100):
        tombstones.hear(Invalidation("session", session_id=f"s{number}"))

    assert [key[1] for key, _ in tombstones.remembered()] == ["s95", "s96", "s97", "s98", "s99"]


def test_what_was_heard_long_ago_is_forgotten(tombstones, clock):
    tombstones.hear(Invalidation("session", session_id="s1"))
    clock.advance(REMEMBERED / 2)
    tombstones.hear(Invalidation("session", session_id="s2"))
    clock.advance(REMEMBERED / 2 + 1)

    assert [key[1] for key, _ in tombstones.remembered()] == ["s2"]

    tombstones.hear(Invalidation("session", session_id="s3"))
    assert len(tombstones) == 2
