"""A million live sessions in Redis, written by the gateway's own store code: bytes each, and what it costs to find one.

Run: make bench-sessions, or python bench/sessions.py [sessions]. Writes a part of RESULTS.md in 3 to 4 minutes.
"""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bulk import PREFIX, TENANTS, Bulk, pair_of
from processes import free_port
from redis import Redis
from report import machine
from results_file import put

from gateway.config.store import StoreConfig
from gateway.state.connect import open_store

WRITERS = 2
AT_ONCE = 200
PROBES = 5000


@dataclass(frozen=True)
class Found:
    """Bytes are those of Redis's `used_memory`, in all and for each session."""

    count: int
    seconds: float
    bytes_each: float
    refreshed_each: float
    """More, for each refresh of a session."""
    resident: int
    by_kind: dict[str, tuple[float, float]]
    """Kind of key -> how many of them a session has, and bytes of each."""
    login_us: float
    """Of Redis's own CPU time, to write a session."""
    look_up_us: float
    """The same, to find a token among all of them."""
    keys: int


def main(count: int) -> int:
    with tempfile.TemporaryDirectory(prefix="sessions") as folder, _redis(Path(folder)) as port:
        found = asyncio.run(_fill(port, count))
    text = _render(found)
    put(text)
    print(text)
    return 0


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    port = free_port()
    argv = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while (
            subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True, check=False).stdout != b"PONG\n"
        ):
            if time.monotonic() > until:
                raise RuntimeError("redis-server does not answer")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


async def _fill(port: int, count: int) -> Found:
    admin = Redis(port=port)
    empty, began, cpu = admin.info("memory")["used_memory"], time.monotonic(), _cpu(admin)
    await _write(port, count)
    seconds, login_us = time.monotonic() - began, (_cpu(admin) - cpu) / count * 1e6
    used, keys, by_kind = admin.info("memory"), admin.dbsize(), _by_kind(admin, count)
    look_up_us = await _look_up(port, admin, count)
    before = admin.info("memory")["used_memory"]
    refreshed = min(20_000, count)
    await _rotate(port, refreshed)
    return Found(
        count=count,
        seconds=seconds,
        bytes_each=(used["used_memory"] - empty) / count,
        refreshed_each=(admin.info("memory")["used_memory"] - before) / refreshed,
        resident=used["used_memory_rss"],
        by_kind=by_kind,
        login_us=login_us,
        look_up_us=look_up_us,
        keys=keys,
    )


async def _write(port: int, count: int) -> None:
    """In processes of their own, which run `write` below."""
    shares = [(number * count // WRITERS, (number + 1) * count // WRITERS) for number in range(WRITERS)]
    argv = [sys.executable, __file__, "write", str(port)]
    writers = [await asyncio.create_subprocess_exec(*argv, str(first), str(last)) for first, last in shares]
    if any([await writer.wait() for writer in writers]):
        raise RuntimeError("a writer failed")


async def write(port: int, first: int, last: int) -> None:
    """Log in so many users, each once, by the steps that a login takes."""
    bulk = Bulk(port)
    for number in range(first, last):
        await bulk.login(number)
        if number % AT_ONCE == 0:
            bulk.flush()
    bulk.flush()


def _store(port: int):
    return open_store(StoreConfig(key_prefix=PREFIX, timeout=30.0), url=f"redis://127.0.0.1:{port}")


async def _look_up(port: int, admin: Redis, count: int) -> float:
    """CPU microseconds of Redis for each token that is found."""
    store, dice = _store(port), random.Random(1)
    numbers = [dice.randrange(count) for _ in range(PROBES)]
    times = []
    for block in (numbers[at : at + 500] for at in range(0, PROBES, 500)):
        before = _cpu(admin)
        found = await asyncio.gather(*(store.find_token(pair_of(number, 0)[0].hash) for number in block))
        times.append((_cpu(admin) - before) / len(block) * 1e6)
        if not all(one and one.session.user_id == str(number) for one, number in zip(found, block, strict=True)):
            raise RuntimeError("a session that was written was not found, or was another's")
    await store.close()
    return median(times)


async def _rotate(port: int, count: int) -> None:
    """Refresh so many sessions once."""
    bulk = Bulk(port)
    for number in range(count):
        await bulk.refresh(number)
        if number % AT_ONCE == 0:
            bulk.flush()
    bulk.flush()


def _cpu(admin: Redis) -> float:
    times = admin.info("cpu")
    return times["used_cpu_user_main_thread"] + times["used_cpu_sys_main_thread"]


def _by_kind(admin: Redis, count: int) -> dict[str, tuple[float, float]]:
    """Of a thousand keys taken at random."""
    kinds = {
        "s": "session",
        "t": "token pointer",
        "u": "index of a user",
        "w": "index of a tenant",
        "x": "spent tokens",
    }
    sizes: dict[str, list[int]] = {}
    for _ in range(4000):
        key = admin.randomkey()
        sizes.setdefault(key.decode().split(":")[1], []).append(admin.memory_usage(key, samples=0))
    each = admin.dbsize() / count / 4000
    return {kinds[kind]: (len(found) * each, sum(found) / len(found)) for kind, found in sorted(sizes.items())}


def _render(found: Found) -> str:
    kib = 1024
    return "\n".join(
        [
            "# A million sessions",
            "",
            f"`make bench-sessions` wrote this: {found.count:,} logins of as many users in {TENANTS:,} tenants, each",
            "with an access and a refresh token; the commands are those of `Store.open_session`, sent by",
            f"{WRITERS} processes in pipelines of {AT_ONCE} logins. {machine()}.",
            "",
            "| figure | |",
            "|---|--:|",
            f"| live sessions | {found.count:,} |",
            f"| keys | {found.keys:,} |",
            f"| Redis `used_memory` for each session, bytes | {found.bytes_each:,.0f} |",
            f"| more for the first refresh of a session, bytes | {found.refreshed_each:,.0f} |",
            f"| Redis resident, GiB | {found.resident / kib**3:.2f} |",
            f"| logins written a second | {found.count / found.seconds:,.0f} |",
            f"| Redis CPU µs for each login, pipelined | {found.login_us:.1f} |",
            f"| Redis CPU µs to find a token among them | {found.look_up_us:.1f} |",
            "",
            "| kind of key | for each session | bytes each |",
            "|---|--:|--:|",
            *(f"| {kind} | {number:.2f} | {size:,.0f} |" for kind, (number, size) in found.by_kind.items()),
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        asyncio.run(write(*(int(word) for word in sys.argv[2:])))
    else:
        sys.exit(main(int((sys.argv[1:] or ["1000000"])[0])))
