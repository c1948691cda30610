"""The table: medians, spread, ratios; printed and written to RESULTS.md."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from load import CONNECTIONS, Sample
from logins import CLIENTS, LoginSample
from workers import CORES, MANY_CORES, Workers


@dataclass
class Results:
    """Everything one run found out. The keys are the cases' titles, in the order of the table."""

    small: dict[str, list[Sample]] = field(default_factory=dict)
    download: dict[str, list[Sample]] = field(default_factory=dict)
    upload: dict[str, list[Sample]] = field(default_factory=dict)
    logins: list[LoginSample] = field(default_factory=list)
    workers: Workers = field(default_factory=Workers)
    idle: dict[str, float] = field(default_factory=dict)
    idle_count: int = 0


@dataclass(frozen=True)
class Bar:
    """A figure this project promises."""

    promise: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def render(results: Results, rounds: int, seconds: int) -> str:
    parts = [
        "# What a request costs",
        "",
        f"`make bench` wrote this: {rounds} interleaved rounds of {seconds} s, `wrk -t1 -c{CONNECTIONS}`, medians.",
        f"{machine()}. Each proxy has one worker on one core; wrk, the upstream (nginx) and Redis share another.",
        "CPU is user and system time of the proxy and all its helpers, from /proc. Access logs are JSON lines to a",
        "file: nginx collects them in 64 KiB blocks, Envoy in its default blocks, HAProxy and Caddy write each line,",
        "the gateway hands batches to a thread. Rows of a peer without `log` log nothing; all of the gateway's do.",
        "",
        "## A small JSON answer",
        "",
        *_small(results.small),
        "",
        "## Bodies of 1 MiB",
        "",
        *_bodies(results),
        "",
        "## Logins with a password",
        "",
        *_logins(results.logins),
        "",
        "## Two workers",
        "",
        *_workers(results.workers),
        "",
        f"## {results.idle_count} idle keep-alive connections",
        "",
        "| proxy | memory each, KiB |",
        "|---|--:|",
        *(f"| {name} | {cost / 1024:.2f} |" for name, cost in results.idle.items()),
        "",
        "## Promised",
        "",
        "| figure | measured | promised | holds |",
        "|---|--:|--:|---|",
        *(_bar_row(bar) for bar in bars(results)),
        "",
    ]
    return "\n".join(parts)


def bars(results: Results) -> Sequence[Bar]:
    """The promises that the cases measured in this run can answer for."""
    found = []
    warm = _cpu(results.small, "gateway: Bearer JWT, warm")
    for promise, title, limit in (
        ("CPU per request, warm Bearer / HAProxy jwt_verify, both with log", "HAProxy jwt_verify, log", 1.8),
        ("CPU per request, warm Bearer with log / HAProxy jwt_verify without", "HAProxy jwt_verify", 1.8),
        ("CPU per request, warm Bearer / Caddy plain proxy, both with log", "Caddy plain proxy, log", 0.6),
        ("CPU per request, warm Bearer with log / Caddy plain proxy without", "Caddy plain proxy", 0.6),
    ):
        if warm and (peer := _cpu(results.small, title)):
            found.append(Bar(promise, warm / peer, limit))
    for what, samples in (("download", results.download), ("upload", results.upload)):
        ours, theirs = (_rate(samples, name) for name in ("gateway", "nginx plain proxy"))
        if ours and theirs:
            found.append(Bar(f"throughput of a 1 MiB {what}, gateway / nginx", ours / theirs, 0.7, at_least=True))
    if (both := results.workers).two:
        found.append(Bar("CPU per request, 2 workers / 1 worker", both.cpu_ratio, 1.15))
        found.append(Bar("share of the connections that the busier of 2 workers has", both.largest_share, 0.6))
        if (os.cpu_count() or 1) >= MANY_CORES:
            found.append(Bar("throughput, 2 workers / 1 worker", both.rate_ratio, 1.7, at_least=True))
    if cost := results.idle.get("gateway"):
        found.append(Bar("KiB per idle connection", cost / 1024, 6.0))
    return found


def _small(cases: Mapping[str, list[Sample]]) -> list[str]:
    bases = {"HAProxy": _cpu(cases, "HAProxy jwt_verify"), "nginx": _cpu(cases, "nginx plain proxy")}
    bases["Caddy"] = _cpu(cases, "Caddy plain proxy")
    lines = [
        "| case | CPU µs/request | from, to | requests/s | x HAProxy | x nginx | x Caddy |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for title, samples in cases.items():
        cpu = _cpu(cases, title)
        spread = f"{min(s.cpu_us for s in samples):.1f}, {max(s.cpu_us for s in samples):.1f}"
        ratios = " | ".join(f"{cpu / base:.2f}" if base else "" for base in bases.values())
        lines.append(f"| {title} | {cpu:.1f} | {spread} | {median(s.rate for s in samples):,.0f} | {ratios} |")
    return lines


def _bodies(results: Results) -> list[str]:
    lines = ["| proxy | download MiB/s | CPU ms each | upload MiB/s | CPU ms each |", "|---|--:|--:|--:|--:|"]
    for name in results.download:
        down, up = results.download[name], results.upload[name]
        cells = (
            [f"{_rate(results.download, name):,.0f}", f"{_cpu(results.download, name) / 1000:.2f}"]
            if down
            else ["", ""]
        )
        cells += [f"{_rate(results.upload, name):,.0f}", f"{_cpu(results.upload, name) / 1000:.2f}"] if up else ["", ""]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _logins(samples: Sequence[LoginSample]) -> list[str]:
    if not samples:
        return ["Not measured in this run."]
    rate, cpu, argon2, share = (
        median(getattr(sample, name) for sample in samples) for name in ("rate", "cpu_ms", "argon2_ms", "argon2_share")
    )
    return [
        f"{CLIENTS} clients at once, each on a connection of its own; the hash is what `gateway hash-password` makes.",
        "",
        "| logins/s per core | CPU ms/login | argon2 alone, ms | argon2's share | all else, ms |",
        "|--:|--:|--:|--:|--:|",
        f"| {rate:.1f} | {cpu:.1f} | {argon2:.1f} | {share:.0%} | {cpu - argon2:.1f} |",
    ]


def _workers(both: Workers) -> list[str]:
    if not both.two:
        return ["Not measured in this run."]
    where = f"cores {CORES}" if "," in CORES else "one core, so that CPU is compared and not speed"
    lines = [
        f"The small answer with a warm Bearer token; two workers on {where}.",
        "",
        "| workers | CPU µs/request | from, to | requests/s | connections of the busier one |",
        "|--:|--:|--:|--:|--:|",
    ]
    for number, samples, share in ((1, both.one, 1.0), (2, both.two, both.largest_share)):
        times = [each.cpu_us for each in samples]
        rate = median(each.rate for each in samples)
        lines.append(
            f"| {number} | {median(times):.1f} | {min(times):.1f}, {max(times):.1f} | {rate:,.0f} | {share:.0%} |"
        )
    return lines


def _bar_row(bar: Bar) -> str:
    sign = "≥" if bar.at_least else "≤"
    return f"| {bar.promise} | {bar.value:.2f} | {sign} {bar.limit} | {'yes' if bar.holds else '**no**'} |"


def _cpu(cases: Mapping[str, list[Sample]], title: str) -> float:
    return median(sample.cpu_us for sample in cases[title]) if cases.get(title) else 0.0


def _rate(cases: Mapping[str, list[Sample]], title: str) -> float:
    """Bodies of 1 MiB a second, which is MiB a second."""
    return median(sample.rate for sample in cases[title]) if cases.get(title) else 0.0


def machine() -> str:
    """The processor, the kernel and the programs that figures depend on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    versions = [_first_line(["haproxy", "-v"]).split(" ")[2], _first_line(["nginx", "-v"]).rpartition("/")[2]]
    return (
        f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}, "
        f"HAProxy {versions[0]}, nginx {versions[1]}"
    )


def _first_line(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0]
