"""One server and the connections to it: shared, few, opened when needed, and none left with another's answer."""

import asyncio

import pytest
from fakes.resp_server import RespServer, bulk, echo
from fakes.waiting import eventually

from gateway.state import node as node_module
from gateway.state.endpoint import Endpoint
from gateway.state.link import STUCK, Refusal
from gateway.state.node import Node
from gateway.state.script import Script

SCRIPT = Script("return 1", "5ha")


def node_of(server, *, timeout=5.0):
    return Node(Endpoint(host="127.0.0.1", port=server.port, timeout=timeout), [SCRIPT])


def said(server):
    return [command for command in server.commands if command[0] != "HELLO"]


async def test_all_who_ask_at_once_share_one_connection():
    async with RespServer(echo) as server:
        node = node_of(server)

        answers = await asyncio.gather(*(node.ask([("GET", f"k{number}")]) for number in range(50)))

        assert answers == [[f"k{number}".encode()] for number in range(50)]
        assert len(server.connections) == 1
        node.close()


async def test_a_caller_who_goes_while_it_is_opened_does_not_take_the_connection_along():
    async with RespServer(echo) as server:
        node = node_of(server)
        hasty, patient = (asyncio.ensure_future(node.ask([("GET", key)])) for key in "ab")
        await asyncio.sleep(0)

        hasty.cancel()

        assert await patient == [b"b"]
        assert len(server.connections) == 1
        node.close()


async def test_those_who_come_while_it_is_opened_share_it_too():
    async with RespServer(echo) as server:
        node = node_of(server)
        asking = []
        for number in range(20):
            asking.append(asyncio.ensure_future(node.ask([("GET", f"k{number}")])))
            await asyncio.sleep(0)

        await asyncio.gather(*asking)

        assert len(server.connections) == 1
        node.close()


async def test_nobody_queues_up_behind_a_late_answer():
    async with RespServer(lambda command: b"" if command[1] == "late" else echo(command)) as server:
        node = node_of(server)
        late = asyncio.ensure_future(node.ask([("GET", "late")]))
        await eventually(lambda: said(server))
        await asyncio.sleep(STUCK * 1.5)

        assert await node.ask([("GET", "next")]) == [b"next"]

        assert len(server.connections) == 2
        server.say(bulk("late"), to=0)
        assert await late == [b"late"]
        assert await node.ask([("GET", "more")]) == [b"more"]
        assert len(server.connections) == 2
        node.close()


async def test_there_are_only_so_many_connections(monkeypatch):
    monkeypatch.setattr(node_module, "_MOST_LINKS", 3)
    async with RespServer(lambda _: b"") as server:
        node = node_of(server)
        asked = []
        for _ in range(6):
            asked.append(asyncio.ensure_future(node.ask([("GET", "a")])))
            await eventually(lambda: len(said(server)) == len(asked))
            await asyncio.sleep(STUCK * 1.2)

        assert len(server.connections) == 3
        node.close()
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(answer, ConnectionAbortedError)


async def test_a_connection_that_the_server_closed_is_replaced_by_the_next_call():
    async with RespServer(echo) as server:
        node = node_of(server)
        await node.ask([("GET", "a")])
        asked = server.connections[0]
        server.hang_up()
        await eventually(asked.transport.is_closing)
        await eventually(lambda: node._ready() is None)

        assert await node.ask([("GET", "b")]) == [b"b"]

        assert len(server.connections) == 2
        node.close()


async def test_a_refused_connection_is_told_to_everybody_who_waits():
    node = Node(Endpoint(host="127.0.0.1", port=1), [])

    failures = await asyncio.gather(*(node.ask([("GET", "a")]) for _ in range(5)), return_exceptions=True)

    assert all(isinstance(failure, ConnectionRefusedError) for failure in failures)
    with pytest.raises(ConnectionRefusedError):
        await node.ask([("GET", "a")])


async def test_a_script_that_is_unknown_is_loaded_and_only_what_missed_it_runs_again():
    answers = iter([b"+OK\r\n", b"-NOSCRIPT No matching script.\r\n", b"+5ha\r\n", b":7\r\n"])
    async with RespServer(lambda _: next(answers)) as server:
        node = node_of(server)

        assert await node.ask([("SET", "a", "1"), SCRIPT.on(["k"], "arg")]) == [b"OK", 7]

        assert said(server)[2:] == [("SCRIPT", "LOAD", "return 1"), ("EVALSHA", "5ha", "1", "k", "arg")]
        node.close()


async def test_a_script_that_is_unknown_to_many_at_once_is_loaded_once():
    known = []

    def answer(command):
        if command[0] == "SCRIPT":
            known.append(command)
            return b"+5ha\r\n"
        return b":7\r\n" if known else b"-NOSCRIPT No matching script.\r\n"

    async with RespServer(answer) as server:
        node = node_of(server)

        assert await asyncio.gather(*(node.ask([SCRIPT.on(["k"])]) for _ in range(50))) == [[7]] * 50

        assert len(known) == 1
        node.close()


async def test_a_script_that_stays_unknown_stays_refused():
    async with RespServer(lambda _: b"-NOSCRIPT No matching script.\r\n") as server:
        node = node_of(server)

        (answer,) = await node.ask([SCRIPT.on([])])

        assert isinstance(answer, Refusal)
        assert len(said(server)) == 3
        node.close()


async def test_a_durable_write_waits_for_replicas_on_a_connection_of_its_own():
    def answer(command):
        return b"" if command[0] == "WAIT" else echo(command)

    async with RespServer(answer) as server:
        node = node_of(server)
        durable = asyncio.ensure_future(node.ask_durably([("SET", "a", "1")], 1, 0.25))
        await eventually(lambda: ("WAIT", "1", "250") in server.commands)

        assert await node.ask([("GET", "b")]) == [b"b"]

        server.say(b":2\r\n", to=0)
        assert await durable == ([b"1"], 2)
        again = asyncio.ensure_future(node.ask_durably([("SET", "a", "2")], 1, 0.25))
        await eventually(lambda: ("SET", "a", "2") in server.commands)
        server.say(b":0\r\n", to=0)
        assert await again == ([b"2"], 0)
        assert len(server.connections) == 2
        node.close()


async def test_a_durable_script_that_was_unknown_waits_after_it_has_run():
    answers = iter([b"-NOSCRIPT No matching script.\r\n", b":1\r\n", b"+5ha\r\n", b":7\r\n", b":0\r\n"])
    async with RespServer(lambda _: next(answers)) as server:
        node = node_of(server)

        assert await node.ask_durably([SCRIPT.on(["k"])], 1, 0.1) == ([7], 0)
        node.close()


async def test_a_caller_who_goes_while_replicas_are_waited_for_leaves_no_connection_behind():
    async with RespServer(lambda command: b"" if command[0] == "WAIT" else echo(command)) as server:
        node = node_of(server)
        durable = asyncio.ensure_future(node.ask_durably([("SET", "a", "1")], 1, 5.0))
        await eventually(lambda: ("WAIT", "1", "5000") in server.commands)

        durable.cancel()
        await asyncio.gather(durable, return_exceptions=True)
        again = asyncio.ensure_future(node.ask_durably([("SET", "b", "1")], 1, 5.0))
        await eventually(lambda: len(server.connections) == 2)

        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
        node.close()


async def test_a_closed_node_opens_nothing():
    async with RespServer(echo) as server:
        node = node_of(server)
        node.close()

        with pytest.raises(ConnectionAbortedError):
            await node.ask([("GET", "a")])

        assert server.connections == []
        assert "127.0.0.1" in repr(node)
