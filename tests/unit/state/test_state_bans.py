"""What the steps of the list of bans send; tests/contract/ shows what they do."""

from fakes.clock import Clock
from fakes.wire import ScriptedTopology

from gateway.state.bans import Ban, Bans
from gateway.state.calls import Calls
from gateway.state.keys import Keys

PAIR = b'["staff", "101", "192.0.2.7", "0123456789abcdef"]'
ADDRESS = b'["", "", "192.0.2.7", ""]'


def bans_on(*answers):
    topology = ScriptedTopology(*answers)
    return Bans(Calls(topology, timeout=5.0), Keys("gw:"), Clock()), topology


def test_a_ban_without_an_account_is_one_of_an_address():
    assert Ban("staff", "101", "192.0.2.7", "0123", 1.0).scope == "account"
    assert Ban("", "", "192.0.2.7", "", 1.0).scope == "address"


async def test_an_empty_list_asks_for_nothing_more():
    bans, topology = bans_on([])

    assert await bans.listed() == []
    assert len(topology.sent) == 1


async def test_each_listed_ban_is_looked_up_where_it_counts():
    later = str(Clock()() + 60).encode()
    bans, topology = bans_on([PAIR, ADDRESS], later, None)

    (found,) = await bans.listed()

    assert found.user_id == "101"
    pair, everyone = (command[1] for command in topology.sent[1:])
    assert pair == everyone + "0123456789abcdef"


async def test_lifting_what_nobody_listed_touches_the_counters_that_were_named():
    bans, topology = bans_on([], 0, 0)

    assert await bans.lift(accounts={"0123456789abcdef"}, address="192.0.2.7") == 0

    assert [command[0] for command in topology.sent] == ["ZRANGEBYSCORE", "EVALSHA"]
    assert topology.sent[1][3].endswith("0123456789abcdef")
