"""A slice of the chaos run, over each kind of store: what a client is told stays true whatever dies."""

import sys

import pytest
from chaos.rig import Rig
from chaos.rig_faults import (
    FAILED_OVER,
    MASTER_KILLED,
    PAUSED,
    RESTARTED,
    UPSTREAM_DEAD,
    UPSTREAMS_DEAD,
    WORKER_KILLED,
)
from chaos.rig_run import chaos
from chaos.rig_stores import STORES, min_replicas

SLICES = {
    "redis": (WORKER_KILLED, RESTARTED, UPSTREAM_DEAD),
    "sentinel": (MASTER_KILLED, PAUSED),
    "cluster": (FAILED_OVER, MASTER_KILLED, UPSTREAMS_DEAD),
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", STORES)
async def test_nobody_gets_a_wrong_answer_while_things_die(tmp_path, kind):
    """A few faults of each; `make chaos` does all of them, for minutes."""
    with (
        STORES[kind](tmp_path / "store") as store,
        Rig(tmp_path, store, seed=11, users=6, min_replicas=min_replicas(store), timeout="3s") as rig,
    ):
        report = await chaos(rig, seconds=12, rate=100, reloads=15, faults=SLICES[kind])

    sys.stdout.write("\n".join(report.lines()) + "\n")
    assert report.violations == []
    assert report.unexplained == []
