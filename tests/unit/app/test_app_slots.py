import os

import pytest

from gateway.app.slots import CLOSED, Slots


@pytest.fixture
def slots():
    slots = Slots.make(4)
    yield slots
    slots.close()


def test_everyone_is_closed_at_first(slots):
    assert [slots[slot] for slot in range(4)] == [CLOSED] * 4


def test_what_one_writes_the_others_read(slots):
    other = Slots(os.dup(slots.number), slots.count)

    other[2] = 17

    assert slots[2] == 17
    other.close()


@pytest.mark.parametrize(
    ("mine", "others", "ahead"),
    [
        (0, [0, 0], False),
        (1, [0, 3], False),
        (2, [0, 3], True),
        (90, [80, 100], False),
        (92, [80, 100], True),
        (50, [CLOSED, CLOSED], False),
    ],
)
def test_ahead_is_who_holds_more_than_an_eighth_above_the_least(slots, mine, others, ahead):
    slots[0] = mine
    for slot, connections in enumerate(others, 1):
        slots[slot] = connections

    assert slots.is_ahead(0) is ahead
