"""What makes a write durable: a fence in the very slot of each key, and enough replicas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from gateway.errors import StoreUnavailable
from gateway.state.durable import Durability, key_of
from gateway.state.keys import Keys
from gateway.state.script import Script

KEYS = Keys("gw:")


@pytest.mark.parametrize(
    "command",
    [
        ("SET", KEYS.token("ab" * 32), "x", "NX"),
        Script.of("return 1").on([KEYS.session("s1"), KEYS.spent("s1")], "arg"),
        Script.of("return 1").on([KEYS.mark_all], "arg"),
    ],
)
def test_a_fence_lies_in_the_slot_of_its_command(command):
    ((name, fence, *_),) = Durability(1, "gw:").fences([command])

    assert name == "SET"
    assert fence.startswith("gw:d:")
    assert key_slot(fence.encode()) == key_slot(key_of(command).encode())


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_whatever_the_key_is_the_slot_is_the_same(key):
    """Session ids come from the store; braces in them must not make a write look acknowledged that is not."""
    ((_, fence, *_),) = Durability(1, "gw:").fences([("SET", key, "")])

    if "{" not in key and "}" not in key:
        assert key_slot(fence.encode()) == key_slot(key.encode())


def test_commands_of_one_slot_share_a_fence():
    commands = [("GET", KEYS.session("s1")), ("GET", KEYS.spent("s1")), ("GET", KEYS.session("s2"))]

    assert len(Durability(1, "gw:").fences(commands)) == 2


def test_too_few_replicas_are_an_outage_and_enough_are_not():
    Durability(2).check(2)
    Durability(2).check(3)
    Durability().check(0)
    with pytest.raises(StoreUnavailable, match="1 replicas have what was written, not 2"):
        Durability(2).check(1)
