"""New workers for old ones, and a new gateway for an old one, while clients go on asking: nobody loses a request."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient
from fakes.ports import free_port
from fakes.steady_load import SteadyLoad
from fakes.waiting import eventually
from fakes.workers import crew_config


@pytest.fixture
def erp():
    erp = Erp()
    yield erp
    erp.stop()


def run(gateway, *command):
    """Another `gateway` command on the same file."""
    environ = {**os.environ, "GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{gateway.admin_port}"}
    command = [sys.executable, "-m", "gateway", *command]
    done = subprocess.run(command, cwd=gateway.directory, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


async def test_a_rolling_restart_under_load_loses_no_request(erp, tmp_path):
    gateway = GatewayProcess(tmp_path, crew_config(erp.port, workers=2, drain="20s")).start()
    async with SteadyLoad(gateway.port, busy=6, slow=6) as load:
        await load.more(100)

        for _ in range(2):
            code, out, err = await asyncio.to_thread(run, gateway, "reload", "--restart")
            assert (code, err) == (0, "")
            assert out.splitlines()[-1] == "2 workers were replaced"
            await load.more(100)
        await asyncio.sleep(3)  # past the moment at which idle connections of the old workers are closed
        await load.more(100)

    assert load.failures == []
    assert set(load.statuses) == {200}
    assert gateway.stop() == 0


def test_one_process_alone_says_that_it_cannot(erp, tmp_path):
    gateway = GatewayProcess(tmp_path, crew_config(erp.port, workers=1, drain="20s")).start()

    code, _, err = run(gateway, "reload", "--restart")

    assert code == 1
    assert "one process serves alone" in err
    gateway.stop()


LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, sys.argv[2:])
"""


class ServiceManager:
    """Holds the public socket, as systemd does, and starts one gateway after the other with it as descriptor 3."""

    def __init__(self, directory, erp, workers):
        self.directory = directory
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port = self.sock.getsockname()[1]
        self.admin_port = free_port()
        config = crew_config(erp.port, workers=workers, drain="20s")
        (directory / "config.yaml").write_text(config)

    def start(self):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        environ |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "gateway.socket"}
        command = [sys.executable, "-m", "gateway", "run", "--set", f"admin.listen=127.0.0.1:{self.admin_port}"]
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", LAUNCH, str(self.sock.fileno()), *command],
                cwd=self.directory,
                env=environ,
                stdout=log,
                stderr=log,
                pass_fds=(self.sock.fileno(),),
            )

    async def is_ready(self):
        admin = PlainClient(self.admin_port, host="localhost")
        try:
            return (await asyncio.to_thread(admin.get, "/readyz")).status == 200
        except OSError:
            return False


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_upgrade_behind_a_held_socket_loses_no_request(erp, tmp_path, workers):
    manager = ServiceManager(tmp_path, erp, workers)
    process = manager.start()
    await eventually(manager.is_ready, seconds=60)
    async with SteadyLoad(manager.port, busy=6, slow=6) as load:
        await load.more(100)

        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
        process = manager.start()
        await eventually(manager.is_ready, seconds=60)
        await load.more(100)

    assert load.failures == []
    assert set(load.statuses) == {200}
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 60) == 0
    manager.sock.close()
