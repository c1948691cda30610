"""How many cores this process may use: what `workers: auto` counts."""

import os
from math import ceil
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = CGROUPS, own_groups: Path = _OWN_GROUPS) -> int:
    """The cores that the scheduler may put us on, and no more than the CPU quota of a container pays for; at least 1.

    A quota of 1.5 cores is rounded up: two processes share it, where one would leave a third unused.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = min(_quotas(cgroups, own_groups), default=float(cores))
    return max(1, min(cores, ceil(quota)))


def _quotas(cgroups: Path, own_groups: Path) -> list[float]:
    """Cores that each group around us pays for: cgroup v2 says `max 100000` or `150000 100000`, v1 uses two files."""
    found = []
    for group in _groups(cgroups, own_groups):
        v1 = (*_numbers(group / "cpu.cfs_quota_us"), *_numbers(group / "cpu.cfs_period_us"))
        match _numbers(group / "cpu.max") or v1:
            case (quota, period) if quota > 0 and period > 0:
                found.append(quota / period)
    return found


def _groups(cgroups: Path, own_groups: Path) -> list[Path]:
    """Ours and all above it; in a container the top one is ours."""
    groups = [cgroups, cgroups / "cpu"]
    try:
        lines = own_groups.read_text().splitlines()
    except OSError:
        return groups
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            top = cgroups / "cpu" if controllers else cgroups
            inner = top / path.lstrip("/")
            groups += [group for group in (inner, *inner.parents) if group.is_relative_to(top)]
    return groups


def _numbers(file: Path) -> tuple[int, ...]:
    try:
        words = file.read_text().split()
    except OSError:
        return ()
    return tuple(int(word) if word.lstrip("-").isdigit() else -1 for word in words)
