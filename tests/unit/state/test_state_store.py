"""What the store's steps send; tests/contract/ shows what they do."""

from math import inf

from fakes.clock import Clock
from fakes.records import access, digest, refresh, session
from fakes.wire import ScriptedTopology

from gateway.model import TokenKind
from gateway.state.calls import Calls
from gateway.state.keys import Keys
from gateway.state.records import TokenRecord
from gateway.state.store import Store

CLOCK = Clock()


def store_on(*answers):
    topology = ScriptedTopology(*answers)
    return Store(Calls(topology, timeout=5.0), Keys("gw:"), CLOCK), topology


async def test_a_login_is_two_round_trips():
    store, topology = store_on(b"OK", b"OK", 1, 1, 1)

    await store.open_session(session("s1", CLOCK), [access("a", CLOCK), refresh("r", CLOCK)])

    assert topology.rounds == 2
    assert [command[0] for command in topology.sent] == ["SET", "SET", "EVALSHA", "EVALSHA", "EVALSHA"]


async def test_pointers_are_written_only_once_and_end_with_their_token():
    store, topology = store_on(b"OK", 1, 1, 1)

    await store.open_session(session("s1", CLOCK), [access("a", CLOCK, life=900)])

    assert topology.sent[0][:2] == ("SET", f"gw:t:{digest('a')}")
    assert topology.sent[0][3:] == ("NX", "PX", "960000")


async def test_the_pointer_of_an_endless_token_has_an_end_until_its_session_lists_it():
    store, topology = store_on(b"OK", 1, 1, 1, 1)

    await store.open_session(session("s1", CLOCK), [TokenRecord(digest("app"), TokenKind.APPLICATION, inf)])

    assert topology.sent[0][5] == "3600000"
    assert topology.sent[-1] == ("PERSIST", f"gw:t:{digest('app')}")


def slots(command):
    """The hash tags of a script's keys; a single key needs none."""
    return {key.partition("{")[2].partition("}")[0] for key in command[3 : 3 + int(command[2])]}


async def test_a_script_on_several_keys_touches_one_slot():
    store, topology = store_on([b"owner", b"-"], 1)

    await store.revoke_session("s1", "logout")

    scripts = [command for command in topology.sent if command[0] == "EVALSHA"]
    assert [slots(command) for command in scripts] == [{"s1"}]
