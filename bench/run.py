"""Measure the gateway beside its peers, in one run and under one load: `make bench`, `make bench BENCH=--quick`."""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import peers
import report
import results_file
import workers
from gateways import API_KEY, gateway, log_in, many_tokens
from load import Request, Sample, idle_cost, measure, status
from logins import measure_logins
from peers import Peer, Place

IDLE = 10_000
COLD_TOKENS = (120, 200)  # sessions, tokens of each (a session keeps 256 at most): more than a run of 2 s can use

Start = Callable[..., Peer]

PEERS: dict[str, tuple[Start, bool]] = {  # title -> how it is started, with access log or without
    "nginx plain proxy": (peers.nginx, False),
    "nginx plain proxy, log": (peers.nginx, True),
    "HAProxy jwt_verify": (peers.haproxy, False),
    "HAProxy jwt_verify, log": (peers.haproxy, True),
    "Envoy jwt_authn": (peers.envoy, False),
    "Envoy jwt_authn, log": (peers.envoy, True),
    "Caddy plain proxy": (peers.caddy, False),
    "Caddy plain proxy, log": (peers.caddy, True),
    "aiohttp proxy": (peers.aiohttp_proxy, False),
    "nginx auth_request + aiohttp + Redis, log": (peers.auth_request, True),
}


@dataclass(frozen=True)
class Case:
    """One row of the table: a running proxy and what it is asked."""

    title: str
    peer: Peer
    request: Request


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is ended
    results = report.Results()
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker may be another user
        with _place(folder) as place:
            _small_answers(place, results, options)
            _bodies(place, results, options)
            _logins(place, results, options)
            _workers(place, results, options)
            _idle(place, results, options)
    text = report.render(results, options.rounds, options.seconds)
    print(text)
    if not options.quick and not options.peers_only:
        results_file.put(text)
    return 0 if all(bar.holds for bar in report.bars(results)) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="one round of a second; RESULTS.md stays as it is")
    parser.add_argument("--peers-only", action="store_true", help="everything but the gateway")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 1
    if (os.cpu_count() or 1) < 2:
        parser.error("two cores are needed: one for the proxy, one for the load")
    return options


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        upstream, program = peers.start_upstream(folder)
        stack.callback(program.stop)
        redis, program = peers.start_redis(folder)
        stack.callback(program.stop)
        yield Place(folder, upstream, redis)


@contextmanager
def _running(place: Place, start: Start, name: str, *, log: bool) -> Iterator[Peer]:
    peer = start(place, "-".join(part for part in name.lower().replace(",", " ").split() if part.isalnum()), log=log)
    try:
        yield peer
    finally:
        peer.stop()


def _small_answers(place: Place, results: report.Results, options: argparse.Namespace) -> None:
    token = peers.bearer()
    subprocess.run(
        ["redis-cli", "-p", str(place.redis), "set", "bench:" + hashlib.sha256(token.encode()).hexdigest(), "101"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with ExitStack() as stack:
        cases = [
            Case(title, stack.enter_context(_running(place, start, title, log=log)), _with(token))
            for title, (start, log) in PEERS.items()
        ]
        if not options.peers_only:
            ours = stack.enter_context(_running(place, gateway, "gateway", log=True))
            cases += _gateway_cases(ours)
            tokens = place.folder / "tokens"
            tokens.write_text("\n".join(many_tokens(ours.port, *COLD_TOKENS)))
        for case in cases:
            _proves_itself(case)
            results.small[case.title] = []
        for number in range(1, options.rounds + 1):
            print(f"round {number} of {options.rounds}", file=sys.stderr)
            for case in cases:
                results.small[case.title].append(_warm(case, options.seconds))
            if not options.peers_only:
                _cold(place, results, tokens, min(options.seconds, 2), number)


def _with(token: str) -> Request:
    return Request(headers={"Authorization": f"Bearer {token}"})


def _gateway_cases(peer: Peer) -> list[Case]:
    credentials = log_in(peer.port)
    return [
        Case("gateway: Bearer JWT, warm", peer, _with(credentials.jwt)),
        Case("gateway: Bearer opaque, warm", peer, _with(credentials.opaque)),
        Case("gateway: API key, warm", peer, Request(headers={"X-API-Key": API_KEY})),
        Case("gateway: ?access_token=, warm", peer, Request(f"/customers/4711?access_token={credentials.jwt}")),
        Case("gateway: anonymous", peer, Request("/public/ping")),
    ]


def _proves_itself(case: Case) -> None:
    """What claims to check a credential must refuse a wrong one, or its figure means nothing."""
    if status(case.peer, case.request) != 200:
        raise RuntimeError(f"{case.title} refuses a good request")
    checks = not any(word in case.title for word in ("plain", "aiohttp proxy", "anonymous"))
    path = case.request.path + ("x" if "=" in case.request.path else "")
    wrong = Request(path, {name: value + "x" for name, value in case.request.headers.items()})
    if checks and status(case.peer, wrong) != 401:
        raise RuntimeError(f"{case.title} lets a wrong credential through")


def _warm(case: Case, seconds: int) -> Sample:
    measure(case.peer, case.request, 1)
    sample = measure(case.peer, case.request, seconds)
    print(f"  {case.title}: {sample.cpu_us:.1f} µs, {sample.rate:.0f}/s", file=sys.stderr)
    return sample


def _cold(place: Place, results: report.Results, tokens: Path, seconds: int, number: int) -> None:
    """A gateway that has seen none of the tokens: every request asks the store."""
    title = "gateway: Bearer JWT, cold (Redis)"
    with _running(place, gateway, f"cold{number}", log=True) as peer:
        sample = measure(peer, Request(script="cold.lua", argument=str(tokens)), seconds)
    print(f"  {title}: {sample.cpu_us:.1f} µs, {sample.rate:.0f}/s", file=sys.stderr)
    results.small.setdefault(title, []).append(sample)


def _bodies(place: Place, results: report.Results, options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        cases = [("nginx plain proxy", stack.enter_context(_running(place, peers.nginx, "bodies nginx", log=True)), {})]
        if not options.peers_only:
            ours = stack.enter_context(_running(place, gateway, "bodies", log=True))
            cases.append(("gateway", ours, _with(log_in(ours.port).jwt).headers))
        for name, peer, headers in [case for _ in range(options.rounds) for case in cases]:
            down, up = Request("/1MiB", headers), Request("/upload", headers, script="upload.lua")
            results.download.setdefault(name, []).append(measure(peer, down, options.seconds))
            results.upload.setdefault(name, []).append(measure(peer, up, options.seconds))
            print(f"  1 MiB bodies, {name}: {results.download[name][-1].rate:.0f}/s down", file=sys.stderr)


def _logins(place: Place, results: report.Results, options: argparse.Namespace) -> None:
    if options.peers_only:
        return
    with _running(place, gateway, "logins", log=True) as peer:
        for _ in range(options.rounds):
            results.logins.append(sample := measure_logins(peer, options.seconds))
            print(f"  login: {sample.cpu_ms:.1f} ms, argon2 {sample.argon2_share:.0%} of it", file=sys.stderr)


def _workers(place: Place, results: report.Results, options: argparse.Namespace) -> None:
    if options.peers_only:
        return
    two_workers = partial(gateway, workers=2, cores=workers.CORES)
    with (
        _running(place, gateway, "one worker", log=True) as one,
        _running(place, two_workers, "two workers", log=True) as two,
    ):
        requests = _with(log_in(one.port).jwt), _with(log_in(two.port).jwt)
        for peer, request in zip((one, two), requests, strict=True):
            _proves_itself(Case(peer.name, peer, request))
        for _ in range(options.rounds):
            workers.measure_both(one, two, requests, max(2, options.seconds), results.workers)
            one_us, two_us = results.workers.one[-1].cpu_us, results.workers.two[-1].cpu_us
            print(f"  1 worker: {one_us:.1f} µs, 2 workers: {two_us:.1f} µs", file=sys.stderr)


def _idle(place: Place, results: report.Results, options: argparse.Namespace) -> None:
    results.idle_count = IDLE if not options.quick else 1000
    starts: list[tuple[str, Start]] = [
        ("nginx", peers.nginx),
        ("HAProxy", peers.haproxy),
        ("Envoy", peers.envoy),
        ("Caddy", peers.caddy),
    ]
    if not options.peers_only:
        starts.append(("gateway", gateway))
    for name, start in starts:
        with _running(place, start, f"idle {name}", log=True) as peer:
            token = log_in(peer.port).jwt if start is gateway else peers.bearer()
            results.idle[name] = idle_cost(peer, _with(token), results.idle_count)
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
