"""One run: a constant load, one fault after the other, configurations reloaded meanwhile; then the report."""

import asyncio
import json
import signal
from time import monotonic

from chaos.rig import client
from chaos.rig_faults import faults_of
from chaos.rig_nodes import BOUND
from chaos.rig_report import HEALING, Report, Window, read_records

CLIENTS = 2


async def chaos(rig, *, seconds, rate, reloads, sessions=40, faults=()):
    """Break one thing at a time for about so many seconds; each of the faults, else all there are, at least once."""
    loads = [_load(rig, number, rate=rate / CLIENTS, sessions=sessions // CLIENTS) for number in range(CLIENTS)]
    try:
        for load in loads:
            assert await asyncio.to_thread(load.stdout.readline) == "ready\n"
        began = monotonic()
        reloading = asyncio.ensure_future(_reload(rig, reloads, seconds))
        windows = await _break_things(rig, faults or faults_of(rig.store), began + seconds)
        done = await reloading
        for load in loads:
            load.send_signal(signal.SIGTERM)
        said = [json.loads((await asyncio.to_thread(load.communicate))[0]) for load in loads]
    finally:
        for load in loads:
            load.kill()
            load.wait()
    records = [record for number in range(CLIENTS) for record in read_records(rig.directory / f"load{number}")]
    violations = [text for each in said for text in each["violations"]]
    wrong = sum(each["wrong"] for each in said)
    return Report(rig.seed, windows, sorted(records), violations, wrong, done, began)


def _load(rig, number, *, rate, sessions):
    out = str(rig.directory / f"load{number}")
    spec = rig.spec(rate=rate, sessions=sessions, bound=BOUND, out=out)
    return client("rig_load_client.py", spec | {"seed": rig.seed * 10 + number})


async def _break_things(rig, faults, end):
    bag, windows = [], []
    await asyncio.sleep(1.5)
    while monotonic() < end or len(windows) < len(faults):
        if not bag:
            bag = rig.dice.sample(faults, len(faults))
        fault = bag.pop()
        window = Window(fault.name, monotonic(), fault.breaks)
        windows.append(window)
        window.what = await fault.strike(rig)
        window.repaired = monotonic()
        await asyncio.sleep(HEALING + rig.dice.uniform(0.5, 1.5))
    return windows


async def _reload(rig, count, seconds):
    """So many reloads that took force, spread over the run; they are no fault and explain no failure."""
    done = 0
    while done < count:
        began = monotonic()
        done += await asyncio.to_thread(rig.dice.choice(rig.nodes).reload)
        await asyncio.sleep(max(0.0, seconds / count * 0.9 - (monotonic() - began)))
    return done
