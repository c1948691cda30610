"""A slice of the chaos run, over each kind of store: what a client is told stays true whatever dies."""

import sys

import pytest
from chaos.rig import Rig
from chaos.rig_run import chaos
from chaos.rig_stores import STORES, min_replicas

SECONDS = 20


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["redis"])
async def test_nobody_gets_a_wrong_answer_while_things_die(tmp_path, kind):
    """`make chaos` does the same for minutes."""
    with (
        STORES[kind](tmp_path / "store") as store,
        Rig(tmp_path, store, seed=11, users=6, min_replicas=min_replicas(store), timeout="3s") as rig,
    ):
        report = await chaos(rig, seconds=SECONDS, rate=120, reloads=20)

    sys.stdout.write("\n".join(report.lines()) + "\n")
    assert report.violations == []
    assert report.unexplained == []
