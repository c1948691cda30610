"""What `make run` starts, tried as its guide says: each printed line in bash, each answer checked."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.gateway_process import GatewayProcess
from fakes.ports import free_port

from gateway.demo.guide import guide
from gateway.demo.pictures import picture

ROOT = Path(__file__).resolve().parents[2]
END = "=== end of answer ==="


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """`gateway demo` beside the shipped configuration, with the ERP on a port that is surely free."""
    directory = tmp_path_factory.mktemp("clone")
    config = (ROOT / "config.yaml").read_text().replace("127.0.0.1:8090", f"127.0.0.1:{free_port()}")
    demo = GatewayProcess(directory, config, command=("demo",)).start()
    yield demo
    assert demo.stop() == 0, demo.stderr


@pytest.fixture(scope="module")
def answers(demo):
    """Each command and what bash showed, after one run of them all in one shell, as somebody would paste them."""
    commands = [line for line in printed_guide(demo).splitlines() if line and not line.startswith("#")]
    script = "".join(f"{command}\nprintf '%s\\n' \"$? {END}\"\n" for command in commands)
    done = subprocess.run(
        ["bash"], input=script, cwd=demo.directory, check=False, capture_output=True, text=True, timeout=110
    )
    assert done.stderr == ""
    shown = re.split(rf"(\d+) {re.escape(END)}\n", done.stdout)
    assert set(shown[1::2]) == {"0"}, done.stdout
    return list(zip(commands, shown[::2], strict=False))


def printed_guide(demo):
    """All that was printed for people: the logs are JSON."""
    return "".join(line for line in demo.stdout.splitlines(keepends=True) if not line.startswith("{"))


@pytest.fixture
def answer(answers):
    """The answer to the one command that has all these words."""

    def answer(*words):
        (found,) = [shown for command, shown in answers if all(word in command for word in words)]
        return found

    return answer


def test_make_run_starts_the_demo():
    recipe = subprocess.run(
        ["make", "--no-print-directory", "-n", "run"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert recipe.splitlines()[-1] == ".venv/bin/gateway demo"


def test_the_guide_is_printed_whole_with_the_address_in_use(demo):
    assert printed_guide(demo) == guide(demo.url)


def test_every_command_of_the_guide_has_a_test_here(answers):
    assert len(answers) == 15


def test_the_login_fills_both_variables(answers):
    names = [command.partition("=")[0] for command, _ in answers[:3]]

    assert names == ["LOGIN", "ACCESS", "REFRESH"]
    assert [shown for _, shown in answers[:3]] == ["", "", ""]


def test_the_access_token_opens_the_erp(answer):
    customers = json.loads(answer("/customers ", "Bearer", "curl -sS http"))

    assert [customer["id"] for customer in customers] == [1, 2, 3, 4, 5]


def test_the_erp_is_told_who_calls_and_not_how_they_proved_it(answer):
    told = json.loads(answer("/whoami"))

    assert told["identity"]["X-Auth-User"] == "GardenAdmin"
    assert told["identity"]["X-Auth-Roles"] == "sales,warehouse"
    assert "authorization" not in [name.lower() for name, _ in told["headers"]]


def test_the_gateway_tells_its_callers_who_they_are(answer):
    assert json.loads(answer("/auth/me"))["user"] == "GardenAdmin"


def test_without_a_token_the_answer_is_401(answers):
    (shown,) = [shown for command, shown in answers if "-i" in command and "Bearer" not in command]

    assert shown.startswith("HTTP/1.1 401 ")
    assert "\nWWW-Authenticate: Bearer\n" in shown.replace("\r", "")


def test_what_is_listed_as_anonymous_is_let_through(answer):
    assert json.loads(answer("/public/ping")) == {"ping": "pong"}


def test_the_picture_arrives_by_url_token(answer, demo):
    assert answer("access_token=") == "200 image/png\n"
    assert (demo.directory / "product.png").read_bytes() == picture(1)


def test_the_api_key_opens_the_products(answer):
    assert json.loads(answer("X-API-Key"))[0]["name"] == "Azalea Bush"


def test_a_client_gets_a_token_of_its_own(answer):
    token = json.loads(answer("/oauth2/token"))

    assert token["token_type"] == "Bearer"
    assert token["access_token"].count(".") == 2


def test_after_logout_the_token_is_dead(answer):
    assert answer("/auth/logout") == "\n"
    assert answer("-i", "Bearer").startswith("HTTP/1.1 401 ")


def test_no_token_of_the_guide_is_in_any_log(answer, demo):
    token = json.loads(answer("/oauth2/token"))["access_token"]
    logged = "".join(line for line in demo.stdout.splitlines() if line.startswith("{")) + demo.stderr

    assert len(demo.access_log(lines=11)) >= 11
    for secret in (token, "eyJ", "gwr_", "demo-scanner-key", "portal-secret"):
        assert secret not in logged


def test_state_is_kept_beside_the_configuration_and_closed_to_others(demo):
    assert (demo.directory / "state").stat().st_mode & 0o077 == 0


def running_commands():
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def test_it_ends_cleanly_and_leaves_no_store_behind(tmp_path):
    config = (ROOT / "config.yaml").read_text().replace("127.0.0.1:8090", f"127.0.0.1:{free_port()}")
    demo = GatewayProcess(tmp_path, config, command=("demo",)).start()
    assert [command for command in running_commands() if str(tmp_path) in command]

    assert demo.stop() == 0

    assert '"message":"stopped"' in demo.stderr
    assert not [command for command in running_commands() if str(tmp_path) in command]


def ended_demo(directory):
    """What became of a demo that does not start."""
    command = [sys.executable, "-m", "gateway", "demo"]
    return subprocess.run(command, cwd=directory, check=False, capture_output=True, text=True, timeout=100)


def test_a_port_that_the_demo_erp_cannot_have_is_named_by_its_key(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = (ROOT / "config.yaml").read_text().replace("127.0.0.1:8090", address)
        (tmp_path / "config.yaml").write_text(config)

        done = ended_demo(tmp_path)

    assert done.returncode == 1
    assert done.stderr == f"gateway: upstreams.demo.servers: cannot listen on {address}: Address already in use\n"


def test_the_demo_wants_the_sample_configuration(tmp_path):
    """In front of one's own ERP the demo ERP has no place."""
    shutil.copy(ROOT / "config.yaml", tmp_path / "config.yaml")
    mine = (
        (tmp_path / "config.yaml")
        .read_text()
        .replace("  demo:  ", "  erp:  ")
        .replace("upstream: demo", "upstream: erp")
    )
    (tmp_path / "config.yaml").write_text(mine)

    done = ended_demo(tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        'config.yaml: upstreams: no upstream named "demo" for the demo ERP; '
        "a configuration of your own is for `gateway run`\n1 problem\n"
    )
