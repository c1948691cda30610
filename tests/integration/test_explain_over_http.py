"""`gateway explain` agrees with what the gateway does, and sends nothing."""

import json
import subprocess
import sys

import pytest
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import SCANNER_KEY


@pytest.fixture
def explain(shop):
    token = (shop.directory / "state" / "admin.token").read_text().strip()
    admin = PlainClient(shop.gateway.admin_port, host=f"127.0.0.1:{shop.gateway.admin_port}")

    def explain(method, target, *headers):
        question = {"method": method, "target": target, "headers": [list(header) for header in headers]}
        return admin.post("/api/v1/explain", question, bearer(token)).json

    return explain


QUESTIONS = [
    ("GET", "/mixed/x?a=1", ()),
    ("GET", "/mixed/x", ("ada",)),
    ("GET", "/mixed/open/x", ()),
    ("GET", "/mixed/x", (("X-API-Key", SCANNER_KEY),)),
    ("GET", "/mixed/x", (("X-API-Key", SCANNER_KEY), ("X-API-Key", SCANNER_KEY))),
    ("GET", "/mixed/x", (("Authorization", "Bearer nonsense"),)),
    ("GET", "/nowhere", ()),
    ("GET", "/mixed/../x", ()),
    ("TRACE", "/mixed/x", ()),
    ("GET", "/sales/x", ("bob",)),
    ("GET", "/sales/x", ("ada",)),
    ("GET", "/takeover-strict/x", (("Authorization", "Bearer foreign"),)),
    ("GET", "/takeover/x", (("Cookie", "a=1"),)),
    ("GET", "/public/x?access_token=x", ()),
    ("GET", "/images/x?access_token=x&access_token=y", ()),
    ("GET", "/images/x?access_token={token}", ()),
    ("GET", "/erp/x", ()),
    ("GET", "/auth/login", ()),
    ("GET", "/mixed/open/x", (("Host", "a b"),)),
    ("GET", "/mixed/open/x", (("Host", "a"), ("Host", "b"))),
]


@pytest.mark.parametrize(("method", "target", "headers"), QUESTIONS)
def test_it_says_what_happens(shop, client, erp, explain, method, target, headers):
    headers = [shop.bearer(header) if isinstance(header, str) else header for header in headers]
    target = target.format(token=shop.token())
    hosts = [] if any(name == "Host" for name, _ in headers) else [("Host", "localhost")]
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in [*hosts, *headers])]

    said = explain(method, target, *headers)
    assert erp.seen == []
    happened = client.send("\r\n".join(lines).encode() + b"\r\n\r\n").status

    assert (said["outcome"], said["status"]) == (("forward", 0) if happened == 200 else ("refuse", happened))


def test_it_says_why(shop, explain):
    said = explain("GET", "/sales/x?a=1", shop.bearer("ada"))

    assert said["route"] == "sales"
    assert said["upstream"] == "erp"
    assert said["identity"]["user"] == "ada"
    assert [step["part"] for step in said["steps"]] == ["path", "route", "credential", "requirements", "upstream"]
    assert shop.token() not in json.dumps(said)


def test_endpoints_are_ours(explain):
    assert explain("POST", "/auth/login")["outcome"] == "endpoint"


def test_the_command_asks_the_running_gateway(shop):
    admin = f"--set=admin.listen=127.0.0.1:{shop.gateway.admin_port}"
    environ = {"GATEWAY_ADMIN_LISTEN": admin.partition("=")[2].partition("=")[2]}

    done = subprocess.run(
        [sys.executable, "-m", "gateway", "explain", "GET", "/mixed/x"],
        cwd=shop.directory,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split(None, 1) == ["outcome", "refused with 401"]
