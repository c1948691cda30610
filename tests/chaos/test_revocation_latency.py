"""Revoked is revoked on every worker of every node: at once while they hear of it, within the stated bound while not."""

import asyncio

import pytest
from chaos.rig import Rig
from chaos.rig_latency import revoke_behind_a_cut, revoke_many
from chaos.rig_nodes import BOUND
from chaos.rig_relay import Relay
from fakes.redis_rigs import Replicated

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def store(tmp_path):
    with Replicated("redis", tmp_path / "store", replicas=0) as store:
        yield store


async def test_a_revoked_session_opens_nothing_anywhere(tmp_path, store):
    """How soon is measured by bench/revocation.py; here a machine may be as slow as it likes."""
    with Rig(tmp_path, store, seed=3, timeout="10s") as rig:
        found = await revoke_many(rig, 20)

    assert max(each.sent for each in found) <= BOUND
    assert all(each.asked for each in found)


@pytest.mark.parametrize("feed_only", [True, False], ids=["the feed alone", "all ways to the store"])
async def test_a_worker_that_hears_nothing_accepts_nothing_after_the_bound(tmp_path, store, feed_only):
    with Rig(tmp_path, store, seed=4, nodes=1) as rig:
        async with Relay(store.master.port) as relay:
            await asyncio.to_thread(rig.add_node, "behind", store=relay.url)
            found = await revoke_behind_a_cut(rig, relay, 6, feed_only=feed_only)

    assert max(each.sent for each in found) <= BOUND
    assert max(each.from_cut for each in found) <= BOUND
    assert any(each.sent for each in found)
