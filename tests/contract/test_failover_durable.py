"""A master is killed under load with `min_replicas: 1`: what was acknowledged is still so, and nothing ended comes back."""

import asyncio
from itertools import count

import pytest
from fakes.clock import Clock
from fakes.records import access, digest, refresh, rotation, session
from fakes.redis_rigs import ClusterRig, SentinelRig
from fakes.waiting import eventually

from gateway.config.store import StoreConfig
from gateway.errors import StoreUnavailable
from gateway.state.connect import open_store
from gateway.state.records import Outcome, Standing

pytestmark = pytest.mark.slow
STEPS = 40
"""Logins and ends before and after the failure, of each caller."""


class Books:
    """What was acknowledged. A step that ended in an outage may or may not have been taken: it is not in them."""

    def __init__(self, store, clock):
        self._store = store
        self._clock = clock
        self._numbers = count(1)
        self.alive, self.rotated, self.ended = set(), set(), set()
        self.outages = 0
        self.over = False

    async def keep(self):
        while not self.over:
            try:
                await self._one(next(self._numbers))
            except StoreUnavailable:
                self.outages += 1
                await asyncio.sleep(0.02)

    async def _one(self, number):
        store, clock = self._store, self._clock
        whole = session(f"s{number}", clock, user_id=f"u{number}")
        await store.open_session(whole, [access(f"a{number}", clock), refresh(f"r{number}", clock)])
        self.alive.add(number)
        if number % 3 == 1:
            self.alive.discard(number)
            await store.revoke_session(f"s{number}", "logout")
            self.ended.add(number)
        elif number % 3 == 2:
            self.alive.discard(number)
            taken = await store.rotate(rotation(f"s{number}", f"r{number}", f"n{number}", clock))
            assert taken.outcome is Outcome.ROTATED
            self.rotated.add(number)

    async def fill(self):
        """Until so much more is acknowledged."""
        least = len(self.alive) + len(self.ended) + STEPS
        await eventually(lambda: len(self.alive) + len(self.ended) >= least, seconds=60)


RIGS = {"sentinel": SentinelRig, "cluster": lambda kind, place: ClusterRig(kind, place, replicas=2)}


@pytest.mark.parametrize("kind", ["redis", "valkey"])
@pytest.mark.parametrize("rig", RIGS)
async def test_what_was_acknowledged_survives_a_killed_master(rig, kind, tmp_path):
    clock = Clock()
    with RIGS[rig](kind, tmp_path) as servers:
        config = StoreConfig(url=servers.url, timeout=5.0, min_replicas=1)
        store, fresh = open_store(config, clock=clock), open_store(config, clock=clock)
        books = Books(store, clock)
        callers = [asyncio.ensure_future(books.keep()) for _ in range(6)]
        await books.fill()
        if rig == "cluster":
            heirs = await asyncio.to_thread(lambda: servers.kill_master(servers.master_of("gw:s:{s1}")))
            await asyncio.to_thread(servers.took_over, heirs)
        else:
            old = await asyncio.to_thread(servers.kill_master)
            await asyncio.to_thread(servers.moved_from, old)
        await books.fill()
        books.over = True
        await asyncio.gather(*callers)

        assert books.outages
        await eventually(fresh.ping, seconds=60)
        for number in books.alive:
            assert await fresh.find_token(digest(f"a{number}")), f"login {number} was acknowledged"
        for number in books.rotated:
            assert await fresh.find_token(digest(f"n{number}.access")), f"refresh {number} was acknowledged"
            assert (await fresh.find_refresh(digest(f"r{number}"))).standing is Standing.SPENT
        for number in books.ended:
            assert await fresh.find_token(digest(f"a{number}")) is None, f"the end of {number} was acknowledged"
        await store.close()
        await fresh.close()
        await asyncio.sleep(0.05)
