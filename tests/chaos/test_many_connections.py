"""Many connections at once, over all workers of a node."""

import pytest
from chaos.rig import Rig
from chaos.rig_crowd import hold
from fakes.redis_rigs import Replicated

pytestmark = pytest.mark.timeout(300)

COUNT = 2400


async def test_a_crowd_is_held_and_every_one_of_it_is_answered(tmp_path):
    """bench/connections.py holds 20,000; here no more than any machine lets a process open."""
    with (
        Replicated("redis", tmp_path / "store", replicas=0) as store,
        Rig(tmp_path, store, seed=5, nodes=1, timeout="10s") as rig,
    ):
        held = await hold(rig, COUNT)

    assert held.answered_again == COUNT
    assert sum(held.of_each_worker) >= COUNT
    assert held.each < 16 * 1024
