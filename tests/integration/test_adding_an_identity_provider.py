"""docs/adding-an-identity-provider.md holds as it is written: its file and its line make a gateway that signs in to Depot."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from secrets import token_hex

import pytest
from aiohttp import web
from fakes.fake_erp import FakeErp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding-an-identity-provider.md").read_text()
FILE, LINES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(CONFIG,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(INJECTOR,) = re.findall(r"`(injector: .*)` at the upstream", PAGE)
AROUND = """\
upstreams:
  depot: {{servers: ["http://127.0.0.1:{port}"], {injector}}}
"""
PASSWORD = "correct horse"


class DepotErp(FakeErp):
    """The made-up ERP of the page."""

    def __init__(self):
        self.keys, self.renewals = {}, {}
        super().__init__()

    def routes(self):
        return {
            ("POST", "/session/open"): self._open,
            ("POST", "/session/renew"): self._renew,
            ("POST", "/session/close"): self._close,
        }

    async def _open(self, request):
        told = await request.json()
        name = told["username"]
        if not self.knows(name, told["password"]):
            return web.json_response({"problem": "wrong"}, status=401)
        if name in self.locked:
            return web.json_response({"problem": "locked"}, status=401)
        return self._session(name)

    async def _renew(self, request):
        name = self.renewals.pop((await request.json())["renewal"], None)
        return web.json_response({"problem": "spent"}, status=401) if name is None else self._session(name)

    async def _close(self, request):
        self.keys.pop(request.headers.get("Authorization", ""), None)
        return web.json_response({})

    async def resource(self, request):
        name = self.keys.get(request.headers.get("Authorization", ""))
        return web.json_response({"by": name}, status=401 if name is None else 200)

    def _session(self, name):
        key, renewal = token_hex(16), token_hex(16)
        self.keys[f"Bearer {key}"] = self.renewals[renewal] = name
        return web.json_response({"key": key, "renewal": renewal, "seconds": 1800})


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The gateway's sources with the page's file and the page's line, and nothing else."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "gateway", tree / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "gateway/identity_providers/depot.py").write_text(FILE)
    registry = tree / "gateway/identity_providers/__init__.py"
    line, entry = LINES.splitlines()
    before, after = "from gateway.identity_providers.idempiere", '    "users": Users,\n'
    assert before in registry.read_text()
    assert after in registry.read_text()
    written = registry.read_text().replace(before, f"{line}\n{before}", 1)
    registry.write_text(written.replace(after, f"{after}{entry}\n"))
    return tree


@pytest.fixture(scope="module")
def erp():
    made = DepotErp()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gateway(tree, erp):
    process = GatewayProcess(tree, AROUND.format(port=erp.port, injector=INJECTOR) + CONFIG).start()
    yield process
    process.stop()


@pytest.fixture
def client(gateway, erp):
    erp.asked.clear()
    return PlainClient(gateway.port)


def login(client, user="ada", password=PASSWORD):
    return client.post("/auth/login", {"username": user, "password": password})


def asked(erp):
    return [each.path.removeprefix("/session") for each in erp.asked]


async def test_a_login_puts_the_users_own_key_on_requests_and_a_logout_closes_it(client, erp):
    token = login(client).json["access_token"]
    assert client.get("/stock/4711", bearer(token)).json == {"by": "ada"}
    key = erp.asked[-1].headers["authorization"]
    assert key in erp.keys

    assert client.ask("POST", "/auth/logout", [bearer(token)], b"").status == 204

    await eventually(lambda: key not in erp.keys)
    assert asked(erp) == ["/open", "/stock/4711", "/close"]
    assert erp.asked[0].headers["x-forwarded-for"] == "127.0.0.1"


def test_a_forgotten_key_is_renewed_once_and_the_request_sent_again(client, erp):
    token = login(client).json["access_token"]
    erp.keys.clear()

    assert client.get("/stock/1", bearer(token)).json == {"by": "ada"}

    assert asked(erp) == ["/open", "/stock/1", "/renew", "/stock/1"]


def test_a_refused_renewal_ends_our_session(client, erp):
    token = login(client).json["access_token"]
    erp.keys.clear()
    erp.renewals.clear()

    assert client.get("/stock/1", bearer(token)).status == 401
    assert client.get("/stock/1", bearer(token)).status == 401
    assert asked(erp)[:3] == ["/open", "/stock/1", "/renew"]
    assert "/stock/1" not in asked(erp)[3:]


def test_a_wrong_password_and_a_locked_account_are_told_apart(client, erp):
    assert login(client, password="wrong").json["error"] == "invalid_credentials"
    erp.locked.add("bob")
    assert login(client, "bob").json["error"] == "account_locked"


@pytest.mark.parametrize("failure", ["error", "nonsense"])
def test_a_failing_erp_is_no_wrong_password(client, erp, failure):
    erp.script("/session/open", failure)

    answer = login(client)

    assert answer.status == 503
    assert answer.one("Retry-After")


def test_a_misspelt_option_and_type_are_told_at_their_line(tree):
    config = (tree / "config.yaml").read_text()
    told = []
    for right, wrong in (("type: depot", "type: deopt"), ("upstream: depot, roles", "upstream: depot, rolse")):
        (tree / "wrong.yaml").write_text(config.replace(right, wrong))
        checked = subprocess.run(
            [sys.executable, "-m", "gateway", "check", "-c", "wrong.yaml"],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 1
        told.append(checked.stdout + checked.stderr)

    assert 'no identity provider of type "deopt"; did you mean "depot"?' in told[0]
    assert 'did you mean "roles"?' in told[1]
