"""What a login with a password costs a core, and how much of that is argon2, at the login's own endpoint."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from argon2 import PasswordHasher
from gateways import PASSWORD, log_in_at
from peers import Peer
from processes import PROXY_CORE

CLIENTS = 4
"""At once, of one user: enough that the core never waits for one of them."""
CHECKS = 20


@dataclass(frozen=True)
class LoginSample:
    """One run. CPU times in milliseconds for each login; `rate` is logins a second on the proxy's core."""

    count: int
    rate: float
    cpu_ms: float
    argon2_ms: float

    @property
    def argon2_share(self) -> float:
        return self.argon2_ms / self.cpu_ms


def measure_logins(peer: Peer, seconds: int) -> LoginSample:
    """Raises RuntimeError if one login was refused. Every login that was begun is waited for and counted."""
    log_in_at(peer.port, "/logins")
    argon2_ms = _argon2_ms()
    end = threading.Event()
    before, began = peer.cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(_keep_logging_in, peer.port, end) for _ in range(CLIENTS)]
        end.wait(seconds)
        end.set()
        count = sum(client.result() for client in clients)
    took, cpu = time.monotonic() - began, peer.cpu_seconds() - before
    return LoginSample(count, count / took, cpu / count * 1e3, argon2_ms)


def _keep_logging_in(port: int, end: threading.Event) -> int:
    count = 0
    while not end.is_set():
        log_in_at(port, "/logins")
        count += 1
    return count


def _argon2_ms() -> float:
    """CPU time of one check of the same hash alone, on the core that the gateway has."""
    cores = os.sched_getaffinity(0)
    hasher = PasswordHasher()
    written = hasher.hash(PASSWORD)
    os.sched_setaffinity(0, {PROXY_CORE})
    try:
        began = time.process_time()
        for _ in range(CHECKS):
            hasher.verify(written, PASSWORD)
        return (time.process_time() - began) / CHECKS * 1e3
    finally:
        os.sched_setaffinity(0, cores)
