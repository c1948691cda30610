"""`make chaos`: cross-talk at its full size, then the chaos run over each kind of store, in ten minutes at most.

`make chaos CHAOS='--seed 5 --seconds 120'` does one again, or shorter. Exit code 1: something was not as promised.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from chaos.rig import Rig
from chaos.rig_run import chaos
from chaos.rig_stores import STORES, min_replicas

TESTS = Path(__file__).resolve().parents[1]


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is ended
    options = _options()
    say(f"seed {options.seed}")
    held = [] if options.no_cross_talk else [_cross_talk()]
    names = options.stores or [*STORES]
    share = options.seconds / len(names), -(-options.reloads // len(names))
    held += [asyncio.run(_run(name, options, *share)) for name in names]
    say("all held" if all(held) else "NOT all held")
    return 0 if all(held) else 1


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--no-cross-talk", action="store_true")
    parser.add_argument("stores", nargs="*", help=", ".join(STORES))
    return parser.parse_args()


def _cross_talk():
    """In a process of its own, with a limit of its own."""
    test = str(TESTS / "chaos" / "test_cross_talk.py")
    argv = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", test]
    done = subprocess.run(argv, env=os.environ | {"CROSS_TALK_REQUESTS": "100000"}, check=False, timeout=300)
    return done.returncode == 0


async def _run(name, options, seconds, reloads):
    say(f"== {name}")
    with tempfile.TemporaryDirectory(prefix="chaos") as folder:
        directory = Path(folder)
        with (
            STORES[name](directory / "store") as store,
            Rig(directory, store, seed=options.seed, users=8, min_replicas=min_replicas(store)) as rig,
        ):
            report = await chaos(rig, seconds=seconds, rate=options.rate, reloads=reloads)
    say("\n".join(report.lines()))
    return report.holds


if __name__ == "__main__":
    sys.exit(main())
