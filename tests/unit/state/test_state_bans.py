"""What the steps of the list of bans send; tests/contract/ shows what they do."""

from fakes.clock import Clock
from fakes.wire import ScriptedPool

from gateway.state.bans import BAN_SCRIPTS, Ban, Bans
from gateway.state.calls import Calls
from gateway.state.keys import Keys
from gateway.state.store import SCRIPTS

PAIR = b'["staff", "101", "192.0.2.7", "0123456789abcdef"]'
ADDRESS = b'["", "", "192.0.2.7", ""]'


def bans_on(*answers):
    pool = ScriptedPool(*answers)
    return Bans(Calls(pool, timeout=5.0, scripts=(*SCRIPTS, *BAN_SCRIPTS)), Keys("gw:"), Clock()), pool


def test_a_ban_without_an_account_is_one_of_an_address():
    assert Ban("staff", "101", "192.0.2.7", "0123", 1.0).scope == "account"
    assert Ban("", "", "192.0.2.7", "", 1.0).scope == "address"


async def test_an_empty_list_asks_for_nothing_more():
    bans, pool = bans_on([])

    assert await bans.listed() == []
    assert len(pool.sent) == 1


async def test_each_listed_ban_is_looked_up_where_it_counts():
    later = str(Clock()() + 60).encode()
    bans, pool = bans_on([PAIR, ADDRESS], later, None)

    (found,) = await bans.listed()

    assert found.user_id == "101"
    pair, everyone = (command[1] for command in pool.sent[1:])
    assert pair == everyone + "0123456789abcdef"


async def test_lifting_what_nobody_listed_touches_the_counters_that_were_named():
    bans, pool = bans_on([], 0, 0)

    assert await bans.lift(accounts={"0123456789abcdef"}, address="192.0.2.7") == 0

    assert [command[0] for command in pool.sent] == ["ZRANGEBYSCORE", "EVALSHA"]
    assert pool.sent[1][3].endswith("0123456789abcdef")
