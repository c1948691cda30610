"""docs/scaling.md: its counts are those of a gateway before a real Redis, its tables those of the model, and the model's
share of cold requests is what a simulation sees."""

import asyncio
import importlib.util
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from chaos.rig import Rig
from chaos.rig_costs import costs
from chaos.rig_tap import Tap
from fakes.redis_rigs import Replicated

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scaling.md").read_text()
TIMES = 10
SESSIONS = 3000


def from_bench(name):
    """bench/ is no package: its programs are run, and some are read, too."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "bench" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plan():
    return from_bench("plan")


def promised():
    """Operation -> (commands sent, commands run in scripts, bytes sent, bytes back), of the page's table."""
    rows = re.findall(r"^\| (an? [^|]+) \| ([^|]+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \|", PAGE, re.MULTILINE)
    return {name: (sent, int(run), *(int(each.replace(",", "")) for each in sizes)) for name, sent, run, *sizes in rows}


async def test_the_page_counts_what_a_gateway_asks_of_redis(tmp_path):
    with (
        Replicated("redis", tmp_path / "store", replicas=0) as store,
        Rig(tmp_path, store, seed=1, nodes=1, workers=1, timeout="10s") as rig,
    ):
        async with Tap(store.master.port) as tap:
            await asyncio.to_thread(rig.add_node, "tapped", store=tap.url)
            found = await costs(rig, tap, TIMES)

    told = promised()
    assert {name: (str(cost), cost.in_scripts) for name, cost in found.items()} == {
        name: (sent, run) for name, (sent, run, *_) in told.items()
    }
    for name, (_, _, bytes_in, bytes_out) in told.items():
        assert abs(found[name].bytes_in - bytes_in) <= 0.15 * bytes_in + 10, name
        assert abs(found[name].bytes_out - bytes_out) <= 0.15 * bytes_out + 10, name


def test_the_page_shows_the_tables_of_the_model(plan):
    missing = [line for line in plan.lines() if line not in PAGE.splitlines()]

    assert missing == []


def test_the_page_names_the_prices_of_the_model(plan):
    rows = re.findall(r"^\| an? ([^|]+) \|.*\| ([\d.]+)([^|]*)\| (\d+) \|$", PAGE, re.MULTILINE)
    names = {"login": "login", "cold request": "cold", "warm request": "warm", "refresh": "refresh", "logout": "logout"}
    told = {names[name]: (float(worker) * 1000, int(redis)) for name, worker, _, redis in rows if name in names}

    assert told == {name: (price, plan.REDIS_US.get(name, 0)) for name, price in plan.GATEWAY_US.items()}


@pytest.mark.parametrize(
    ("rate", "workers", "capacity", "access_ttl"),
    [(1000, 4, 50_000, 60), (1000, 4, 400, 60), (2000, 8, 1000, 120), (500, 16, 5000, 30)],
    ids=["room for all", "room for two in five", "room for half", "many workers, short tokens"],
)
def test_a_simulation_sees_as_many_cold_requests_as_the_model_says(plan, rate, workers, capacity, access_ttl):
    load = plan.Load(rate, access_ttl=access_ttl)

    told = plan.cold_share(load, workers, capacity, load.active)
    seen = plan.simulated_cold_share(load, workers, capacity, seconds=4 * access_ttl, seed=1)

    assert abs(seen - told) <= 0.1 * told


async def test_a_session_takes_the_memory_that_the_model_says(tmp_path, plan):
    with Replicated("redis", tmp_path, replicas=0) as store:
        bulk = from_bench("bulk").Bulk(store.master.port)
        bulk.flush()
        used = [used_memory(store)]
        for step in (bulk.login, bulk.refresh):
            for number in range(SESSIONS):
                await step(number)
                bulk.flush()
            used.append(used_memory(store))
        bulk.close()

    opened, refreshed = ((after - before) / SESSIONS for before, after in pairwise(used))
    assert abs(opened - plan.session_bytes(0)) <= 0.15 * plan.session_bytes(0)
    assert abs(refreshed - plan.REFRESHED_BYTES) <= 0.25 * plan.REFRESHED_BYTES


def used_memory(store):
    return store.master.admin("INFO", "memory")["used_memory"]
