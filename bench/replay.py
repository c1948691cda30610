"""How many of the store's steps one Redis can do at all: the commands of the store's own code, without a gateway."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bulk import Bulk
from redis import Redis

PIPELINE = 100
LOGINS = 20_000


@dataclass(frozen=True)
class Saturated:
    """One kind of step, sent as fast as Redis takes it; `busy` is the share of a core that it had then."""

    name: str
    rate: float
    cpu_us: float
    busy: float


async def replay(port: int) -> list[Saturated]:
    """Logins, then the look-ups and refreshes of the sessions that they made. What is sent is made beforehand."""
    bulk = Bulk(port)
    bulk.flush()
    found = []
    for name, step in (("logins", bulk.login), ("cold look-ups", bulk.look_up), ("refreshes", bulk.refresh)):
        blocks = [await _block(bulk, step, first) for first in range(0, LOGINS, PIPELINE)]
        found.append(await asyncio.to_thread(_send, port, bulk, name, blocks))
    return found


async def _block(bulk: Bulk, step: Callable[[int], Awaitable[None]], first: int) -> tuple[bytes, int]:
    for number in range(first, first + PIPELINE):
        await step(number)
    return bulk.take()


def _send(port: int, bulk: Bulk, name: str, blocks: list[tuple[bytes, int]]) -> Saturated:
    with Redis(port=port) as admin:
        before, began = _cpu(admin), time.monotonic()
        for block in blocks:
            bulk.exchange(block)
        took, cpu = time.monotonic() - began, _cpu(admin) - before
    count = len(blocks) * PIPELINE
    return Saturated(name, count / took, cpu / count * 1e6, cpu / took)


def _cpu(admin: Redis) -> float:
    times = admin.info("cpu")
    return times["used_cpu_user_main_thread"] + times["used_cpu_sys_main_thread"]
