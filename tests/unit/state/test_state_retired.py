"""Servers that are asked no more are closed after a while, and all at once at the end."""

from fakes.resp_server import RespServer
from fakes.waiting import eventually

from gateway.state.endpoint import Endpoint
from gateway.state.node import Node
from gateway.state.retired import Retired


async def asked_once(server):
    node = Node(Endpoint(host="127.0.0.1", port=server.port, timeout=5.0), [])
    await node.ask([("PING",)])
    (link,) = node._links
    return node, link


async def test_a_retired_server_still_answers_and_is_closed_after_a_while():
    async with RespServer(lambda _: b"+PONG\r\n") as server:
        node, link = await asked_once(server)
        retired = Retired(0.05)

        retired.add(node)

        assert await node.ask([("PING",)]) == [b"PONG"]
        await eventually(link.ended.done)


async def test_all_that_are_left_are_closed_at_once():
    async with RespServer(lambda _: b"+PONG\r\n") as server:
        retired = Retired(3600.0)
        links = []
        for _ in range(2):
            node, link = await asked_once(server)
            retired.add(node)
            links.append(link)

        retired.close()

        await eventually(lambda: all(link.ended.done() for link in links))
