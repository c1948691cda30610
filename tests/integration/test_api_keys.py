"""API keys that are made while the gateway runs: as an operator and a machine use them, with real processes."""

import subprocess
import sys

import pytest
from fakes.demo_upstream import demo_behind
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD
from fakes.waiting import eventually

CONFIG = """\
{logins}
upstreams:
  demo: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /whoami, upstream: demo, credentials: [bearer, api_key, access_token]}}
  - {{name: tokens, path: /customers/**, upstream: demo, credentials: [bearer]}}
  - {{name: warehouse, path: /**, upstream: demo, require: {{roles: [warehouse]}}}}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with demo_behind(tmp_path_factory.mktemp("keys"), CONFIG) as gateway:
        yield gateway


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


@pytest.fixture
def keys(gateway):
    def keys(*words):
        command = [sys.executable, "-m", "gateway", "keys", *words, "-c", "config.yaml"]
        environ = {"GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{gateway.admin_port}", "PATH": ""}
        return subprocess.run(command, cwd=gateway.directory, env=environ, capture_output=True, text=True, check=False)

    return keys


def key_header(key):
    return ("X-API-Key", key)


def test_a_key_works_from_the_moment_it_is_made_until_it_is_ended(client, keys, gateway):
    made = keys("create", "robot-1", "--user", "robot", "--role", "warehouse")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()

    for header in (key_header(key), bearer(key)):
        answer = client.get("/whoami", header)
        assert answer.status == 200
        assert answer.json["identity"]["X-Auth-User"] == "robot"
    assert client.get("/stream?count=1", key_header(key)).status == 200
    assert "robot-1  user robot  roles warehouse" in keys("list").stdout

    assert keys("revoke", "robot-1").stdout == "revoked\n"
    assert client.get("/whoami", key_header(key)).status == 401
    assert client.get("/whoami", bearer(key)).status == 401
    assert "robot-1" not in keys("list").stdout
    assert key not in gateway.stdout + gateway.stderr


def test_it_opens_nothing_that_takes_no_keys(client, keys):
    key = keys("create", "robot-2", "--user", "robot").stdout.strip()

    assert client.get("/whoami", key_header(key)).status == 200
    assert client.get("/customers/1", bearer(key)).status == 401
    assert client.get(f"/whoami?access_token={key}").status == 401
    assert client.get("/stream?count=1", key_header(key)).status == 403
    assert client.post("/auth/logout", None, bearer(key)).status == 401
    assert client.get("/whoami", key_header(key)).status == 200, "a logout is for sessions of a login"


def test_one_limited_to_a_route_opens_no_other(client, keys):
    key = keys("create", "robot-3", "--user", "robot", "--role", "warehouse", "--route", "images").stdout.strip()

    assert client.get("/whoami", key_header(key)).status == 200
    assert client.get("/stream?count=1", key_header(key)).status == 403


def test_what_is_wrong_is_told_in_words_that_help(keys):
    assert 'no route named "imagse" takes API keys' in keys("create", "k", "--user", "u", "--route", "imagse").stderr
    assert "1 to 64 letters" in keys("create", "a/b", "--user", "u").stderr
    keys("create", "twice", "--user", "u")
    again = keys("create", "twice", "--user", "u")
    assert again.returncode == 1
    assert "an id is used once" in again.stderr


async def test_every_change_of_keys_is_audited(gateway, keys):
    keys("create", "robot-4", "--user", "robot")
    keys("revoke", "robot-4")

    assert await eventually(
        lambda: '"event":"key_made"' in gateway.stdout and '"event":"key_revoked"' in gateway.stdout
    )


def test_the_end_of_all_sessions_is_that_of_the_keys(client, keys, gateway):
    key = keys("create", "robot-5", "--user", "robot").stdout.strip()
    token = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json["access_token"]

    command = [sys.executable, "-m", "gateway", "sessions", "revoke", "--all", "-c", "config.yaml"]
    environ = {"GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{gateway.admin_port}", "PATH": ""}
    subprocess.run(command, cwd=gateway.directory, env=environ, check=True, capture_output=True)

    assert client.get("/whoami", key_header(key)).status == 401
    assert client.get("/whoami", bearer(token)).status == 401
