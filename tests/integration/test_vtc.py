"""Wire behaviour of the forwarding path: every tests/vtc/*.vtc, a scripted client and upstream around real gateways."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.wire_gateways import API_KEY, wire_gateways

SCRIPTS = sorted((Path(__file__).parents[1] / "vtc").glob("*.vtc"))
TOOLS = Path(__file__).parents[1] / "fakes"
SCRIPT_SECONDS = 20
NOISE = ("Traceback", '"level":"error"', '"level":"critical"')
"""What a gateway never logs, whatever a client or an upstream sends."""


@pytest.fixture(scope="module")
def varnishtest():
    """Debian's program. A missing one is an error, never a test left out."""
    found = shutil.which("varnishtest", path="/usr/bin:/usr/local/bin")
    assert found, "install Debian's package varnish: varnishtest pins the wire behaviour"
    return found


@pytest.fixture(scope="module")
def gateways(tmp_path_factory):
    with wire_gateways(tmp_path_factory.mktemp("wire")) as both:
        yield both


@pytest.fixture(scope="module")
def macros(gateways):
    values = {name: f"127.0.0.1:{port}" for name, port in gateways.ports.items()}
    values |= {"steady": f"127.0.0.1:{gateways.steady.port}", "hasty": f"127.0.0.1:{gateways.hasty.port}"}
    values |= {"api_key": API_KEY, "token": gateways.token(), "python": sys.executable, "tools": str(TOOLS)}
    return [argument for name, value in values.items() for argument in ("-D", f"{name}={value}")]


def test_there_are_scripts():
    assert len(SCRIPTS) > 40


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_wire_behaves_as_the_script_says(script, varnishtest, gateways, macros):
    logged = [gateway.stderr for gateway in gateways.all]

    run = subprocess.run(
        [varnishtest, "-t", str(SCRIPT_SECONDS), "-b", "24M", *macros, str(script)],
        capture_output=True,
        check=False,
        timeout=SCRIPT_SECONDS + 10,
        text=True,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    for gateway, before in zip(gateways.all, logged, strict=True):
        assert gateway.process.poll() is None, "the gateway died"
        new = gateway.stderr[len(before) :]
        assert not any(noise in new for noise in NOISE), new
