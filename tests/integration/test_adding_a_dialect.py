"""docs/adding-a-dialect.md holds as it is written: its file and its line make a gateway that speaks the new dialect."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.plain_client import PlainClient, bearer

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding-a-dialect.md").read_text()
FILE, LINES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(CONFIG,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(REQUESTS,) = re.findall(r"^```http\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
AROUND = """\
identity_providers:
  staff: {{type: users, users: [{{username: ada, id: 101, password_hash: "{secret}"}}]}}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
"""
REQUEST = re.compile(r"(\w+) (\S+)(?: (\{.*?\})| \((.*?)\)) -> (\d+)(?: (.*))?")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The gateway's sources with the page's file and the page's line, and nothing else."""
    tree = tmp_path_factory.mktemp("tree")
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "gateway", tree / "gateway", ignore=leave)
    (tree / "gateway/dialects/depot.py").write_text(FILE)
    registry = tree / "gateway/dialects/__init__.py"
    line, entry = LINES.splitlines()
    written = registry.read_text().replace(
        "from gateway.dialects.idempiere", f"{line}\nfrom gateway.dialects.idempiere"
    )
    registry.write_text(written.replace('    "native": Native,\n', f'    "native": Native,\n{entry}\n'))
    return tree


@pytest.fixture
def client(tree):
    erp = Erp()
    around = AROUND.format(secret=password_hash("correct horse"), port=erp.port)
    gateway = GatewayProcess(tree, around + CONFIG).start()
    yield PlainClient(gateway.port)
    gateway.stop()
    erp.stop()


def test_the_requests_of_the_page_are_answered_as_it_says(client):
    known = {}
    for method, target, written, presented, status, told in map(parsed, REQUESTS.splitlines()):
        body = json.dumps({"renewal": known["renewal"]}) if presented == "renewal" else written
        headers = [("Content-Type", "application/json")] if body else [bearer(known[presented])]

        answer = client.ask(method, target, headers, body.encode() if body else b"" if method == "POST" else None)

        assert answer.status == int(status), (method, target, answer.body)
        if told:
            assert answer.body.decode() == told
        if b'"renewal"' in answer.body:
            assert (answer.json["seconds"], answer.json["release"]) == (1800, "5")
            first = "key" not in known
            known["key" if first else "new key"] = answer.json["key"]
            known.setdefault("renewal", answer.json["renewal"])

    assert {"key", "new key"} <= set(known)


def parsed(line):
    return REQUEST.fullmatch(line).groups()


def test_a_second_use_ends_the_session_without_a_grace(client):
    opened = client.post("/session/open", {"username": "ada", "password": "correct horse"}).json
    renewed = client.post("/session/renew", {"renewal": opened["renewal"]}).json

    assert client.post("/session/renew", {"renewal": opened["renewal"]}).status == 401
    assert client.get("/stock/1", bearer(renewed["key"])).status == 401


def test_a_misspelt_option_is_told_at_its_line(tree):
    (tree / "config.yaml").write_text(
        AROUND.format(secret=password_hash("x"), port=1) + CONFIG.replace("release", "relaese")
    )
    checked = subprocess.run(
        [sys.executable, "-m", "gateway", "check"], cwd=tree, capture_output=True, text=True, check=False
    )

    assert checked.returncode != 0
    assert 'did you mean "release"?' in checked.stdout + checked.stderr


def test_the_suites_that_run_over_all_dialects_take_it(tree):
    for part in ("tests/contract", "tests/fakes", "tests/conftest.py", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        (tree / part).parent.mkdir(exist_ok=True)
        copy(ROOT / part, tree / part)
    suites = ["tests/contract/test_contract_dialects.py", "tests/contract/test_contract_token_formats.py"]

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "depot", *suites],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", run.stdout)[1]) > 50
