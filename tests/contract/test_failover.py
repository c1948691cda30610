"""Fail-overs of real Sentinel sets and Clusters, on demand and by a killed master, and slots that move under load."""

import asyncio
from contextlib import asynccontextmanager
from itertools import count

import pytest
from fakes.hearing import Heard
from fakes.records import access, digest, refresh, rotation, session
from fakes.redis_nodes import until
from fakes.redis_rigs import ClusterRig, SentinelRig
from fakes.waiting import eventually

from gateway.config.store import StoreConfig
from gateway.errors import StoreUnavailable
from gateway.state.connect import open_store
from gateway.state.feed import Feed, Invalidation
from gateway.state.records import Outcome
from gateway.state.slots import slot_of_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
KINDS = ["redis", "valkey"]
NUMBERS = count(1)


class Load:
    """Logs in and looks up again and again; `failures` are the outages that callers would have seen."""

    def __init__(self, store, clock):
        self._store = store
        self._clock = clock
        self.done = 0
        self.failures = []
        self._stop = False

    async def run(self):
        while not self._stop:
            await self._step(next(NUMBERS))
            await asyncio.sleep(0.002)

    async def stop(self):
        self._stop = True

    async def _step(self, number):
        try:
            await self._store.open_session(
                session(f"s{number}", self._clock, user_id=f"u{number}"),
                [access(f"a{number}", self._clock), refresh(f"r{number}", self._clock)],
            )
            found = await self._store.find_token(digest(f"a{number}"))
            assert found is None or found.session.user_id == f"u{number}"
            self.done += 1
        except StoreUnavailable as outage:
            self.failures.append(str(outage))

    async def goes_on(self):
        """Wait until some more steps have succeeded."""
        least = self.done + 20
        await eventually(lambda: self.done >= least, seconds=60)


@asynccontextmanager
async def gateway(rig, clock):
    """A store under load, and its feed, which is alive."""
    store = open_store(StoreConfig(url=rig.url, timeout=5.0), clock=clock)
    feed, load = Feed(store), Load(store, clock)
    await feed.start()
    await eventually(lambda: feed.alive, seconds=60)
    running = [asyncio.ensure_future(load.run()) for _ in range(4)]
    try:
        await load.goes_on()
        yield store, feed, load
    finally:
        await load.stop()
        await asyncio.gather(*running)
        await feed.stop()
        await store.close()


@pytest.fixture(params=KINDS)
def sentinels(request, tmp_path):
    with SentinelRig(request.param, tmp_path) as rig:
        yield rig


@pytest.fixture(params=KINDS)
def cluster(request, tmp_path):
    with ClusterRig(request.param, tmp_path) as rig:
        yield rig


class Several:
    masters = 3


async def still_revokes(store, feed, clock):
    """A session opened now is refreshed, revoked, and heard to be."""
    number = next(NUMBERS)
    heard = Heard(feed, Several)
    whole = session(f"s{number}", clock, user_id=f"u{number}")
    await store.open_session(whole, [access(f"a{number}", clock), refresh(f"r{number}", clock)])
    rotated = await store.rotate(rotation(f"s{number}", f"r{number}", f"n{number}", clock))
    assert rotated.outcome is Outcome.ROTATED
    assert await store.revoke_session(f"s{number}", "logout")
    await eventually(lambda: Invalidation("session", session_id=f"s{number}") in heard)
    assert await store.find_token(digest(f"a{number}")) is None


async def test_a_fail_over_of_sentinels_on_demand_is_followed(sentinels, clock):
    async with gateway(sentinels, clock) as (store, feed, load):
        generation = feed.generation

        await asyncio.to_thread(sentinels.failover)
        await load.goes_on()
        await eventually(lambda: feed.generation > generation, seconds=60)
        await eventually(lambda: feed.alive, seconds=60)

        await still_revokes(store, feed, clock)
        (master,) = await store.calls.masters()
        assert master.endpoint.port == (await asyncio.to_thread(sentinels.master)).port


async def test_a_killed_master_is_replaced_and_never_written_to_when_it_comes_back(sentinels, clock):
    async with gateway(sentinels, clock) as (store, feed, load):
        old = await asyncio.to_thread(sentinels.kill_master)
        await eventually(lambda: load.failures, seconds=60)
        await asyncio.to_thread(sentinels.moved_from, old)
        await load.goes_on()
        load.failures.clear()

        await asyncio.to_thread(old.start)  # as the master that it was, until a sentinel has told it otherwise
        await asyncio.to_thread(until, lambda: old.role() == "slave", "the old master to follow")
        await load.goes_on()

        assert load.failures == []
        await eventually(lambda: feed.alive, seconds=60)
        await still_revokes(store, feed, clock)


async def test_a_fail_over_of_a_shard_on_demand_is_followed(cluster, clock):
    async with gateway(cluster, clock) as (store, feed, load):
        old = await asyncio.to_thread(cluster.master_of, store.keys.mark_all)

        heir = await asyncio.to_thread(cluster.failover, old)
        await load.goes_on()
        await eventually(
            lambda: heir.port in {node.endpoint.port for node in store.calls.topology._masters}, seconds=60
        )
        await eventually(lambda: feed.alive, seconds=60)

        await still_revokes(store, feed, clock)


async def test_a_killed_master_of_a_shard_is_replaced(cluster, clock):
    async with gateway(cluster, clock) as (store, feed, load):
        old = await asyncio.to_thread(cluster.master_of, store.keys.mark_all)

        heirs = await asyncio.to_thread(cluster.kill_master, old)
        await eventually(lambda: load.failures, seconds=60)
        await asyncio.to_thread(cluster.took_over, heirs)
        await load.goes_on()
        await eventually(lambda: feed.alive, seconds=60)

        await still_revokes(store, feed, clock)


def move_slot(cluster, slot, source, target):
    """As redis-cli's reshard does: key by key, while clients come and go."""
    ids = {node: node.admin("CLUSTER", "MYID") for node in (source, target)}
    target.admin("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
    source.admin("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    while keys := source.admin("CLUSTER", "GETKEYSINSLOT", slot, 1):
        source.admin("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        yield
    for node in (target, source):
        node.admin("CLUSTER", "SETSLOT", slot, "NODE", ids[target])


async def test_a_slot_that_moves_under_load_fails_nobody(cluster, clock):
    async with gateway(cluster, clock) as (store, _, load):
        await store.open_session(session("moving", clock), [access("a", clock), refresh("r", clock)])
        key = store.keys.session("moving")
        source = await asyncio.to_thread(cluster.master_of, key)
        target = next(node for node in await asyncio.to_thread(cluster.masters) if node is not source)
        await store.rotate(rotation("moving", "r", "n", clock))  # a session of several keys

        for _ in move_slot(cluster, slot_of_key(key), source, target):
            assert (await store.find_token(digest("n.access"))).session.id == "moving"
        assert (await store.find_token(digest("n.access"))).session.id == "moving"
        assert await store.revoke_session("moving", "logout")
        await load.goes_on()

        assert load.failures == []
        assert await asyncio.to_thread(cluster.master_of, key) is target
