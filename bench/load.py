"""The load: wrk on its own core, and thousands of idle connections; the same for every proxy."""

import re
import resource
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from peers import Peer
from processes import LOAD_CORE

HERE = Path(__file__).resolve().parent
CONNECTIONS = 32


@dataclass(frozen=True)
class Request:
    """What is sent over and over: a path, headers, and perhaps a wrk script with its argument."""

    path: str = "/customers/4711"
    headers: dict[str, str] = field(default_factory=dict)
    script: str = ""
    argument: str = ""


@dataclass(frozen=True)
class Sample:
    """One measured run. `cpu_us` is the proxy's CPU time per request, `bytes_rate` what wrk read a second."""

    requests: int
    rate: float
    cpu_us: float
    bytes_rate: float


def measure(peer: Peer, request: Request, seconds: int) -> Sample:
    """Raises RuntimeError if one answer was not 2xx or a connection broke: a refusal is cheap and proves nothing."""
    before = peer.cpu_seconds()
    out = _wrk(peer, request, seconds)
    cpu = peer.cpu_seconds() - before
    if failures := re.findall(r"Non-2xx.*|Socket errors.*", out):
        raise RuntimeError(f"{peer.name} {request.path}: {failures}")
    requests = int(_find(r"(\d+) requests in", out))
    if not requests:
        raise RuntimeError(f"{peer.name} answered nothing: {out}")
    amount, unit = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", out).groups()
    rate = float(amount) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[unit]
    return Sample(requests, float(_find(r"Requests/sec:\s+([\d.]+)", out)), cpu / requests * 1e6, rate)


def status(peer: Peer, request: Request) -> int:
    """The status of one request of this kind."""
    with socket.create_connection(("127.0.0.1", peer.port), 5) as sock:
        sock.sendall(_head(request, "close"))
        return int(sock.makefile("rb").readline().split()[1])


def idle_cost(peer: Peer, request: Request, count: int) -> float:
    """Bytes of memory that each of `count` kept-alive connections costs the proxy after one request on it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sockets: list[socket.socket] = []
    try:
        for _ in range(50):  # what is built on the first requests is no cost of the idle ones
            status(peer, request)
        before = peer.rss_bytes()
        for _ in range(count):
            sockets.append(sock := socket.create_connection(("127.0.0.1", peer.port), 5))
            sock.sendall(_head(request, "keep-alive"))
            if not sock.recv(65536).startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{peer.name} refused idle connection {len(sockets)}")
        after = peer.rss_bytes()
        _still_open(peer, sockets)
        return (after - before) / count
    finally:
        for sock in sockets:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _still_open(peer: Peer, sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.setblocking(False)
        try:
            closed = sock.recv(65536) == b""
        except BlockingIOError:
            closed = False
        if closed:
            raise RuntimeError(f"{peer.name} closed an idle connection")


def _wrk(peer: Peer, request: Request, seconds: int) -> str:
    argv = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in request.headers.items():
        argv += ["-H", f"{name}: {value}"]
    if request.script:
        argv += ["-s", str(HERE / "programs" / request.script)]
    argv.append(f"http://127.0.0.1:{peer.port}{request.path}")
    if request.argument:
        argv += ["--", request.argument]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout


def _head(request: Request, connection: str) -> bytes:
    lines = [f"GET {request.path} HTTP/1.1", "Host: 127.0.0.1", f"Connection: {connection}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise RuntimeError(f"wrk said: {text}")
    return found.group(1)
