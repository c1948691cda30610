"""Slots: of commands, and as a Cluster tells them."""

import pytest
from redis.crc import key_slot

from gateway.state.keys import Keys
from gateway.state.script import Script
from gateway.state.slots import SLOTS, SlotMap, read_redirection, read_slots, slot_of, slot_of_key

WHOLE = [
    [0, 8191, [b"10.0.0.1", 7000, b"id1", []], [b"10.0.0.3", 7002, b"id3", []]],
    [8192, 16383, [b"10.0.0.2", 7001, b"id2", []]],
]


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("GET", "a"), b"a"),
        (("HMGET", "gw:s:{x}", "id"), b"x"),
        (Script("", "sha").on(["gw:s:{x}", "gw:x:{x}"], "arg"), b"x"),
        (Script("", "sha").on(["k"]), b"k"),
    ],
)
def test_a_command_belongs_to_the_slot_of_its_first_key(command, key):
    assert slot_of(command) == key_slot(key)


@pytest.mark.parametrize(
    "command", [("PING",), ("PUBLISH", "gw:feed", "x"), Script("", "sha").on([]), ("SCRIPT", "LOAD", "x")]
)
def test_a_command_without_keys_belongs_nowhere(command):
    assert slot_of(command) is None


def test_all_keys_of_a_session_share_a_slot():
    assert len({slot_of_key(key) for key in Keys("gw:").of_session("s1")}) == 1


def test_every_slot_has_its_owner():
    seen = read_slots(WHOLE, "seed")

    owners = list(seen.owners())

    assert len(owners) == SLOTS
    assert (owners[0], owners[8191], owners[8192]) == (("10.0.0.1", 7000),) * 2 + (("10.0.0.2", 7001),)
    assert seen.masters == {("10.0.0.1", 7000), ("10.0.0.2", 7001)}
    assert seen.replicas == {("10.0.0.3", 7002)}


def test_nodes_that_list_the_same_in_another_order_agree():
    assert read_slots(WHOLE, "a") == read_slots(WHOLE[::-1], "b")


@pytest.mark.parametrize("unnamed", [b"", None, b"?"])
def test_a_node_that_does_not_know_its_name_means_itself(unnamed):
    assert read_slots([[0, 16383, [unnamed, 7000, b"id"]]], "asked").masters == {("asked", 7000)}


def test_slots_that_nobody_serves_are_missed():
    with pytest.raises(KeyError):
        list(SlotMap(((0, 5, ("h", 1)),), frozenset()).owners())


@pytest.mark.parametrize(
    "answer", [None, 7, [7], [[0, 1]], [[0, 1, 7]], [[0, 1, [b"h", b"x"]]], ValueError("CLUSTERDOWN")]
)
def test_what_is_no_map_is_refused(answer):
    with pytest.raises(ValueError, match=r".+"):
        read_slots(answer, "asked")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("MOVED 3999 10.0.0.1:6381", ("10.0.0.1", 6381)),
        ("ASK 1 :7000", ("asked", 7000)),
        ("MOVED 1 ::1:7000", ("::1", 7000)),
    ],
)
def test_a_redirection_names_an_address(text, where):
    assert read_redirection(text.split(" "), "asked") == where
