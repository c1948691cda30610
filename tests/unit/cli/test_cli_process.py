import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner
from fakes.ports import free_port

from gateway.cli import cli

ROUTES = """\
upstreams: {erp: {servers: ["http://127.0.0.1:9"]}}
routes: [{name: all, path: /**, upstream: erp, public: true}]
"""


@pytest.fixture
def config(tmp_path):
    """A configuration whose ports are free, with a store of its own."""
    file = tmp_path / "config.yaml"
    ports = f"server: {{listen: '127.0.0.1:{free_port()}'}}\nadmin: {{listen: '127.0.0.1:{free_port()}'}}\n"
    file.write_text(ports + ROUTES)
    return file


def test_a_refused_configuration_does_not_start(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("routes: []\n")
    result = CliRunner().invoke(cli, ["run", "-c", str(file)])

    assert result.exit_code == 1
    assert "config.yaml:1:9: routes: " in result.stderr


def test_a_port_in_use_is_one_line_and_exit_code_1(config):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "-m", "gateway", "run", "-c", config, "--set", f"server.listen=127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    assert result.returncode == 1
    assert f"127.0.0.1:{port}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_gateway_starts_answers_and_ends_when_told_to(config):
    admin = free_port()
    settings = ["--set", f"admin.listen=127.0.0.1:{admin}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "run", "-c", config, *settings], stderr=subprocess.PIPE, text=True
    )
    try:
        for line in process.stderr:
            if "health, metrics and the admin API" in line:
                break
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/healthz", timeout=100) as answer:
            assert answer.status == 200
        os.kill(process.pid, signal.SIGTERM)
        process.stderr.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_the_demo_is_started_with_its_overrides_checked():
    result = CliRunner().invoke(cli, ["demo", "--set", "server.listen=nonsense"])

    assert result.exit_code == 1
    assert "flag server.listen" in result.stderr
