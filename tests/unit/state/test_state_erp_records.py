"""What the steps of ERP sessions send; tests/contract/ shows what they do."""

from math import inf

from fakes.clock import Clock
from fakes.records import session
from fakes.wire import ScriptedTopology

from gateway.state.calls import Calls
from gateway.state.erp_records import ErpRecord, ErpRecords
from gateway.state.keys import Keys
from gateway.state.store import Store

CLOCK = Clock()


def records_on(*answers):
    topology = ScriptedTopology(*answers)
    calls = Calls(topology, timeout=5.0)
    return ErpRecords(Store(calls, Keys("gw:"), CLOCK), CLOCK), topology


async def test_what_another_session_holds_is_nobodys():
    """A reply that was somebody else's (CVE-2023-28858)."""
    records, _ = records_on([b"other", None, b"sealed", b"v1"])

    assert await records.read("s1") is None


async def test_what_was_taken_of_another_session_is_not_used():
    records, _ = records_on([b"sealed", b"{}"], 1)

    assert await records.take("s1") is None


async def test_it_is_listed_for_as_long_as_its_session_may_live():
    for end, listed in ((CLOCK() + 5, CLOCK() + 5), (inf, CLOCK() + 34560000)):
        records, topology = records_on(1, 1)

        assert await records.put(session("s1", CLOCK, absolute_expiry=end), ErpRecord("v1", b"sealed"))

        assert topology.sent[0][2:5] == ("1", "gw:e", "s1")
        assert float(topology.sent[0][5]) == listed


async def test_every_script_touches_the_sessions_own_slot():
    records, topology = records_on([b"claimed"], 1, [])

    await records.claim("s1", "v1", "mine", 30)
    await records.release("s1", "mine")
    await records.take("s1")

    assert [command[2:4] for command in topology.sent] == [("1", "gw:s:{s1}")] * 3
    assert "sealed" not in repr(ErpRecord("v1", b"sealed"))
