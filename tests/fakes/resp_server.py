"""A server of the Redis protocol whose every answer is written by the test."""

import asyncio
import contextlib

from hiredis import ProtocolError, Reader

HELLO = b"%3\r\n+server\r\n+valkey\r\n+proto\r\n:3\r\n+role\r\n+master\r\n"


class RespServer:
    """`answer(command)` gives the bytes to say, b"" for none yet; commands are tuples of text. HELLO is answered."""

    def __init__(self, answer, *, hello=HELLO):
        self._answer = answer
        self._hello = hello
        self.commands = []
        self.connections = []
        self.asking = None  # the number of the connection whose command is being answered

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self.connections:
            writer.transport.abort()
        await self._server.wait_closed()

    def say(self, data, *, to=-1):
        """Say something unasked, to the connection of that number."""
        self.connections[to].write(data)

    def hang_up(self, which=-1):
        self.connections[which].transport.abort()

    async def _serve(self, reader, writer):
        self.connections.append(writer)
        parser = Reader(encoding="utf-8")
        with contextlib.suppress(ConnectionError, ProtocolError, asyncio.CancelledError):
            while data := await reader.read(65536):
                parser.feed(data)
                while command := parser.gets():
                    self.commands.append(tuple(command))
                    self.asking = self.connections.index(writer)
                    answer = self._hello if command[0] == "HELLO" else self._answer(tuple(command))
                    if answer:
                        writer.write(answer)
            writer.close()


def bulk(text):
    """A string, as an answer."""
    return b"$%d\r\n%s\r\n" % (len(text.encode()), text.encode())


def echo(command):
    """GET x is answered by x."""
    return bulk(command[-1])
