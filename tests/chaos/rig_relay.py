"""The way between one node and its store, which can be cut: nothing is refused, nothing comes any more."""

import asyncio
import contextlib

from fakes.ports import free_port


class Relay:
    """Relays to one port. A cut holds what is under way and lets it go when it heals by ending those connections."""

    def __init__(self, port):
        self.port = free_port()
        self._to = port
        self._ways = set()
        self._tasks = []
        self._cut = None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for way in self._ways:
            way.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self, *, feed_only=False):
        """From now on nothing passes; with `feed_only`, nothing on connections that have subscribed."""
        self._cut = "feed" if feed_only else "all"

    def heal(self):
        for way in [way for way in self._ways if self.holds(way)]:
            way.end()
        self._cut = None

    def passed(self, way, data, *, to_store):
        """For those who read along."""

    def holds(self, way):
        return self._cut == "all" or (self._cut == "feed" and way.is_feed)

    async def _accept(self, reader, writer):
        self._tasks.append(asyncio.current_task())
        with contextlib.suppress(OSError):
            away = await asyncio.open_connection("127.0.0.1", self._to)
            way = _Way(self, (reader, writer), away)
            self._ways.add(way)
            await way.run()
            self._ways.discard(way)


class _Way:
    """One connection of the node and the relay's own to the store."""

    def __init__(self, relay, here, there):
        self._relay = relay
        self._here = here
        self._there = there
        self.is_feed = False

    async def run(self):
        there, here = self._copy(self._here[0], self._there[1]), self._copy(self._there[0], self._here[1])
        await asyncio.gather(there, here)

    def end(self):
        self._here[1].close()
        self._there[1].close()

    async def _copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if source is self._here[0] and b"SUBSCRIBE" in data.upper():
                    self.is_feed = True
                self._relay.passed(self, data, to_store=source is self._here[0])
                if not self._relay.holds(self):
                    sink.write(data)
        self.end()
