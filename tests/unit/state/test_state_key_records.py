"""What the steps of made keys send; tests/contract/ shows what they do."""

from fakes.clock import Clock
from fakes.records import digest
from fakes.wire import ScriptedTopology

from gateway.model import TokenKind
from gateway.state.calls import Calls
from gateway.state.key_records import KeyRecords
from gateway.state.keys import NEVER, Keys
from gateway.state.records import TokenRecord
from gateway.state.store import Store
from gateway.tokens.made_keys import key_session


async def test_a_key_is_listed_before_it_is_good_for_anything():
    """The other way round a crash would leave a key that opens routes and that nobody sees."""
    topology = ScriptedTopology(1, *[1] * 8)
    keys = KeyRecords(Store(Calls(topology, timeout=5.0), Keys("gw:"), Clock()))

    await keys.add(key_session("a", "scanner", created=1.0), TokenRecord(digest("a"), TokenKind.API_KEY))

    assert topology.sent[0][2:5] == ("1", "gw:k", "key-a")
    assert float(topology.sent[0][5]) == NEVER
    assert any("gw:s:{key-a}" in command for command in topology.sent[1:])


async def test_an_ended_key_leaves_the_list():
    topology = ScriptedTopology([], 1)
    keys = KeyRecords(Store(Calls(topology, timeout=5.0), Keys("gw:"), Clock()))

    assert not await keys.end("key-a", "revoked by an operator")

    assert topology.sent[-1] == ("ZREM", "gw:k", "key-a")
