"""The capacity model of docs/scaling.md: what a load needs, by what operations cost. `python bench/plan.py` prints it.

The prices are those to plan with: rounded up from bench/RESULTS.md. `make bench-capacity` holds them beside real loads.
"""

import random
import sys
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil, exp

GATEWAY_US = {"warm": 60, "cold": 500, "refresh": 1200, "login": 2000, "logout": 900}
"""CPU microseconds of a worker. A login's password costs ARGON2_US besides."""
ARGON2_US = 235_000
REDIS_US = {"cold": 25, "refresh": 200, "login": 200, "logout": 100, "beat": 20}
"""CPU microseconds of Redis, as they are when it has much to do."""
BEATS = 1 / 0.15
"""Heartbeats a second of each worker, and of its supervisor."""
BUSY = 0.6
"""Of a core: what is planned with, so that one node of several may be away."""
SESSION_BYTES, REFRESHED_BYTES, SPENT_BYTES = 2200, 1400, 280
"""In Redis: of a session as a login leaves it, more once it was refreshed, and more for each token spent since."""


@dataclass(frozen=True)
class Load:
    """How a gateway is used. `rate`: requests a second; `pace`: of them from each session that is in use."""

    rate: float
    pace: float = 1.0
    access_ttl: float = 900.0
    working_day: float = 8 * 3600.0

    @property
    def active(self) -> float:
        """Sessions in use."""
        return self.rate / self.pace


@dataclass(frozen=True)
class Plan:
    """So many workers of so many nodes, and what they and Redis have to do."""

    load: Load
    nodes: int
    workers: int
    """Of each node."""
    sharded: bool
    cold: float
    """Share of the requests that ask Redis."""
    gateway: float
    """Cores that are busy."""
    redis: float

    @property
    def total(self) -> int:
        return self.nodes * self.workers


def cold_share(load: Load, workers: float, capacity: float, tokens: float) -> float:
    """Of requests that go to any of so many workers, which remember so many of so many tokens in use each.

    A token is cold once at each worker that it meets in its life (met at random: Poisson), and again where it was
    pushed out: of more tokens than have room, used alike, a worker has what there is room for.
    """
    life = load.pace * load.access_ttl
    met = workers * (1 - exp(-life / workers)) / life
    return max(met, 1 - capacity / tokens if tokens > capacity else 0.0)


def needs(load: Load, nodes: int, workers: int, *, sharded: bool, capacity: int = 50_000) -> Plan:
    """What so many workers have to do. `sharded`: whatever is in front sends a session to one node always."""
    met = workers if sharded else nodes * workers
    tokens = load.active / (nodes if sharded else 1)
    cold = cold_share(load, met, capacity, tokens)
    rates = {
        "warm": load.rate * (1 - cold),
        "cold": load.rate * cold,
        "refresh": load.active / load.access_ttl,
        "login": load.active / load.working_day,
        "logout": load.active / load.working_day,
    }
    gateway = sum(rate * GATEWAY_US[name] for name, rate in rates.items()) + rates["login"] * ARGON2_US
    beats = nodes * (workers + 1) * BEATS * REDIS_US["beat"]
    redis = sum(rate * REDIS_US.get(name, 0) for name, rate in rates.items()) + beats
    return Plan(load, nodes, workers, sharded, cold, gateway / 1e6, redis / 1e6)


def enough(load: Load, *, per_node: int, sharded: bool, capacity: int = 50_000) -> Plan:
    """The fewest nodes that are busy for no more than BUSY of their cores; two at least, so that one may go."""
    nodes = 2
    while (plan := needs(load, nodes, per_node, sharded=sharded, capacity=capacity)).gateway > BUSY * plan.total:
        nodes += 1
    return plan


def session_bytes(refreshes: float) -> float:
    """Of Redis's memory, for a session that was refreshed so often within the life of a refresh token."""
    return SESSION_BYTES + (REFRESHED_BYTES if refreshes else 0) + SPENT_BYTES * min(refreshes, 1000)


def simulated_cold_share(load: Load, workers: int, capacity: int, *, seconds: float, seed: int) -> float:
    """The same as `cold_share`, seen: request by request, with tables that push out an eighth when they are full."""
    dice = random.Random(seed)
    born = [dice.uniform(-load.access_ttl, 0) for _ in range(int(load.active))]
    tables: list[OrderedDict[tuple[int, float], None]] = [OrderedDict() for _ in range(workers)]
    cold = counted = 0
    requests = int(load.rate * seconds)
    for number in range(requests):
        now = number / load.rate
        session = dice.randrange(len(born))
        while born[session] + load.access_ttl < now:
            born[session] += load.access_ttl
        table, token = tables[dice.randrange(workers)], (session, born[session])
        missed = token not in table
        if missed:
            if len(table) >= capacity:
                for _ in range(max(1, capacity // 8)):
                    table.popitem(last=False)
            table[token] = None
        if number >= requests // 2:  # the first half fills the tables
            counted += 1
            cold += missed
    return cold / counted


def lines() -> list[str]:
    """The tables of docs/scaling.md."""
    found = [
        "| requests a second | in use | sharded | nodes x workers | cold | gateway cores busy | Redis cores busy |",
        "|--:|--:|---|--:|--:|--:|--:|",
    ]
    for rate, per_node in ((10, 1), (1000, 2), (100_000, 8)):
        for sharded in (False, True):
            plan = enough(Load(rate), per_node=per_node, sharded=sharded)
            found.append(
                f"| {rate:,} | {plan.load.active:,.0f} | {'by session' if sharded else 'no'} "
                f"| {plan.nodes} x {plan.workers} | {plan.cold:.1%} | {plan.gateway:.2f} | {plan.redis:.2f} |"
            )
    found += ["", "| refreshes of each session | bytes each | 1 million | 10 million |", "|--:|--:|--:|--:|"]
    for refreshes in (0, 1, 10, 100, 1000):
        each = session_bytes(refreshes)
        gib = each * 1e6 / 2**30
        found.append(f"| {refreshes:,} | {each:,.0f} | {gib:,.1f} GiB | {gib * 10:,.0f} GiB |")
    full = {name: ceil(1e6 / us) for name, us in REDIS_US.items()}
    found += ["", "| of these alone | one Redis does a second |", "|---|--:|"]
    found += [f"| {name} | {full[name]:,} |" for name in ("cold", "refresh", "login", "logout")]
    return found


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
