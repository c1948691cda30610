"""deploy/systemd: the units checked by systemd's own tools, and the service run as its unit says, socket included."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from fakes.demo_upstream import DemoUpstream
from fakes.deploy_tools import DEPLOY, run, said, tool
from fakes.fronts import replaced
from fakes.image import reachable_python
from fakes.plain_client import PlainClient
from fakes.ports import free_port

UNITS = DEPLOY / "systemd"
PROGRAM = "/opt/gateway/bin/gateway"
CREDENTIALS = ("admin-token", "encryption-key", "signing-secret")
MOST_EXPOSED = 15
"""Tenths of systemd's exposure level, which runs from 0 to 100; what is left is that it uses the network."""


@pytest.fixture
def units(tmp_path):
    """The units with a program that is there."""
    program = Path(sys.executable).with_name("gateway")
    for name in ("gateway.service", "gateway.socket"):
        text = (UNITS / name).read_text()
        (tmp_path / name).write_text(text.replace(PROGRAM, str(program)))
    return tmp_path


def settings(name):
    """Section → key → all values."""
    found = {}
    section = ""
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(section, {}).setdefault(key, []).append(value)
    return found


def test_systemd_accepts_the_units(units):
    assert said("systemd-analyze", "verify", units / "gateway.service", units / "gateway.socket") == ""


def test_the_service_is_confined(units):
    code, output = run(
        "systemd-analyze",
        "security",
        "--offline=yes",
        f"--threshold={MOST_EXPOSED}",
        "--no-pager",
        units / "gateway.service",
    )

    assert code == 0, output[-300:]


TRIES = """
import mmap, os, socket
for attempt in (
    lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE),
    lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    lambda: socket.socket(socket.AF_UNIX).close(),
    lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    lambda: os.chroot("/"),
):
    try:
        attempt()
        print("allowed")
    except PermissionError:
        print("refused")
"""


def test_the_filters_that_the_gateway_is_tried_behind_are_those_of_the_unit():
    """test_deploy_image.py runs it behind them: here it shows that they refuse what they should."""
    confined = DEPLOY.parent / "tests" / "fakes" / "confined.py"
    command = [sys.executable, confined, UNITS / "gateway.service", reachable_python(), "-c", TRIES]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd="/")

    assert (done.stdout.split(), done.stderr) == (["allowed", "refused", "allowed", "refused", "refused"], "")


def test_the_user_is_made_by_sysusers():
    said("systemd-sysusers", "--dry-run", UNITS / "gateway.sysusers.conf")

    assert settings("gateway.service")["Service"]["User"] == ["gateway"]
    assert re.search(r"^u gateway ", (UNITS / "gateway.sysusers.conf").read_text(), re.MULTILINE)


def test_it_is_given_longer_to_stop_than_it_drains():
    drain = int(re.search(r"drain: (\d+)s", (UNITS / "config.yaml").read_text())[1])
    (stop,) = settings("gateway.service")["Service"]["TimeoutStopSec"]

    assert int(stop.removesuffix("s")) >= drain + 10


def test_the_configuration_names_the_credentials_and_the_address_of_the_units():
    config = (UNITS / "config.yaml").read_text()
    loaded = [value.split(":")[0] for value in settings("gateway.service")["Service"]["LoadCredential"]]

    assert sorted(loaded) == sorted(CREDENTIALS)
    assert sorted(re.findall(r"\$\{CREDENTIALS_DIRECTORY\}/([a-z-]+)", config)) == sorted(CREDENTIALS)
    assert f"listen: {settings('gateway.socket')['Socket']['ListenStream'][0]} " in config


@pytest.fixture
def machine(tmp_path):
    """What systemd would have made: configuration, credentials, a state directory, and an ERP."""
    erp = DemoUpstream().start()
    (tmp_path / "credentials").mkdir(mode=0o700)
    for name in CREDENTIALS:
        (tmp_path / "credentials" / name).write_text(os.urandom(32).hex())
    admin = free_port()
    text = replaced(
        (UNITS / "config.yaml").read_text(),
        ("/var/lib/gateway", tmp_path / "lib"),
        ("127.0.0.1:8081", f"127.0.0.1:{admin}"),
        ("http://127.0.0.1:9000", f"http://127.0.0.1:{erp.port}"),
    )
    (tmp_path / "config.yaml").write_text(text)
    (tmp_path / "lib").mkdir(mode=0o700)
    yield {
        "GATEWAY_CONFIG": str(tmp_path / "config.yaml"),
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
        "GATEWAY_STORE_TIMEOUT": "10s",  # a slow disk under all tests at once is no outage
    }
    erp.stop()


def gateway(*words, environ):
    command = [sys.executable, "-m", "gateway", *words]
    return subprocess.run(
        command, env=os.environ | environ, capture_output=True, text=True, check=False, timeout=100, cwd="/"
    )


def test_the_configuration_is_accepted(machine):
    done = gateway("check", "--strict", environ=machine)

    assert (done.returncode, done.stderr) == (0, "")


@contextmanager
def activated(machine, directory):
    """The service on a socket that `systemd-socket-activate` holds, and what it tells its manager."""
    port = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(directory / "notify"))
        manager.settimeout(60)
        environ = machine | {"NOTIFY_SOCKET": str(directory / "notify"), "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [tool("systemd-socket-activate"), f"--listen=127.0.0.1:{port}", "--fdname=public"]
        command += [word for name in environ for word in ("-E", name)]
        (start,) = settings("gateway.service")["Service"]["ExecStart"]
        command += [sys.executable, "-m", "gateway", *start.split()[1:]]
        with (directory / "out").open("wb") as out:
            process = subprocess.Popen(command, cwd=directory, env=os.environ | environ, stdout=out, stderr=out)
        try:
            yield port, process, manager
        finally:
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                process.kill()
            process.wait()


def heard(manager, word):
    """Datagrams up to the one that says this."""
    while True:
        message = manager.recv(4096).decode()
        if word in message.split("\n"):
            return


def test_the_service_starts_reloads_and_stops_as_its_unit_says(machine, tmp_path):
    with activated(machine, tmp_path) as (port, process, manager):
        with connected(port) as first:  # wakes the service, and waits for it in the socket's queue
            heard(manager, "READY=1")
            answer = first.ask("GET", "/public/ping", host="erp.example.com")
        health = gateway("health", environ=machine)
        reload = gateway("reload", environ=machine)
        process.send_signal(signal.SIGTERM)
        heard(manager, "STOPPING=1")

        assert process.wait(60) == 0
    assert answer.json == {"ping": "pong"}
    assert (health.returncode, health.stdout) == (0, "ready\n")
    assert (reload.returncode, reload.stdout) == (0, "reloaded; nothing is different\n")


def test_a_reload_that_is_refused_fails_with_its_reason(machine, tmp_path):
    """`ExecReload=gateway reload` is what makes `systemctl reload` say so."""
    with activated(machine, tmp_path) as (port, _, manager):
        connected(port).close()
        heard(manager, "READY=1")
        config = Path(machine["GATEWAY_CONFIG"])
        config.write_text(config.read_text().replace("upstream: erp", "upstream: epr"))

        refused = gateway("reload", environ=machine)
    assert refused.returncode == 1
    assert 'no upstream named "epr"; did you mean "erp"?' in refused.stderr
    assert settings("gateway.service")["Service"]["ExecReload"] == [f"{PROGRAM} reload"]


def connected(port):
    """A client's connection; the manager may be about to listen."""
    end = time.monotonic() + 30
    while True:
        try:
            return PlainClient(port).connect()
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.05)
