"""deploy/Dockerfile: linted, and built and run as far as that goes without Docker."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.deploy_tools import DEPLOY, ROOT, said
from fakes.image import NOBODY, Image, copied, instructions, stage
from fakes.plain_client import PlainClient, bearer
from fakes.ports import free_port

from gateway import __version__

CONFIG = """\
upstreams: {erp: {servers: ["http://127.0.0.1:9000"]}}
routes: [{name: erp, path: /**, upstream: erp, public: true}]
store: {url: "redis://127.0.0.1:1/0", encryption_key: "0123456789abcdef0123456789abcdef"}
signing_keys: [{kid: k1, algorithm: HS256, secret: "0123456789abcdef0123456789abcdef"}]
"""
CONFINED = ROOT / "tests" / "fakes" / "confined.py"
UNIT = DEPLOY / "systemd" / "gateway.service"
NO_STORE = "gateway: not ready: the store does not answer\n"


@pytest.fixture(scope="module")
def image():
    directory = Path(tempfile.mkdtemp(prefix="gateway-image-"))
    yield Image(directory).build()
    shutil.rmtree(directory)


def test_what_is_no_python_is_installed_as_well(image):
    """Scripts of the store, the demo's configuration, the console's templates and style."""
    source = ROOT / "gateway"
    kinds = ("*.lua", "*.yaml", "*.html", "*.css", "py.typed")
    wanted = {path.relative_to(source) for kind in kinds for path in source.rglob(kind)}
    (installed,) = (image.directory / "opt").glob("lib/python3*/site-packages/gateway")

    assert {path.suffix for path in wanted} >= {".lua", ".yaml", ".html", ".css"}
    for path in wanted:
        assert (installed / path).read_bytes() == (source / path).read_bytes()


@pytest.fixture
def place(image):
    """A directory that the image's user can reach and not write to."""
    directory = Path(tempfile.mkdtemp(prefix="place-", dir=image.directory))
    directory.chmod(0o755)
    return directory


def test_the_linter_has_nothing_to_say():
    assert said("hadolint", "--failure-threshold", "style", DEPLOY / "Dockerfile") == ""


def test_what_is_built_from_is_in_the_build_context():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied())
    assert all((ROOT / name).exists() for name in copied())


def test_it_runs_as_nobody_and_is_asked_for_its_health_by_its_own_command():
    last = dict(stage(1))

    assert last["USER"] == f"{NOBODY}:{NOBODY}"
    assert last["HEALTHCHECK"].endswith('CMD ["gateway", "health"]')
    assert (last["ENTRYPOINT"], last["CMD"]) == ('["gateway"]', '["run"]')
    assert not [rest for word, rest in instructions() if word == "ADD"]
    assert not [rest for word, rest in stage(1) if word == "RUN" and "pip" in rest]


def test_the_python_of_the_image_is_the_oldest_that_is_supported():
    (base,) = [rest.partition("=")[2] for word, rest in instructions() if word == "ARG"]
    oldest = re.search(r'requires-python = ">=([0-9.]+)"', (ROOT / "pyproject.toml").read_text())[1]

    assert base.startswith(f"{oldest}-slim")


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_the_build_stage_yields_a_program_that_needs_nothing_else(image):
    assert image.run("version") == (0, f"gateway {__version__}\n")
    assert not (image.programs / "pip").exists()


@pytest.mark.slow
def test_it_reads_what_the_package_carries_besides_code(image, place):
    """The Lua scripts, the demo's configuration and pages: what a wheel loses when nobody lists it."""
    packaged = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gateway").rglob("*") if is_data(path)}
    installed = {
        path.relative_to(image.directory / "src").as_posix()
        for path in (image.directory / "src" / "gateway").rglob("*")
        if is_data(path)
    }
    (library,) = (image.directory / "opt" / "lib").glob("python3*/site-packages")

    assert packaged == installed
    assert not {name for name in packaged if not (library / name).is_file()}
    code, output = image.run("check", "-c", library / "gateway" / "demo" / "config.yaml")
    assert code == 0, output


def is_data(path):
    return path.is_file() and path.suffix not in {".py", ".pyc"}


@pytest.mark.slow
def test_it_serves_and_reports_its_health_as_nobody_with_nothing_to_write_to(image, place):
    (place / "config.yaml").write_text(CONFIG)
    environ = {
        "GATEWAY_CONFIG": str(place / "config.yaml"),
        "GATEWAY_SERVER_LISTEN": f"127.0.0.1:{free_port()}",
        "GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
    }
    with running(image.command("run"), place, **environ) as process:
        until(lambda: image.run("health", "--live", **environ)[0] == 0, process)
        until(lambda: image.run("health", **environ) == (1, NO_STORE), process)  # it listens now, too
        process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
    assert [path.name for path in place.iterdir()] == ["config.yaml"]
    assert image.run("health", **environ)[0] == 1


@pytest.mark.slow
def test_the_demo_runs_from_it_in_an_empty_directory(image, place):
    demo = Demo(place)

    with running(image.command("demo", *demo.listen), place) as process:
        until(lambda: image.run("health", cwd=place, **demo.environ)[0] == 0, process)
        answer = PlainClient(demo.port).get("/public/ping")
        process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
    assert answer.json == {"ping": "pong"}
    assert (place / "state").stat().st_uid == (NOBODY if os.geteuid() == 0 else os.geteuid())


@pytest.mark.slow
def test_it_serves_behind_the_filters_of_the_systemd_unit(image, place):
    """Two workers, the embedded store, a login, a reload and a stop: nothing of that is among what is forbidden."""
    demo = Demo(place)
    command = [image.programs / "gateway", "demo", *demo.listen, "--set", "server.workers=2"]

    with running([sys.executable, CONFINED, UNIT, *command], place) as process:
        until(lambda: image.run("health", cwd=place, **demo.environ)[0] == 0, process)
        client = PlainClient(demo.port)
        login = client.post("/auth/login", {"username": "GardenAdmin", "password": "GardenAdmin"})
        answer = client.get("/whoami", bearer(login.json["access_token"]))
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.send_signal(signal.SIGHUP)
        until(lambda: "reload" in process.said(), process)
        process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
    assert (login.status, answer.status) == (200, 200)
    assert {"NoNewPrivs:\t1", "Seccomp:\t2"} <= set(status.splitlines())
    assert "Traceback" not in process.said()
    assert "not permitted" not in process.said().lower()


class Demo:
    """Ports of its own for `gateway demo` in a directory that is the user's own."""

    def __init__(self, place):
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
        config = (ROOT / "config.yaml").read_text()
        (place / "config.yaml").write_text(config.replace("127.0.0.1:8090", f"127.0.0.1:{free_port()}"))
        self.port, admin = free_port(), free_port()
        self.listen = ["--set", f"server.listen=127.0.0.1:{self.port}", "--set", f"admin.listen=127.0.0.1:{admin}"]
        self.environ = {"GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{admin}"}


@contextmanager
def running(command, place, **environ):
    """A process of the image's; what it said is shown where it ends too early."""
    log = place.parent / f"{place.name}.log"
    with log.open("wb") as out:
        environ = {"PATH": "/usr/bin:/bin", **environ}
        process = subprocess.Popen(command, cwd=place, env=environ, stdout=out, stderr=out)
    process.said = log.read_text
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(check, process):
    end = time.monotonic() + 60
    while not check():
        assert process.poll() is None, process.said()
        assert time.monotonic() < end, process.said()
        time.sleep(0.2)
