"""How soon a revocation holds everywhere: 3 nodes of 2 workers under load. Writes a part of RESULTS.md in 2 minutes.

Run: make bench-revocation, or PYTHONPATH=tests python bench/revocation.py [revocations] [revocations behind a cut]
"""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from statistics import median

from chaos.rig import WORKERS, Rig, client
from chaos.rig_latency import CONNECTIONS, Revocation, percentile, revoke_behind_a_cut, revoke_many
from chaos.rig_nodes import BOUND
from chaos.rig_relay import Relay
from fakes.redis_rigs import Replicated
from report import machine
from results_file import put

NODES = 3
LOAD = 200
PROMISED = 0.05


async def main(count: int, behind_cut: int) -> int:
    """Returns 1 if a promise is broken."""
    with tempfile.TemporaryDirectory(prefix="revocation") as name:
        folder = Path(name)
        with Replicated("redis", folder / "store", replicas=0) as store:
            with Rig(folder, store, seed=1, nodes=NODES) as rig:
                load = await _load(rig, folder)
                found = await revoke_many(rig, count)
                load.send_signal(signal.SIGTERM)
                await asyncio.to_thread(load.communicate)
            cuts = {}
            for only in (True, False):
                with tempfile.TemporaryDirectory(dir=folder) as cut_folder:
                    cuts[only] = await _behind_a_cut(Path(cut_folder), store, behind_cut, only=only)
    text = _render(found, cuts)
    put(text)
    print(text)
    late = percentile([each.sent for each in found], 0.99) > PROMISED
    return int(late or any(each.from_cut > BOUND for cut in cuts.values() for each in cut))


async def _load(rig: Rig, folder: Path):
    """A constant load of logins, refreshes, logouts and requests of others, in a process of its own."""
    spec = rig.spec(rate=LOAD, sessions=40, bound=BOUND, out=str(folder / "load"))
    load = client("rig_load_client.py", spec)
    await asyncio.to_thread(load.stdout.readline)
    return load


async def _behind_a_cut(folder: Path, store: Replicated, count: int, *, only: bool) -> list[Revocation]:
    with Rig(folder, store, seed=2, nodes=1) as rig:
        async with Relay(store.master.port) as relay:
            await asyncio.to_thread(rig.add_node, "behind", store=relay.url)
            return await revoke_behind_a_cut(rig, relay, count, feed_only=only)


def _render(found: list[Revocation], cuts: dict[bool, list[Revocation]]) -> str:
    sent, answered = [each.sent for each in found], [each.answered for each in found]
    lines = [
        "# How soon a revocation holds everywhere",
        "",
        f"`make bench-revocation` wrote this: {NODES} nodes of {WORKERS} worker{'s' if WORKERS > 1 else ''} over one",
        f"Redis, {LOAD} requests a second of others, and {NODES * CONNECTIONS} connections that ask with a token",
        f"all the time while it is logged out at the first node. One machine does it all: {machine()}.",
        "Milliseconds after the answer to the logout:",
        "",
        f"| of {len(found)} revocations | median | p99 | largest | promised |",
        "|---|--:|--:|--:|--:|",
        _row("sending of the last request that was let through", sent, f"p99 < {PROMISED * 1e3:.0f}"),
        _row("arrival of its answer", answered, ""),
        "",
        "With the feed of a node cut (its connection hangs; nothing is refused), milliseconds from the cut to the last",
        "request that was let through, the logout following it within 400 ms:",
        "",
        "| cut | revocations | median | p99 | largest | promised |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for only, each in cuts.items():
        name = "the feed alone" if only else "all ways to Redis"
        times = [one.from_cut for one in each]
        lines.append(f"| {name} | {len(each)} {_row('', times, f'≤ {BOUND * 1e3:.0f}')[3:]}")
    asked = sum(each.asked for each in found)
    return "\n".join([*lines, "", f"{asked:,} requests asked with tokens that were being revoked."])


def _row(name: str, times: list[float], promised: str) -> str:
    figures = [median(times), percentile(times, 0.99), max(times)]
    return f"| {name} | {' | '.join(f'{figure * 1e3:.1f}' for figure in figures)} | {promised} |"


if __name__ == "__main__":
    words = sys.argv[1:] or ["200", "20"]
    sys.exit(asyncio.run(main(int(words[0]), int(words[1]))))
