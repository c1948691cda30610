"""What each operation costs the gateway and Redis, and whether their sum foretells a mixed load. Takes 2 minutes.

Run: make bench-capacity, or PYTHONPATH=tests python bench/capacity.py. Writes a part of RESULTS.md; docs/scaling.md
explains the model and plans with it.
"""

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from chaos.rig import Rig, client
from chaos.rig_costs import Operations, costs
from chaos.rig_nodes import BOUND
from chaos.rig_report import read_records
from chaos.rig_tap import Cost, Tap
from fakes.redis_rigs import Replicated
from processes import tree
from replay import Saturated, replay
from report import machine
from results_file import put

TIMES = 300
SECONDS = 15
RATES = (10, 100, 1000)
MODEL = {
    "a login": ("open",),
    "a refresh": ("renew", "last"),
    "a logout": ("end",),
    "a cold request": (),
    "a warm request": ("use", "probe", "raced"),
    "an API key": ("key",),
}
"""Operation -> what the load's records call it. How many were cold is not seen from outside: see `_foretold`."""


@dataclass(frozen=True)
class Price:
    """What an operation costs: CPU microseconds of the gateway and of Redis, and what it asks of Redis."""

    gateway_us: float
    redis_us: float
    cost: Cost


@dataclass(frozen=True)
class Check:
    """One mixed load: how much CPU it took, in cores, and how much the prices foretold."""

    rate: float
    requests: int
    gateway: float
    gateway_foretold: float
    redis: float
    redis_foretold: float


async def main() -> int:
    with tempfile.TemporaryDirectory(prefix="capacity") as name:
        folder = Path(name)
        with Replicated("redis", folder / "store", replicas=0) as store:
            prices = await _prices(folder, store)
            saturated = await replay(store.master.port)
            checks = [await _check(folder, store, rate, prices) for rate in RATES]
    text = _render(prices, saturated, checks)
    put(text)
    print(text)
    return 0


async def _prices(folder: Path, store: Replicated) -> dict[str, Price]:
    """Each operation alone, one after the other on one connection: no two share a wake-up, so this is the most."""
    counted = Path(tempfile.mkdtemp(dir=folder))
    with Rig(counted, store, seed=1, nodes=1, workers=1) as rig:
        async with Tap(store.master.port) as tap:
            await asyncio.to_thread(rig.add_node, "tapped", store=tap.url)
            asked = await costs(rig, tap, 20)
    plain = Path(tempfile.mkdtemp(dir=folder))
    with Rig(plain, store, seed=2, nodes=2, workers=1) as rig:
        meter = Meter(rig, store)
        async with Operations(rig, rig.nodes[-1], rig.nodes[0]) as here:
            await here.login(0)
            await here.prepare(TIMES)
            steps = [here.login, here.request, here.request, here.api_key, here.refresh, here.logout]
            return {
                name: Price(*await meter.each(step, TIMES), asked[name])
                for name, step in zip(asked, steps, strict=True)
            }


class Meter:
    """CPU time of the rig's last node and of Redis."""

    def __init__(self, rig: Rig, store: Replicated) -> None:
        self._pids = [pid for node in rig.nodes[-1:] for pid in tree(node.pid)]
        self._redis = store.master

    def read(self) -> tuple[float, float]:
        """Seconds so far."""
        return sum(map(_cpu, self._pids)), _cpu(self._redis.process.pid)

    async def each(self, step, times: int) -> tuple[float, float]:
        """Microseconds for each run of a step, without what both spend when nothing is asked."""
        began, before = time.monotonic(), self.read()
        for number in range(times):
            await step(number)
        took, after = time.monotonic() - began, self.read()
        idle = await self.idle()
        return tuple((after[at] - before[at] - idle[at] * took) / times * 1e6 for at in (0, 1))

    async def idle(self, seconds: float = 1.0) -> tuple[float, float]:
        """Cores that heartbeats and timers take."""
        before = self.read()
        await asyncio.sleep(seconds)
        after = self.read()
        return tuple((after[at] - before[at]) / seconds for at in (0, 1))


async def _check(folder: Path, store: Replicated, rate: float, prices: dict[str, Price]) -> Check:
    """A mixed load on one node for some seconds."""
    place = Path(tempfile.mkdtemp(dir=folder))
    with Rig(place, store, seed=3, nodes=1, workers=1, users=8) as rig:
        meter = Meter(rig, store)
        idle = await meter.idle(2.0)
        out = place / "load"
        load = client(
            "rig_load_client.py", rig.spec(rate=rate, sessions=100, bound=BOUND, out=str(out), hows=["plain"])
        )
        await asyncio.to_thread(load.stdout.readline)
        began, before = time.monotonic(), meter.read()
        await asyncio.sleep(SECONDS)
        after, ended = meter.read(), time.monotonic()
        load.send_signal(signal.SIGTERM)
        said = json.loads((await asyncio.to_thread(load.communicate))[0])
    if said["wrong"]:
        raise RuntimeError(f"the load was answered wrongly: {said['violations']}")
    counted = Counter(record[3] for record in read_records(out) if began <= record[1] <= ended)
    gateway, redis = (after[at] - before[at] for at in (0, 1))
    foretold = _foretold(counted, prices)
    took = ended - began
    return Check(
        rate=sum(counted.values()) / took,
        requests=sum(counted.values()),
        gateway=gateway / took,
        gateway_foretold=foretold[0] / took + idle[0],
        redis=redis / took,
        redis_foretold=foretold[1] / took + idle[1],
    )


def _foretold(counted: Counter, prices: dict[str, Price]) -> tuple[float, float]:
    """CPU seconds. Every token that was issued is cold once, and every one that was revoked is looked up again."""
    number = {name: sum(counted[kind] for kind in kinds) for name, kinds in MODEL.items()}
    number["a cold request"] = number["a login"] + number["a refresh"] + counted["probe"]
    number["a warm request"] -= number["a cold request"]
    return (
        sum(number[name] * prices[name].gateway_us for name in number) / 1e6,
        sum(number[name] * prices[name].redis_us for name in number) / 1e6,
    )


def _cpu(pid: int) -> float:
    """Seconds on a core, of all threads: to the nanosecond, where /proc/PID/stat counts hundredths."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _render(prices: dict[str, Price], saturated: list[Saturated], checks: list[Check]) -> str:
    lines = [
        "# What capacity is made of",
        "",
        f"`make bench-capacity` wrote this: one worker, one Redis. {machine()}.",
        f"Each operation {TIMES} times, one after the other on one connection; passwords have a cheap hash here.",
        "",
        "| operation | gateway CPU µs | Redis CPU µs | commands sent | run in scripts | bytes sent | bytes back |",
        "|---|--:|--:|---|--:|--:|--:|",
    ]
    for name, price in prices.items():
        cost = price.cost
        lines.append(
            f"| {name} | {price.gateway_us:.0f} | {price.redis_us:.0f} | {cost} | {cost.in_scripts:g} "
            f"| {cost.bytes_in:,.0f} | {cost.bytes_out:,.0f} |"
        )
    lines += [
        "",
        "## When Redis saturates",
        "",
        "| sent in pipelines, nothing else | a second | Redis CPU µs each | so many would fill its core |",
        "|---|--:|--:|--:|",
        *(f"| {each.name} | {each.rate:,.0f} | {each.cpu_us:.1f} | {1e6 / each.cpu_us:,.0f} |" for each in saturated),
        "",
        "## Mixed loads, foretold and seen",
        "",
        "| requests a second | gateway cores foretold | seen | Redis cores foretold | seen |",
        "|--:|--:|--:|--:|--:|",
        *(
            f"| {each.rate:,.0f} | {each.gateway_foretold:.3f} | {each.gateway:.3f} "
            f"| {each.redis_foretold:.3f} | {each.redis:.3f} |"
            for each in checks
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
