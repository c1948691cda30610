"""Clients that keep their connections and ask without end, and note everything that goes wrong."""

import asyncio
from collections import Counter
from contextlib import suppress

from fakes.plain_client import request

WAIT_SECONDS = 60.0


class SteadyLoad:
    """`busy` clients ask again at once, `slow` ones after a pause on a connection that is idle meanwhile."""

    def __init__(self, port, *, busy=6, slow=4, target="/open/x", headers=()):
        self.port = port
        self.statuses = Counter()
        self.failures = []
        self.connections = 0
        self._request = request("GET", target, headers)
        self._pauses = [0.0] * busy + [0.3] * slow
        self._is_over = False
        self._tasks = []

    async def __aenter__(self):
        self._tasks = [asyncio.ensure_future(self._client(pause)) for pause in self._pauses]
        return self

    async def __aexit__(self, *_):
        self._is_over = True
        await asyncio.gather(*self._tasks)

    @property
    def answered(self):
        return sum(self.statuses.values())

    async def more(self, count=50):
        """Wait until so many more have been answered: whatever comes next happens under load."""
        goal = self.answered + count
        async with asyncio.timeout(WAIT_SECONDS):
            while self.answered < goal:  # noqa: ASYNC110 - counted by many, and no event of ours
                await asyncio.sleep(0.01)

    async def _client(self, pause):
        stream = None
        while not self._is_over:
            try:
                if stream is None:
                    stream = await asyncio.open_connection("127.0.0.1", self.port)
                    self.connections += 1
                async with asyncio.timeout(WAIT_SECONDS):
                    status, stays = await self._ask(*stream)
                self.statuses[status] += 1
            except (OSError, EOFError, TimeoutError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                stays = False
            if not stays and stream is not None:
                await self._close(stream)
                stream = None
            await asyncio.sleep(pause)
            if (
                pause and stream is not None and stream[0].at_eof()
            ):  # closed while idle: nothing was asked, nothing lost
                await self._close(stream)
                stream = None
        if stream is not None:
            await self._close(stream)

    async def _ask(self, reader, writer):
        writer.write(self._request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        await reader.readexactly(int(fields[b"content-length"]))
        return int(head.split(b" ", 2)[1]), fields.get(b"connection") != b"close"

    @staticmethod
    async def _close(stream):
        stream[1].close()
        with suppress(OSError):
            await stream[1].wait_closed()
