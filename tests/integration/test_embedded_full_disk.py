"""The private store on a disk that is full: 503 and never 401, nothing is lost, and it ends by itself with room."""

import contextlib
import subprocess
from pathlib import Path

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD
from fakes.waiting import eventually
from fakes.workers import crew_config

SMALL_DISK = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=512k none state && exec "$@"', "sh")
"""A file system of 512 KiB on `state`, which only the gateway and its children see."""


def may_mount():
    """Whether a process may have mounts of its own here."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture(params=[pytest.param(SMALL_DISK, id="tmpfs")] if may_mount() else [])
def gateway(request, erp, tmp_path):
    (tmp_path / "state").mkdir(mode=0o700)
    gateway = GatewayProcess(tmp_path, crew_config(erp.port, workers=1), inside=request.param).start()
    yield gateway
    assert gateway.stop() == 0


def fill(disk):
    """Take every byte that is left."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))


async def test_a_full_disk_is_an_outage_that_loses_nothing(gateway):
    disk = Path(f"/proc/{gateway.pid}/root") / gateway.directory.relative_to("/") / "state"
    client, admin = PlainClient(gateway.port), PlainClient(gateway.admin_port, host="localhost")

    def log_in():
        return client.post("/auth/login", {"username": "ada", "password": PASSWORD})

    def refresh(pair):
        return client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]})

    before, renewed, ended = (log_in().json for _ in range(3))
    assert client.post("/auth/logout", None, bearer(ended["access_token"])).status == 204

    fill(disk)
    refused = await eventually(lambda: answer if (answer := log_in()).status != 200 else None)  # logins fill it up
    while (unrefreshed := refresh(renewed)).status == 200:  # they are smaller
        renewed = unrefreshed.json
    seen = [client.get("/orders", bearer(before["access_token"])).status for _ in range(20)]
    assert refused.status == unrefreshed.status == 503
    assert refused.one("Retry-After")
    assert set(seen) <= {200, 503}
    assert client.get("/open/x").status == 200
    assert gateway.process.poll() is None
    assert "the embedded store ended" in gateway.stderr

    (disk / "filler").unlink()
    await eventually(lambda: log_in().status == 200)
    await eventually(lambda: admin.get("/readyz").status == 200)
    assert client.get("/orders", bearer(before["access_token"])).status == 200
    assert client.get("/orders", bearer(ended["access_token"])).status == 401
    assert refresh(renewed).status == 200
