"""Several gateways before one ERP and one Redis: a session in the ERP is one, whichever of them is asked, and ends on all."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.gateway_process import GatewayProcess
from fakes.idempiere import Idempiere
from fakes.plain_client import PlainClient, bearer
from fakes.servers import StoreServer
from fakes.waiting import eventually

PASSWORD = "correct horse"
TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "fedcba9876543210fedcba9876543210"
CONFIG = """\
server: {{workers: {workers}, public_url: "http://erp.example"}}
admin: {{token: {token}}}
logs: {{access: ./access.log, audit: ./audit.log}}
store: {{url: "{store}", timeout: 10s, encryption_key: {secret}}}  # a slow disk under all tests at once is no outage
signing_keys: [{{kid: k1, algorithm: HS256, secret: {secret}}}]
identity_providers:
  erp: {{type: idempiere, upstream: erp, role: "102", organization: HQ}}
logins:
  native: {{dialect: native, path: /auth, identity_provider: erp}}
  idempiere: {{dialect: idempiere, path: /api/v1/auth, identity_provider: erp}}
upstreams:
  erp: {{servers: ["{erp}"], injector: {{erp_session: {{identity_provider: erp}}}}}}
routes:
  - {{name: models, path: /api/v1/models/**, upstream: erp, logins: [native, idempiere], errors: native}}
"""
REFRESH, LOGOUT = "/api/v1/auth/refresh", "/api/v1/auth/logout"


@pytest.fixture(scope="module")
def erp():
    fake = Idempiere()
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def gateways(erp, tmp_path_factory):
    """Two gateways, one of them with two workers."""
    store = StoreServer("redis", tmp_path_factory.mktemp("redis")).start()
    started = []
    for workers in (1, 2):
        known = {"erp": erp.url, "store": store.url, "token": TOKEN, "secret": SECRET, "workers": workers}
        started.append(GatewayProcess(tmp_path_factory.mktemp(f"node{workers}"), CONFIG.format(**known)).start())
    yield started
    for gateway in started:
        gateway.stop()
    store.stop()


@pytest.fixture
def nodes(gateways, erp):
    erp.asked.clear()
    return [PlainClient(gateway.port) for gateway in gateways]


def login(node):
    answer = node.post("/auth/login", {"username": "ada", "password": PASSWORD})
    assert answer.status == 200, answer
    return answer.json["access_token"]


def status(node, token):
    return node.get("/api/v1/models/c_order", bearer(token)).status


def sent(erp):
    """The ERP's own token that the last request came with."""
    return erp.asked[-1].headers["authorization"].removeprefix("Bearer ")


def ended(erp):
    """The ERP's own tokens that were logged out."""
    return [json.loads(each.body)["token"] for each in erp.asked_for(LOGOUT)]


def cli(gateway, *words):
    command = [sys.executable, "-m", "gateway", *words]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environ["GATEWAY_ADMIN_LISTEN"] = f"127.0.0.1:{gateway.admin_port}"
    return subprocess.run(command, cwd=gateway.directory, env=environ, capture_output=True, text=True, check=False)


def test_requests_through_all_of_them_share_one_renewal(nodes, erp):
    token = login(nodes[0])
    assert [status(node, token) for node in nodes] == [200, 200]
    erp.expire_access()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: status(nodes[number % 2], token), range(32)))

    assert answers == [200] * 32
    assert len(erp.asked_for(REFRESH)) == 1
    assert erp.breaches == 0


async def test_a_logout_at_one_ends_it_at_all_and_once_in_the_erp(nodes, erp):
    token = login(nodes[0])
    assert [status(node, token) for node in nodes] == [200, 200]
    own = sent(erp)

    assert nodes[1].ask("POST", "/auth/logout", [bearer(token)], b"").status == 204

    assert [status(node, token) for node in nodes] == [401, 401]
    await eventually(lambda: own in ended(erp))
    assert ended(erp).count(own) == 1


@pytest.mark.parametrize("words", [["--user", "ada", "--provider", "erp"], ["--all"]])
async def test_an_operators_revocation_at_another_one_ends_it_in_the_erp(gateways, nodes, erp, words):
    token = login(nodes[0])
    assert status(nodes[0], token) == 200
    own = sent(erp)

    revoked = cli(gateways[1], "sessions", "revoke", *words)

    assert (revoked.returncode, revoked.stdout) == (0, "revoked\n"), revoked.stderr
    assert [status(node, token) for node in nodes] == [401, 401]
    await eventually(lambda: own in ended(erp))
    assert ended(erp).count(own) == 1


async def test_a_session_that_the_erp_ends_ends_at_all(nodes, erp):
    token = login(nodes[0])
    assert [status(node, token) for node in nodes] == [200, 200]
    erp.expire_all()

    assert status(nodes[1], token) == 401

    await eventually(lambda: status(nodes[0], token) == 401)


def test_a_client_of_the_erp_is_refreshed_by_whichever_it_meets_and_only_once(nodes):
    body = {
        "userName": "ada",
        "password": PASSWORD,
        "parameters": {"clientId": 11, "roleId": 102, "organizationId": 11},
    }
    first = nodes[0].post("/api/v1/auth/tokens", body).json
    asked = {"refresh_token": first["refresh_token"], "clientId": 11, "userId": first["userId"]}

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: nodes[number % 2].post("/api/v1/auth/refresh", asked), range(8)))

    assert sorted(answer.status for answer in answers) == [200, *[401] * 7]
    winner = next(answer for answer in answers if answer.status == 200)
    assert [status(node, winner.json["token"]) for node in nodes] == [401, 401], "a second use ends it all"
