"""Two ways to hear of revocations, measured: publish/subscribe, and the server's own tracking of what was read.

Run: python bench/store_feed.py [valkey|redis] [sessions] [workers]
"""

import asyncio
import sys
import tempfile
from itertools import pairwise
from statistics import median, quantiles
from time import perf_counter
from types import SimpleNamespace

import uvloop

sys.path.insert(0, "tests")
from fakes.servers import StoreServer

from gateway.state.endpoint import Endpoint
from gateway.state.script import Script

FIELDS = dict.fromkeys(("id", "meta", "opened", "owner", "tenant", "end"), "x" * 80)
END = Script.of("redis.call('HSET', KEYS[1], 'revoked', 'x') redis.call('PUBLISH', 'gw:feed', KEYS[1]) return 1\n")
REVOCATIONS = 500


class Worker:
    """One connection to read by, and what it is told."""

    async def open(self, where, way):
        self.told = {}
        self.pushes = 0
        self.link = await where.open(self._hear)
        if way == "tracking":
            await self.link.send([("CLIENT", "TRACKING", "ON")])
        else:
            self.ears = await where.open(self._hear)
            await self.ears.send([("SUBSCRIBE", "gw:feed"), ("PING",)], answers=1)
        return self

    def _hear(self, push):
        kind, *rest = push
        named = rest[-1] if kind == b"message" else rest[0] if kind == b"invalidate" else None
        if named is not None:
            self.pushes += 1
            self.told[named[0] if isinstance(named, list) else named] = perf_counter()

    async def read(self, keys):
        """Every key once, as a cold look-up reads a session; 200 at a time."""
        for first, last in pairwise([*range(0, len(keys), 200), len(keys)]):
            await self.link.send([("HMGET", key, *FIELDS) for key in keys[first:last]])

    def close(self):
        for link in (self.link, getattr(self, "ears", None)):
            if link is not None:
                link.abort()


def server_seconds(server):
    info = server.admin("INFO", "cpu")
    return info["used_cpu_user"] + info["used_cpu_sys"]


async def measure(server, way, keys, count):
    where = Endpoint(path=str(server.socket), timeout=60.0)
    workers = [await Worker().open(where, way) for _ in range(count)]
    writer = await where.open()
    await writer.send([("SCRIPT", "LOAD", END.source)])
    memory, before = server.admin("INFO", "memory")["used_memory"], server_seconds(server)
    for worker in workers:
        await worker.read(keys)
    reading = (server_seconds(server) - before) / (len(keys) * count)
    grown = server.admin("INFO", "memory")["used_memory"] - memory

    pushes = sum(worker.pushes for worker in workers)
    for key in keys[:REVOCATIONS]:  # a refresh changes the session and ends nothing
        await writer.send([("HSET", key, "refreshed", "1")])
    await asyncio.sleep(0.2)
    spurious = (sum(worker.pushes for worker in workers) - pushes) / REVOCATIONS
    for worker in workers:
        await worker.read(keys[:REVOCATIONS])

    delays, before = [], server_seconds(server)
    for key in keys[:REVOCATIONS]:
        for worker in workers:
            worker.told.clear()
        began = perf_counter()
        await writer.send([END.on([key])])
        while not all(worker.told for worker in workers):  # noqa: ASYNC110 - events would be part of what is measured
            await asyncio.sleep(0)
        delays.append(max(at for worker in workers for at in worker.told.values()) - began)
    ending = (server_seconds(server) - before) / REVOCATIONS
    writer.abort()
    for worker in workers:
        worker.close()
    return SimpleNamespace(reading=reading, grown=grown, spurious=spurious, delays=delays, ending=ending)


async def main(kind="valkey", sessions="50000", count="6"):
    keys = [f"gw:s:{{{number:024d}}}" for number in range(int(sessions))]
    for way in ("publish", "tracking", "publish", "tracking"):
        server = StoreServer(kind, tempfile.mkdtemp()).start()
        try:
            link = await Endpoint(path=str(server.socket), timeout=60.0).open()
            for first in range(0, len(keys), 500):
                flat = [word for pair in FIELDS.items() for word in pair]
                await link.send([("HSET", key, *flat) for key in keys[first : first + 500]])
            found = await measure(server, way, keys, int(count))
            per = found.grown / (len(keys) * int(count))
            print(
                f"{kind} {way:9} read {found.reading * 1e6:5.2f} us of the server, "
                f"memory {per:6.1f} B per session and worker, {found.spurious:.0f} messages per refresh, "
                f"revocation heard by all: p50 {median(found.delays) * 1e3:.2f} ms, "
                f"p99 {quantiles(found.delays, n=100)[98] * 1e3:.2f} ms, {found.ending * 1e6:.0f} us of the server",
                flush=True,
            )
        finally:
            server.stop()


uvloop.run(main(*sys.argv[1:]))
