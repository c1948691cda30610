"""The framing fuzz test in long mode: `bench/fuzz.py [CASES] [SEED]`. A case is the same again for its seed and number.

Exits 1 if the gateway and the referee ever disagreed, if the gateway logged an error, or if it grew.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.framing_run import CONFIG, fuzz
from fakes.gateway_process import GatewayProcess
from fakes.memory import resident_bytes
from fakes.ports import free_port

CASES = 120_000
SLICE = 10_000
GROWTH = 32 * 1024 * 1024


def main(cases=CASES, seed=None):
    """Run `cases` of them and say what came of it."""
    seed = seed or secrets.token_hex(4)
    upstream_port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        gateway = GatewayProcess(Path(directory), CONFIG.format(port=upstream_port)).start()
        try:
            return _run(gateway, upstream_port, int(cases), seed)
        finally:
            gateway.stop()


def _run(gateway, upstream_port, cases, seed):
    started, sizes, forwarded = time.monotonic(), [], 0
    for first in range(0, cases, SLICE):
        count = min(SLICE, cases - first)
        run = asyncio.run(fuzz(gateway.port, upstream_port, seed=seed, first=first, count=count))
        forwarded += run.forwarded
        sizes.append(resident_bytes(gateway.pid))
        seconds = time.monotonic() - started
        print(
            f"{first + count} cases, {forwarded} requests forwarded, {seconds:.0f} s, {sizes[-1] >> 20} MiB", flush=True
        )
        if run.failures:
            print(f"seed {seed}", *run.failures, sep="\n")
            return 1
    errors = [line for line in gateway.stderr.splitlines() if '"level":"error"' in line]
    print(f"seed {seed}: no disagreement, {len(errors)} errors logged")
    return int(bool(errors) or sizes[-1] - sizes[0] > GROWTH)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
