"""The guide is a bash script that carries the address it is given."""

import subprocess

import pytest

from gateway.demo.guide import DEMO_API_KEY, guide


def test_the_guide_is_valid_bash():
    checked = subprocess.run(
        ["bash", "-n"], check=False, input=guide("http://127.0.0.1:8080"), capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("base", ["http://127.0.0.1:9999", "http://127.0.0.1:9999/"])
def test_every_curl_line_goes_to_the_address_given(base):
    lines = [line for line in guide(base).splitlines() if "curl" in line]

    assert len(lines) >= 12
    assert all("http://127.0.0.1:9999/" in line and "9999//" not in line for line in lines)


@pytest.mark.parametrize(
    "part", ["/auth/login", "/auth/refresh", "/auth/logout", DEMO_API_KEY, ".png?access_token=", "client_credentials"]
)
def test_every_way_in_is_shown(part):
    assert part in guide("http://localhost")


@pytest.mark.parametrize(
    "body",
    [
        '{"access_token":"a.b-c_d","refresh_token":"r"}',
        '{"token_type": "Bearer", "access_token": "a.b-c_d", "refresh_token": "r"}',
    ],
)
def test_the_sed_lines_take_the_tokens_out_of_compact_and_spaced_json(body):
    extract = [line for line in guide("http://x").splitlines() if line.startswith(("ACCESS=", "REFRESH="))][:2]
    script = "\n".join((f"LOGIN='{body}'", *extract, 'echo "$ACCESS $REFRESH"'))

    printed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout

    assert printed == "a.b-c_d r\n"
