import asyncio
import socket

import pytest
from click.testing import CliRunner

from gateway.cli import cli

ROUTES = """
upstreams: {erp: {servers: ["http://127.0.0.1:8069"]}}
routes: [{path: /**, upstream: erp, public: true}]
"""


@pytest.fixture
async def ask(admin, tmp_path):
    """Runs `gateway health` with a configuration whose secrets this user cannot read."""
    config = tmp_path / "config.yaml"
    config.write_text(
        f"admin: {{listen: '127.0.0.1:{admin.port}', token_file: ./not-for-you}}\n"
        "store: {url: 'redis://10.0.0.1:6379', password: '${ONLY_THE_GATEWAY_HAS_IT}'}\n" + ROUTES
    )

    async def ask(*words):
        return await asyncio.to_thread(CliRunner().invoke, cli, ["health", "-c", str(config), *words])

    return ask


async def test_a_gateway_that_serves_clients_is_exit_code_0(ask):
    result = await ask()

    assert (result.exit_code, result.stdout, result.stderr) == (0, "ready\n", "")


async def test_what_keeps_clients_out_is_told_and_is_exit_code_1(ask, admin):
    admin.gateway.is_up = False
    admin.gateway.is_draining = True
    result = await ask()

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "gateway: not ready: the store does not answer; it is draining\n"


async def test_a_listener_that_is_closed_is_told(ask, admin):
    admin.gateway.is_listening = False

    assert (await ask()).stderr == "gateway: not ready: clients cannot connect\n"


async def test_the_process_alone_is_asked_with_live(ask, admin):
    admin.gateway.is_up = False
    result = await ask("--live")

    assert (result.exit_code, result.stdout) == (0, "ok\n")


async def test_remarks_are_no_failure(ask, admin):
    admin.gateway.is_stale = True
    admin.gateway.upstreams = {"odoo": (0, 2), "jmix": (1, 1), "nobody has counted yet": (0, 0)}
    result = await ask()

    assert result.exit_code == 0
    assert result.stdout == (
        "ready; the file on disk was refused, an earlier configuration is in force; upstream odoo: 0/2 up\n"
    )


def test_nobody_there_is_exit_code_1(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "config.yaml"
    config.write_text(f"admin: {{listen: '127.0.0.1:{port}'}}\n{ROUTES}")

    result = CliRunner().invoke(cli, ["health", "-c", str(config)])

    assert result.exit_code == 1
    assert result.stderr == f"gateway: no gateway answers on 127.0.0.1:{port}: Connection refused\n"


def test_a_configuration_that_is_not_there_is_exit_code_1(tmp_path):
    result = CliRunner().invoke(cli, ["health", "-c", str(tmp_path / "none.yaml")])

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
