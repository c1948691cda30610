"""What can go wrong in a rig, each as one coroutine that returns once it is over and repaired; it says what it did."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fakes.redis_rigs import ClusterRig, SentinelRig, in_step, until

Strike = Callable[..., Awaitable[str]]


@dataclass(frozen=True)
class Fault:
    """`breaks`: besides a 502, 503 or 504, how a request may end that was under way when somebody was killed.

    "broken": before an answer began, if the process was killed that held the connection. "cut": within one, which also
    a dead upstream does: what has begun cannot become a 502 any more, and must not look complete.
    """

    name: str
    strike: Strike
    breaks: frozenset[str] = frozenset()


async def worker_killed(rig):
    node = rig.dice.choice(rig.nodes)
    killed = node.kill_worker(rig.dice)
    await node.whole_again(killed)
    return f"{node.directory.name}, process {killed}"


async def upstream_dead(rig):
    upstream = rig.dice.choice(rig.upstreams)
    upstream.kill()
    await asyncio.sleep(rig.dice.uniform(0.5, 2))
    await asyncio.to_thread(upstream.start)
    return f"port {upstream.port}"


async def all_upstreams_dead(rig):
    for upstream in rig.upstreams:
        upstream.kill()
    await asyncio.sleep(rig.dice.uniform(0.2, 1))
    for upstream in rig.upstreams:
        await asyncio.to_thread(upstream.start)
    return "both"


async def redis_paused(rig):
    """Stopped, with an open port; for less than what would be a failover."""
    masters = await asyncio.to_thread(rig.store.masters)
    master = rig.dice.choice(masters)
    seconds = rig.dice.uniform(0.3, 0.8 if len(rig.store.nodes) > 1 else 2)
    master.pause()
    await asyncio.sleep(seconds)
    master.resume()
    return f"port {master.port}, {seconds:.1f} s"


async def redis_restarted(rig):
    """Killed with -9, and started again from its append-only file."""
    master = rig.store.nodes[0]
    master.kill()
    await asyncio.sleep(rig.dice.uniform(0, 1))
    await asyncio.to_thread(master.start)
    return f"port {master.port}"


async def master_killed(rig):
    """A replica takes its place; then the killed one comes back as a replica."""
    return await asyncio.to_thread(_master_killed, rig)


def _master_killed(rig):
    store = rig.store
    if isinstance(store, SentinelRig):
        old = store.kill_master()
        new = store.moved_from(old)
        old.start()
        until(lambda: in_step(new, len(store.nodes) - 1), "the old master to follow")
    else:
        old = rig.dice.choice(store.masters())
        new = store.took_over(store.kill_master(old))
        old.start()
        until(store.healthy, "the old master to follow")
    return f"port {old.port}, then {new.port}"


async def failed_over(rig):
    """On demand, with the old master alive: it must not be written to any more."""
    return await asyncio.to_thread(_failed_over, rig)


def _failed_over(rig):
    store = rig.store
    if isinstance(store, SentinelRig):
        new = store.failover()
        until(lambda: in_step(new, len(store.nodes) - 1), "the others to follow")
    else:
        new = store.failover(rig.dice.choice(store.masters()))
        until(store.healthy, "the cluster to be whole")
    return f"to port {new.port}"


CUT = frozenset({"cut"})
WORKER_KILLED = Fault("a worker killed -9", worker_killed, CUT | {"broken"})
UPSTREAM_DEAD = Fault("an upstream dead", upstream_dead, CUT)
UPSTREAMS_DEAD = Fault("all upstreams dead", all_upstreams_dead, CUT)
PAUSED = Fault("Redis paused", redis_paused)
RESTARTED = Fault("Redis killed and restarted", redis_restarted)
MASTER_KILLED = Fault("a master killed -9", master_killed)
FAILED_OVER = Fault("failed over", failed_over)


def faults_of(store):
    """What can happen to a rig with this store."""
    several = isinstance(store, SentinelRig | ClusterRig)
    of_store = (MASTER_KILLED, FAILED_OVER) if several else (RESTARTED,)
    return (WORKER_KILLED, UPSTREAM_DEAD, UPSTREAMS_DEAD, PAUSED, *of_store)
