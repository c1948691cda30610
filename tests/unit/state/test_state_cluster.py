"""A Cluster: commands go where their slots are, and follow them; nothing that may have run is repeated."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from fakes.resp_server import RespServer, bulk
from fakes.waiting import eventually

from gateway.state.cluster import Cluster
from gateway.state.endpoint import Endpoint
from gateway.state.link import Refusal
from gateway.state.slots import slot_of_key

LOW, HIGH = "foo0", "foo1"  # slots 9302 and 13431: told apart by the border below
BORDER = 12000


class Nodes:
    """Two nodes; `answers[number]` are what a node says to commands with a key, else it says its number."""

    def __init__(self):
        self.answers = [[], []]
        self.map = [0, 1]  # who serves the slots below the border, and those above

    async def __aenter__(self):
        self._stack = AsyncExitStack()
        self.servers = [
            await self._stack.enter_async_context(RespServer(lambda command, at=at: self._say(at, command)))
            for at in range(2)
        ]
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    def _say(self, at, command):
        if command == ("CLUSTER", "SLOTS"):
            low, high = (self.servers[one].port for one in self.map)
            return b"*2\r\n" + row(0, BORDER - 1, low) + row(BORDER, 16383, high)
        if command == ("ASKING",):
            return b"+OK\r\n"
        if command[0] == "WAIT":
            return b":%d\r\n" % (at + 1)
        said = self.answers[at].pop(0) if self.answers[at] else bulk(str(at))
        return said(self) if callable(said) else said

    def cluster(self, *seeds):
        return Cluster(
            [Endpoint(host="127.0.0.1", port=self.servers[at].port, timeout=5.0) for at in seeds or (0,)], []
        )

    def asked(self, at):
        return [command for command in self.servers[at].commands if command[0] not in {"HELLO", "CLUSTER"}]


def row(first, last, port):
    return b"*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n" % (first, last, port)


def sent_elsewhere(word, at):
    return lambda nodes: b"-%s %d 127.0.0.1:%d\r\n" % (word, slot_of_key(LOW), nodes.servers[at].port)


@pytest.fixture
async def nodes():
    async with Nodes() as nodes:
        yield nodes


def above(key):
    return slot_of_key(key) >= BORDER


async def test_each_command_goes_to_the_master_of_its_slot_and_the_answers_come_in_order(nodes):
    cluster = nodes.cluster()
    keys = [f"k{number}" for number in range(20)]

    answers = await cluster.ask([("GET", key) for key in keys])

    assert answers == [b"1" if above(key) else b"0" for key in keys]
    assert {above(key) for key in keys} == {True, False}
    assert len(await cluster.masters()) == 2
    cluster.close()


async def test_a_moved_slot_is_followed_and_remembered(nodes):
    cluster = nodes.cluster()
    await cluster.ask([("GET", LOW)])
    before = int(above(LOW))
    nodes.answers[before] = [sent_elsewhere(b"MOVED", 1 - before)]
    nodes.map[before] = 1 - before

    assert await cluster.ask([("GET", LOW)]) == [str(1 - before).encode()]
    await eventually(lambda: len(cluster._masters) == 1)
    assert await cluster.ask([("GET", LOW)]) == [str(1 - before).encode()]

    assert len(nodes.asked(before)) == 2
    assert len(await cluster.masters()) == 1
    cluster.close()


async def test_a_slot_on_the_move_is_asked_for_as_an_exception(nodes):
    cluster = nodes.cluster()
    await cluster.ask([("GET", LOW)])
    at = int(above(LOW))
    nodes.answers[at] = [sent_elsewhere(b"ASK", 1 - at)]

    assert await cluster.ask([("GET", LOW)]) == [str(1 - at).encode()]

    assert nodes.asked(1 - at) == [("ASKING",), ("GET", LOW)]
    assert await cluster.ask([("GET", LOW)]) == [str(at).encode()]
    cluster.close()


@pytest.mark.parametrize("refusal", [b"-TRYAGAIN Multiple keys\r\n", b"-CLUSTERDOWN The cluster is down\r\n"])
async def test_a_cluster_that_says_later_is_asked_again(nodes, refusal):
    cluster = nodes.cluster()
    at = int(above(LOW))
    nodes.answers[at] = [refusal, refusal]

    assert await cluster.ask([("GET", LOW)]) == [str(at).encode()]
    cluster.close()


async def test_a_cluster_that_goes_on_saying_so_is_believed_in_the_end(nodes, monkeypatch):
    monkeypatch.setattr("gateway.state.cluster._MOST_TRIES", 3)
    cluster = nodes.cluster()
    nodes.answers[int(above(LOW))] = [b"-CLUSTERDOWN The cluster is down\r\n"] * 9

    (answer,) = await cluster.ask([("GET", LOW)])

    assert isinstance(answer, Refusal)
    cluster.close()


async def test_any_other_refusal_is_the_answer(nodes):
    cluster = nodes.cluster()
    nodes.answers[int(above(LOW))] = [b"-OOM full\r\n"]

    (answer,) = await cluster.ask([("SET", LOW, "1")])

    assert answer.code == "OOM"
    cluster.close()


async def test_a_lost_connection_is_told_and_nothing_is_sent_again(nodes):
    cluster = nodes.cluster()
    await cluster.ask([("GET", LOW)])
    at = int(above(LOW))
    nodes.answers[at] = [lambda nodes: nodes.servers[at].hang_up(nodes.servers[at].asking)]

    with pytest.raises(OSError):
        await cluster.ask([("SET", LOW, "1")])

    assert nodes.asked(at).count(("SET", LOW, "1")) == 1
    cluster.close()


async def test_the_first_failure_of_several_nodes_is_told_once_all_have_answered(nodes):
    cluster = nodes.cluster()
    await cluster.masters()
    nodes.answers[1] = [lambda nodes: nodes.servers[1].hang_up(nodes.servers[1].asking)]

    with pytest.raises(OSError):
        await cluster.ask([("GET", f"k{number}") for number in range(20)])

    assert nodes.asked(0)
    cluster.close()


async def test_replicas_are_counted_where_they_are_fewest(nodes):
    cluster = nodes.cluster()

    answers, acknowledged = await cluster.ask_durably([("SET", f"k{number}", "1") for number in range(20)], 1, 0.1)

    assert (len(answers), acknowledged) == (20, 1)
    cluster.close()


async def test_a_key_can_be_named_for_each_master(nodes):
    cluster = nodes.cluster()

    masters = await cluster.masters()

    keys = [cluster.key_on(master, "gw:beat") for master in masters]
    assert {above(key) for key in keys} == {True, False}
    assert [cluster.key_on(master, "gw:beat") for master in masters] == keys
    cluster.close()


async def test_a_master_in_doubt_is_looked_up_beside_what_is_asked(nodes):
    cluster = nodes.cluster()
    first, *_ = await cluster.masters()
    nodes.map = [1, 1]

    cluster.doubt(first)
    await eventually(lambda: len(cluster._masters) == 1)

    assert await cluster.ask([("GET", LOW), ("GET", HIGH)]) == [b"1", b"1"]
    cluster.close()


async def test_a_seed_that_is_away_does_not_matter_while_another_answers(nodes):
    cluster = Cluster([Endpoint(host="127.0.0.1", port=port, timeout=5.0) for port in (1, nodes.servers[1].port)], [])

    assert await cluster.ask([("PING",)])
    cluster.close()


async def test_a_cluster_of_which_no_node_answers_is_an_outage_at_once():
    cluster = Cluster([Endpoint(host="127.0.0.1", port=1)], [])

    with pytest.raises(ConnectionError, match="no node"):
        await cluster.ask([("GET", "a")])
    with pytest.raises(ConnectionError):
        await cluster.masters()


async def test_callers_who_go_while_the_slots_are_looked_up_harm_nobody(nodes):
    cluster = nodes.cluster()
    hasty, patient = (asyncio.ensure_future(cluster.ask([("GET", key)])) for key in (LOW, LOW))
    await asyncio.sleep(0)

    hasty.cancel()

    assert await patient == [str(int(above(LOW))).encode()]
    cluster.close()


async def test_closing_closes_the_connections_to_a_node_that_has_gone_too(nodes):
    cluster = Cluster([Endpoint(host="127.0.0.1", port=nodes.servers[0].port, timeout=60.0)], [])
    await cluster.ask([("GET", HIGH)])
    (link,) = cluster._node(("127.0.0.1", nodes.servers[1].port))._links
    nodes.map = [0, 0]
    cluster.doubt(cluster._masters[0])
    await eventually(lambda: len(cluster._masters) == 1)
    assert link.is_open

    cluster.close()

    await eventually(link.ended.done)


async def test_a_closed_cluster_looks_nothing_up(nodes):
    cluster = nodes.cluster()
    cluster.close()

    with pytest.raises(ConnectionAbortedError):
        await cluster.ask([("GET", LOW)])
