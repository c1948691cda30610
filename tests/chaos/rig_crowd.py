"""Thousands of connections held at once over the workers of one node, by several client processes, and what they cost."""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from chaos.rig import SOURCES, client
from chaos.rig_nodes import PASSWORD
from chaos.rig_wire import Wire, bearer, post, request
from fakes.memory import resident_bytes

CLIENTS = 3


@dataclass(frozen=True)
class Held:
    """What was seen while all connections were open."""

    connections: int
    answered_again: int
    """How many of them got an answer once more, after all were there."""
    of_each_worker: list[int]
    memory_before: int
    """Bytes resident in all processes of the gateway, warm and with no connection."""
    memory_held: int
    files_limit: int
    """How many files, and so connections, each process may open."""

    @property
    def each(self):
        """Bytes that one connection costs the gateway."""
        return (self.memory_held - self.memory_before) / self.connections


async def hold(rig, count):
    """Open so many connections to the first node, use all of them twice, and tell."""
    node = rig.nodes[0]
    token = await _warm(rig)
    before = _memory(node)
    crowds = [_crowd(node, token, number, count) for number in range(CLIENTS)]
    try:
        for crowd in crowds:
            assert await asyncio.to_thread(crowd.stdout.readline) == "ready\n"
        for crowd in crowds:
            crowd.stdin.write("again\n")
            crowd.stdin.flush()
        again = [int(await asyncio.to_thread(crowd.stdout.readline)) for crowd in crowds]
        shares = [_sockets(pid) - idle for pid, idle in zip(node.workers(), before.sockets, strict=True)]
        limit = _limit(node.workers()[0])
        return Held(count, sum(again), shares, before.resident, _memory(node).resident, limit)
    finally:
        for crowd in crowds:
            crowd.kill()
            crowd.communicate()


async def _warm(rig):
    """What is built at the first requests is no cost of the connections. Returns a token."""
    user = rig.users[0]
    wire = await Wire.open(rig.nodes[0].address)
    answer = await wire.ask(post("/auth/login", {"username": user.name, "password": PASSWORD}))
    await wire.end()
    token = answer.json["access_token"]
    for _ in range(100):
        wire = await Wire.open(rig.nodes[0].address)
        assert (await wire.ask(request("GET", "/echo/plain/warm", bearer(token)))).status == 200
        await wire.end()
    return token


def _crowd(node, token, number, count):
    share = count // CLIENTS + (number < count % CLIENTS)
    sources = SOURCES[number::CLIENTS]
    return client("rig_idle_client.py", {"node": node.address, "sources": sources, "count": share, "token": token})


@dataclass(frozen=True)
class _Memory:
    resident: int
    sockets: list[int]


def _memory(node):
    pids = {node.pid, *node.workers()}
    return _Memory(sum(resident_bytes(pid) for pid in pids), [_sockets(pid) for pid in node.workers()])


def _sockets(pid):
    count = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(entry.readlink()).startswith("socket:")
    return count


def _limit(pid):
    return int(re.search(r"Max open files\s+(\d+)", Path(f"/proc/{pid}/limits").read_text())[1])
