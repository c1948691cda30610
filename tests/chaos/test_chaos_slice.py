"""A slice of the chaos run, over each kind of store: what a client is told stays true whatever dies."""

import sys

import pytest
from chaos.rig import Rig
from chaos.rig_run import chaos
from fakes.redis_rigs import Replicated


def alone(directory):
    return Replicated("redis", directory, replicas=0, options=("--appendonly", "yes"))


STORES = {"one Redis": alone}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", STORES)
async def test_nobody_gets_a_wrong_answer_while_things_die(tmp_path, kind):
    with STORES[kind](tmp_path / "store") as store, Rig(tmp_path, store, seed=11, users=6) as rig:
        report = await chaos(rig, seconds=20, rate=120, reloads=20)

    sys.stdout.write("\n".join(report.lines()) + "\n")
    assert report.violations == []
    assert report.unexplained == []
