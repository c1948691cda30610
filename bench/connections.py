"""20,000 connections at once over 2 workers, held by 3 client processes. Writes a part of RESULTS.md in a minute.

Run: make bench-connections, or PYTHONPATH=tests python bench/connections.py [connections]
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from chaos.rig import SOURCES, WORKERS, Rig
from chaos.rig_crowd import CLIENTS, Held, hold
from fakes.redis_rigs import Replicated
from report import machine
from results_file import put


async def main(count: int) -> int:
    """Returns 1 if a connection was lost."""
    with (
        tempfile.TemporaryDirectory(prefix="connections") as name,
        Replicated("redis", Path(name) / "store", replicas=0) as store,
        Rig(name, store, seed=1, nodes=1, connections=count) as rig,
    ):
        held = await hold(rig, count)
    text = _render(held)
    put(text)
    print(text)
    return int(held.answered_again < count)


def _render(held: Held) -> str:
    mib = 1024 * 1024
    shares = ", ".join(f"{share:,}" for share in held.of_each_worker)
    rows = {
        "connections open at once": f"{held.connections:,}",
        "answered once more when all were open": f"{held.answered_again:,}",
        "sockets of each worker": shares,
        "memory of all processes without them, MiB": f"{held.memory_before / mib:.0f}",
        "memory of all processes with them, MiB": f"{held.memory_held / mib:.0f}",
        "memory for each connection, KiB": f"{held.each / 1024:.2f}",
        "open files that each process may have": f"{held.files_limit:,}",
    }
    return "\n".join(
        [
            "# Many connections at once",
            "",
            f"`make bench-connections` wrote this: one node, workers: {WORKERS}; {CLIENTS} client processes on",
            f"{len(SOURCES)} addresses; each connection asks once with a Bearer token, stays, and asks again.",
            f"{machine()}.",
            "",
            "| figure | |",
            "|---|--:|",
            *(f"| {name} | {value} |" for name, value in rows.items()),
        ]
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int((sys.argv[1:] or ["20000"])[0]))))
