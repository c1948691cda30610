import os

import pytest

from gateway.app.cores import usable_cores

CORES = len(os.sched_getaffinity(0))


@pytest.fixture
def groups(tmp_path):
    """`groups({"cpu.max": …}, own="0::/inner")`: what the system says about us."""

    def make(files, own="0::/"):
        for name, text in files.items():
            (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "fs" / name).write_text(text)
        (tmp_path / "own").write_text(f"{own}\n")
        return tmp_path / "fs", tmp_path / "own"

    return make


@pytest.mark.parametrize(
    ("files", "own"),
    [
        ({"cpu.max": "50000 100000\n"}, "0::/"),
        ({"cpu.max": "max 100000\n", "slice/unit/cpu.max": "100000 100000\n"}, "0::/slice/unit"),
        ({"slice/cpu.max": "80000 100000\n", "slice/unit/cpu.max": "max 100000\n"}, "0::/slice/unit"),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, "4:cpu,cpuacct:/docker/1"),
        ({"cpu/d/cpu.cfs_quota_us": "1000\n", "cpu/d/cpu.cfs_period_us": "100000\n"}, "4:cpu:/d"),
    ],
)
def test_a_quota_of_one_core_or_less_is_one(groups, files, own):
    assert usable_cores(*groups(files, own)) == 1


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cpu.max": "max 100000\n"},
        {"cpu.max": "nonsense\n"},
        {"cpu.max": f"{100000 * (CORES + 1)} 100000\n"},
        {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
    ],
)
def test_without_a_quota_below_it_every_core_that_the_scheduler_grants_counts(groups, files):
    assert usable_cores(*groups(files)) == CORES


def test_part_of_a_core_is_rounded_up(groups, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))

    assert usable_cores(*groups({"cpu.max": "150000 100000\n"})) == 2


def test_a_system_that_says_nothing_has_its_cores(tmp_path):
    assert usable_cores(tmp_path / "none", tmp_path / "none") == CORES
