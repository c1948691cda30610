import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.config.problems import ConfigRefused, Problem
from gateway.config.schema import Config
from gateway.observe.metrics import Metrics
from gateway.reload import Reloader


@dataclass
class Serving:
    config: Config
    files: tuple


def config(path="/a/**", **sections):
    return Config.model_validate(
        {
            "upstreams": {"erp": {"servers": ["http://127.0.0.1:8069"]}},
            "routes": [{"name": "a", "path": path, "upstream": "erp"}],
            **sections,
        }
    )


class House:
    """A gateway reduced to what a reload changes: a file that holds a path pattern, and what is served by it."""

    def __init__(self, directory: Path):
        self.file = directory / "config.yaml"
        if not self.file.exists():
            self.file.write_text("/a/**")
        self.files = [self.file]
        self.built = 0
        self.building = 0
        self.most_at_once = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.sections = {}
        self.metrics = Metrics()
        self.audited = []
        self.told = asyncio.Event()
        self.begun = asyncio.Event()
        self.serving = Serving(config(), tuple(self.files))
        self.reloader = Reloader(
            self.serving,
            self.build,
            self.swap,
            metrics=self.metrics,
            clock=lambda: 1000.0 + self.built,
            audit=self.audit,
        )

    def audit(self, event, **fields):
        self.audited.append((event, fields))
        self.told.set()

    async def build(self):
        self.built += 1
        self.building += 1
        self.most_at_once = max(self.most_at_once, self.building)
        try:
            text = self.file.read_text()
            self.begun.set()
            await self.hold.wait()
            if text == "broken":
                raise ConfigRefused([Problem("config.yaml", 12, 7, "routes[0].path", "must begin with '/'")])
            return Serving(config(text, **self.sections), tuple(self.files))
        finally:
            self.building -= 1

    def swap(self, built):
        self.serving = built

    @property
    def path(self):
        return self.serving.config.routes[0].path

    async def looks(self, times=3):
        return [report for _ in range(times) if (report := await self.reloader.look())]

    def gauge(self, name):
        return self.metrics.snapshot()[name][0][1]

    def reloads(self):
        return {labels[0]: count for labels, count in self.metrics.snapshot()["config_reloads_total"]}


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def test_an_unchanged_file_is_left_alone(house):
    assert await house.looks() == []
    assert house.built == 0
    assert house.gauge("config_last_reload_success") == 1
    assert house.reloads() == {}


async def test_a_changed_file_is_in_force_once_it_has_settled(house):
    house.file.write_text("/b/**")

    assert await house.reloader.look() is None
    report = await house.reloader.look()
    assert report.accepted
    assert report.changes == ("~ routes[a].path: /a/** -> /b/**",)
    assert house.path == "/b/**"
    assert await house.looks() == []
    assert house.reloads() == {"success": 1}
    assert house.gauge("config_last_reload_success_timestamp_seconds") > 1000


async def test_the_last_attempt_is_remembered_whatever_became_of_it(house):
    assert house.reloader.last is None

    accepted = await house.reloader.reload("test")
    assert house.reloader.last is accepted
    house.file.write_text("broken")
    refused = await house.reloader.reload("test")

    assert (accepted.accepted, refused.accepted) == (True, False)
    assert house.reloader.last is refused


async def test_a_file_that_is_still_being_written_is_waited_for(house):
    house.file.write_text("/b")
    assert await house.reloader.look() is None
    house.file.write_text("/b/c/**")
    assert await house.reloader.look() is None

    assert (await house.reloader.look()).accepted
    assert house.built == 1
    assert house.path == "/b/c/**"


async def test_a_file_renamed_over_the_old_one_is_noticed(house):
    """How editors and configuration management write."""
    other = house.file.with_name("config.new")
    other.write_text("/b/**")
    state = house.file.stat()
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(house.file)

    assert len(await house.looks()) == 1
    assert house.path == "/b/**"


async def test_a_kubernetes_config_map_swap_is_noticed(tmp_path):
    """`config.yaml → ..data/config.yaml`, `..data → ..2026_1`: only the link in the middle changes."""
    for version, text in (("..2026_1", "/a/**"), ("..2026_2", "/b/**")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "config.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("..2026_1")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    house = House(tmp_path)

    (tmp_path / "..data_tmp").symlink_to("..2026_2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    assert len(await house.looks()) == 1
    assert house.path == "/b/**"


async def test_a_refused_file_changes_nothing_and_says_where_it_is_wrong(house, caplog):
    house.file.write_text("broken")
    (report,) = await house.looks()

    assert not report.accepted
    assert report.problems == ("config.yaml:12:7: routes[0].path: must begin with '/'",)
    assert house.path == "/a/**"
    assert house.reloader.is_stale
    assert house.reloads() == {"failure": 1}
    assert house.gauge("config_last_reload_success") == 0
    assert "config.yaml:12:7" in caplog.text
    assert house.audited == [("reload", {"result": "refused", "cause": "file", "problems": 1})]


async def test_a_refused_file_is_not_tried_again_until_it_changes(house):
    house.file.write_text("broken")
    await house.looks(5)
    assert house.built == 1

    house.file.write_text("/c/**")
    await house.looks(5)
    assert house.built == 2
    assert house.path == "/c/**"
    assert not house.reloader.is_stale
    assert house.gauge("config_last_reload_success") == 1


async def test_a_file_that_vanishes_leaves_the_old_configuration_in_force(house):
    house.file.unlink()
    (report,) = await house.looks()

    assert not report.accepted
    assert "FileNotFoundError" in report.problems[0]
    assert house.path == "/a/**"


async def test_an_unexpected_failure_of_a_build_is_a_refusal_too(house, caplog):
    async def fail():
        raise RuntimeError("password=SECRETxyz")

    house.reloader._build = fail
    report = await house.reloader.reload("admin")

    assert report.problems == ("RuntimeError: password=[redacted]",)
    assert house.path == "/a/**"
    assert "RuntimeError" in caplog.text


async def test_a_named_file_that_changes_is_a_reason_to_reload(house, tmp_path):
    """A renewed certificate: the configuration itself is the same."""
    certificate = tmp_path / "cert.pem"
    certificate.write_text("old")
    house.files.append(certificate)
    await house.reloader.reload("SIGHUP")
    assert await house.looks() == []

    certificate.write_text("renewed")
    (report,) = await house.looks()
    assert report.accepted
    assert report.changes == ()


async def test_a_change_during_a_build_is_seen_afterwards(house):
    house.hold.clear()
    reload = asyncio.ensure_future(house.reloader.reload("admin"))
    await house.begun.wait()
    house.file.write_text("/late/**")
    house.hold.set()
    await reload

    assert house.path == "/a/**"
    await house.looks()
    assert house.path == "/late/**"


async def test_reloads_asked_for_at_once_run_one_after_the_other(house):
    reports = await asyncio.gather(*(house.reloader.reload("admin") for _ in range(5)))

    assert all(report.accepted for report in reports)
    assert house.most_at_once == 1
    assert house.built == 5


async def test_a_signal_reloads_even_where_nothing_changed(house):
    watching = asyncio.ensure_future(house.reloader.watch())
    house.reloader.request()
    await house.told.wait()
    watching.cancel()

    assert house.audited[0][1]["cause"] == "SIGHUP"


async def test_the_watch_finds_a_change_by_itself(house, monkeypatch):
    monkeypatch.setattr("gateway.reload.POLL_SECONDS", 0.001)
    watching = asyncio.ensure_future(house.reloader.watch())
    house.file.write_text("/b/**")
    await house.told.wait()
    watching.cancel()

    assert house.path == "/b/**"


async def test_keys_that_need_a_restart_are_named_until_it_happens(house, caplog):
    house.sections = {"server": {"listen": "127.0.0.1:9090"}, "store": {"timeout": "1s"}}
    first = await house.reloader.reload("SIGHUP")
    second = await house.reloader.reload("SIGHUP")

    assert first.accepted
    assert first.needs_restart == ("server.listen", "store.timeout")
    assert second.changes == ()
    assert second.needs_restart == first.needs_restart
    assert "until the gateway is restarted: server.listen, store.timeout" in caplog.text

    house.sections = {}
    assert (await house.reloader.reload("SIGHUP")).needs_restart == ()
