"""A scripted server that takes a subscription and passes heartbeats on to it, until it is told not to."""

from fakes.resp_server import RespServer, bulk

from gateway.state.endpoint import Endpoint
from gateway.state.node import Node

SUBSCRIBED = b">3\r\n+subscribe\r\n+x\r\n:1\r\n+PONG\r\n"


class Listened:
    """`node` reaches it; `subscribed` is what it says to a subscription."""

    def __init__(self, **options):
        self.beats = []
        self.passes_on = True
        self.listener = None
        self.pending = []
        """What was published and is on its way: pushed before the next PING is answered."""
        self.answers_pings = True
        self.beaten = b":1\r\n"
        """What it says to a heartbeat."""
        self.subscribed = SUBSCRIBED
        self._pinged = []
        self.server = RespServer(self._say, **options)

    async def __aenter__(self):
        await self.server.__aenter__()
        self.node = Node(Endpoint(host="127.0.0.1", port=self.server.port, timeout=5.0), [])
        return self

    async def __aexit__(self, *_):
        self.node.close()
        await self.server.__aexit__()

    def publish(self, data, *, channel="gw:feed"):
        self.server.say(b">3\r\n+message\r\n" + bulk(channel) + bulk(data), to=self.listener)

    def _say(self, command):
        if command[0] == "SUBSCRIBE":
            self.own, self.listener = command[2], self.server.asking
            return b""
        if command[0] == "PING" and self.listener in self._pinged:
            for data in self.pending:
                self.publish(data)
            return b"+PONG\r\n" if self.answers_pings else b""
        if command[0] == "PING":
            self._pinged.append(self.listener)
            return self.subscribed
        self.beats.append(command)
        if self.passes_on and self.listener is not None:
            self.publish(command[-1], channel=self.own)
        return self.beaten
