"""One server is the master of everything."""

from fakes.resp_server import RespServer, bulk

from gateway.state.endpoint import Endpoint
from gateway.state.node import Node
from gateway.state.topology import Single


async def test_a_single_server_is_asked_for_every_key_and_is_the_only_master():
    answers = {"GET": bulk("a"), "SET": b"+OK\r\n", "WAIT": b":1\r\n"}
    async with RespServer(lambda command: answers[command[0]]) as server:
        node = Node(Endpoint(host="127.0.0.1", port=server.port), [])
        single = Single(node)

        assert await single.ask([("GET", "a"), ("GET", "b")]) == [b"a", b"a"]
        assert await single.ask_durably([("SET", "a", "1")], 1, 0.1) == ([b"OK"], 1)
        single.doubt(node)

        assert await single.masters() == (node,)
        assert single.key_on(node, "gw:beat") == "gw:beat"
        single.close()
