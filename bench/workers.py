"""Two workers beside one: what a request costs then, and whether they share the connections."""

import os
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from load import Request, Sample, measure
from peers import Peer
from processes import PROXY_CORE

MANY_CORES = 6
"""From so many on, two workers have a core each, and a load generator and an upstream that can keep up with them."""
CORES = f"{PROXY_CORE},2" if (os.cpu_count() or 1) >= MANY_CORES else str(PROXY_CORE)
_CONNECTIONS = re.compile(rb'^gateway_worker_connections{worker="[^"]*"} (\S+)$', re.MULTILINE)


@dataclass
class Workers:
    """Rounds with one worker and with two. `shares`: the larger part of the connections, each time it was looked at."""

    one: list[Sample] = field(default_factory=list)
    two: list[Sample] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    @property
    def cpu_ratio(self) -> float:
        return median(each.cpu_us for each in self.two) / median(each.cpu_us for each in self.one)

    @property
    def rate_ratio(self) -> float:
        return median(each.rate for each in self.two) / median(each.rate for each in self.one)

    @property
    def largest_share(self) -> float:
        return median(self.shares)


def measure_both(one: Peer, two: Peer, requests: tuple[Request, Request], seconds: int, results: Workers) -> None:
    """One round: the same load on each in turn."""
    measure(one, requests[0], 1)
    results.one.append(measure(one, requests[0], seconds))
    measure(two, requests[1], 1)
    with _watched(two, results.shares, seconds / 2):
        results.two.append(measure(two, requests[1], seconds))


@contextmanager
def _watched(peer: Peer, shares: list[float], after: float) -> Iterator[None]:
    """Look at the connections of each worker, as its metrics tell them, so many seconds into the block.

    Once, because a scrape is not free: all workers are asked, and what it costs counts as the gateway's.
    """
    over = threading.Event()

    def look() -> None:
        if not over.wait(after):
            with urllib.request.urlopen(f"http://127.0.0.1:{peer.admin}/metrics", timeout=5) as answer:
                counts = [float(count) for count in _CONNECTIONS.findall(answer.read())]
            if sum(counts) >= 8:  # the load has begun and has not ended
                shares.append(max(counts) / sum(counts))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
