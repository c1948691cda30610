"""What `appendfsync always` costs: logins, refreshes and cold lookups per second on the embedded store.

Run: python bench/store_fsync.py [directory on the disk in question]
"""

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from statistics import median, quantiles

import uvloop

from gateway.config.store import StoreConfig
from gateway.model import Session, TokenKind
from gateway.state.connect import open_store
from gateway.state.embedded import Embedded
from gateway.state.records import Rotation, TokenRecord

SECONDS = 2.0
ROUNDS = 5
USERS = 100


def pair(name, now):
    digest = sha256(name.encode()).hexdigest(), sha256(b"r" + name.encode()).hexdigest()
    return TokenRecord(digest[0], TokenKind.ACCESS, now + 900), TokenRecord(digest[1], TokenKind.REFRESH, now + 86400)


async def log_in(store, name, _):
    now = time.time()
    session = Session(name, "native", "staff", f"u{hash(name) % USERS}", "ada", now, roles=("sales",), tenant="Garden")
    await store.open_session(session, pair(name, now))
    return session, name


async def refresh(store, name, before):
    session, old = before
    now = time.time()
    spent = pair(old, now)[1].hash
    sealed = b"x" * 600
    await store.rotate(
        Rotation(
            session_id=session.id,
            spent_hash=spent,
            successors=pair(name, now),
            now=now,
            sealed=sealed,
            grace=10.0,
            session=session,
        )
    )
    return session, name


async def look_up(store, _, before):
    await store.find_token(pair(before[1], 0.0)[0].hash)
    return before


async def measure(store, step, callers, turn):
    took = []
    end = time.monotonic() + SECONDS

    async def caller(number):
        name = f"{step.__name__}-{callers}-{turn}-{number}"
        state = await log_in(store, name, None)
        count = 0
        while (began := time.monotonic()) < end:
            count += 1
            if count % 20 == 0:  # a session of ordinary size, not one that refreshed a thousand times
                state = await log_in(store, f"{name}-again-{count}", None)
                began = time.monotonic()
            state = await step(store, f"{name}-{count}", state)
            took.append(time.monotonic() - began)

    await asyncio.gather(*(caller(number) for number in range(callers)))
    return len(took) / SECONDS, median(took) * 1000, quantiles(took, n=100)[98] * 1000


async def main(parent):
    """Both servers are up at once and take turns, so that whatever else the machine does hits both alike."""
    stores, found = {}, {}
    async with AsyncExitStack() as stack:
        for fsync in ("always", "everysec"):
            directory = stack.enter_context(tempfile.TemporaryDirectory(dir=parent))
            embedded = Embedded(Path(directory) / "state", fsync=fsync)
            stores[fsync] = open_store(StoreConfig(timeout=30.0), url=await embedded.start())
            stack.push_async_callback(embedded.stop)
            stack.push_async_callback(stores[fsync].close)
        for turn in range(ROUNDS):
            for step in (log_in, refresh, look_up):
                for callers in (1, 50):
                    for fsync, store in stores.items():
                        row = await measure(store, step, callers, turn)
                        found.setdefault((step.__name__, callers, fsync), []).append(row)
    print(f"{'step':10}{'callers':>8}  {'appendfsync':12}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for (step, callers, fsync), rows in found.items():
        rate, p50, p99 = map(median, zip(*rows, strict=True))
        print(f"{step:10}{callers:8}  {fsync:12}{rate:12.0f}{p50:9.2f}{p99:9.2f}")


uvloop.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
