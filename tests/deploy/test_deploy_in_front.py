"""Each recipe of deploy/in-front, started for real in front of a real gateway, which runs on the shipped gateway.yaml."""

import json
import subprocess
import time

import pytest
import websockets
from fakes.authority import write_certificates
from fakes.demo_upstream import DemoUpstream
from fakes.deploy_tools import ROOT, said
from fakes.fronts import CLIENT, FRONTS, HOST, RECIPES, TlsClient, replaced
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.ports import free_port

MIB = 1024 * 1024
SPOOFS = [
    ("X-Forwarded-For", "203.0.113.66"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Host", "evil.example"),
    ("Forwarded", "for=203.0.113.66;proto=http;host=evil.example"),
    ("X-Real-IP", "203.0.113.66"),
]


@pytest.fixture(scope="module")
def upstream():
    upstream = DemoUpstream().start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, upstream):
    config = replaced(
        (RECIPES / "gateway.yaml").read_text(), ("http://127.0.0.1:9000", f"http://127.0.0.1:{upstream.port}")
    )
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"), config).start()
    yield gateway
    gateway.stop()


def started(kind, directory, port, admin_port, *, ready=True):
    write_certificates(directory, HOST)
    front = FRONTS[kind](directory, port, admin_port)
    try:
        return front.start(ready=ready)
    except BaseException:
        front.stop()
        raise


@pytest.fixture(scope="module", params=FRONTS)
def front(request, tmp_path_factory, gateway):
    front = started(request.param, tmp_path_factory.mktemp(request.param), gateway.port, gateway.admin_port)
    yield front
    front.stop()


@pytest.fixture
def client(front):
    return TlsClient(front)


@pytest.fixture(scope="module")
def token(front):
    return TlsClient(front).post("/auth/login", {"username": "me", "password": "change-me"}).json["access_token"]


def told(answer):
    """What the ERP says it was told: names in lower case, each with all its values."""
    headers = {}
    for name, value in answer["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    return headers


def assert_origin(headers):
    assert headers["x-forwarded-for"] == [f"{CLIENT}, 127.0.0.1"]  # the client, then the proxy
    assert headers["x-forwarded-proto"] == ["https"]
    assert headers["x-forwarded-host"] == headers["host"] == [HOST]
    assert headers["forwarded"] == [f'for={CLIENT};proto=https;host="{HOST}", for=127.0.0.1']
    assert "x-real-ip" not in headers


def test_the_erp_and_the_log_see_the_client_and_not_the_proxy(client, gateway, token):
    headers = told(client.get("/whoami", bearer(token)).json)

    assert_origin(headers)
    assert headers["x-auth-user"] == ["me"]
    assert gateway.logged("/whoami")["client"] == CLIENT


def test_what_a_client_claims_about_itself_never_arrives(client, gateway, token):
    headers = told(client.get("/whoami", *SPOOFS, ("X-Auth-User", "admin"), bearer(token)).json)

    assert_origin(headers)
    assert headers["x-auth-user"] == ["me"]
    assert not {entry["client"] for entry in gateway.access_log()} - {CLIENT}


def test_the_token_is_issued_in_the_name_of_the_public_address(client):
    me = client.post("/auth/login", {"username": "me", "password": "change-me"})

    assert me.status == 200
    assert client.get("/whoami").status == 401


def test_a_large_upload_passes(client, token):
    answer = client.ask("POST", "/upload", [bearer(token)], bytes(48 * MIB))

    assert (answer.status, answer.json) == (200, {"bytes": 48 * MIB})


def test_a_large_download_passes(client, token):
    answer = client.get(f"/download?bytes={48 * MIB}", bearer(token))

    assert (answer.status, len(answer.body)) == (200, 48 * MIB)


def test_an_event_arrives_before_the_next_one_is_sent(client, token):
    """The second event is a minute away: what is read here was passed on at once."""
    with client.connect() as conversation:
        conversation.send(
            f"GET /stream?count=2&interval=60 HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        seen = b""
        while b"tick 1" not in seen:
            block = conversation.socket.recv(65536)
            assert block, seen
            seen += block

    assert seen.startswith(b"HTTP/1.1 200")
    assert b"tick 2" not in seen


async def test_a_websocket_passes_both_ways(front, token):
    async with websockets.connect(
        f"wss://{HOST}/ws",
        host="127.0.0.1",
        port=front.port,
        local_addr=(CLIENT, 0),
        ssl=front.context,
        additional_headers=[bearer(token)],
    ) as socket:
        for message in ("hello", b"\x00" * 100_000, "é" * 70_000):
            await socket.send(message)
            assert await socket.recv() == message


def curl(front, *words):
    command = ["curl", "-sS", "--cacert", front.directory / "ca.pem", "--interface", CLIENT, "--max-time", "60"]
    command += ["--resolve", f"{HOST}:{front.port}:127.0.0.1", "-H", f"Host: {HOST}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_http_2_is_spoken(front, token):
    shown = curl(
        front, "--http2", "-w", "\n%{http_version}", "-H", f"Authorization: Bearer {token}",
        f"https://{HOST}:{front.port}/whoami",
    )  # fmt: skip
    body, _, version = shown.rpartition("\n")

    assert version == "2"
    assert_origin(told(json.loads(body)))


@pytest.mark.parametrize("kind", ["caddy", "envoy"])
def test_http_3_is_spoken(kind, gateway, tmp_path):
    """By those that come with it here; Debian's nginx and HAProxy are built without."""
    front = started(kind, tmp_path, gateway.port, gateway.admin_port)
    try:
        login = TlsClient(front).post("/auth/login", {"username": "me", "password": "change-me"}).json
        headers = [word for pair in (*SPOOFS, bearer(login["access_token"])) for word in pair]
        client = ROOT / "tests" / "fakes" / "http3_client.py"
        shown = said("python", client, CLIENT, front.port, HOST, "/whoami", tmp_path / "ca.pem", *headers)
    finally:
        front.stop()
    status, _, body = shown.partition("\n")

    assert status == "200"
    assert_origin(told(json.loads(body)))


def test_plain_http_is_sent_to_https(front):
    answer = PlainClient(front.plain_port, host=HOST).get("/public/ping")

    assert answer.status in {301, 302, 308}
    assert answer.one("Location").startswith(f"https://{HOST}")


def test_the_path_is_judged_by_the_gateway_as_the_client_wrote_it(client, upstream, token):
    """A proxy that decodes or merges would turn what the gateway refuses into something it has not seen."""
    for target in ("/a%2Fb", "/a//b", "/a;b=1"):
        answer = client.get(target, bearer(token))

        assert (answer.status, answer.json["error"]) == (400, "invalid_request"), target
    assert client.get("/who%61mi?x=%2F", bearer(token)).status == 200
    assert upstream.requests[-1] == ("GET", "/whoami?x=%2F")


def written(front, path):
    """The proxy's log once it has a line about this path."""
    until = time.monotonic() + 60
    while path not in front.logs:
        assert time.monotonic() < until, front.logs[-3000:]
        time.sleep(0.05)
    return front.logs


def test_a_url_token_is_in_no_log(front, client, gateway, token):
    assert (
        client.get(
            f"/whoami?marked=1&access_token={token}", ("Referer", f"https://{HOST}/?access_token={token}")
        ).status
        == 200
    )
    assert client.get("/customers/1", bearer(token), ("X-API-Key", "a-key-that-is-wrong")).status == 400

    logs = written(front, "customers")

    assert "whoami" in logs
    assert CLIENT in logs
    for secret in (token, "access_token=", "a-key-that-is-wrong", "marked=1", "change-me"):
        assert secret not in logs
        assert secret not in gateway.stdout + gateway.stderr


@pytest.mark.parametrize("kind", FRONTS)
def test_nor_when_the_gateway_does_not_answer(kind, tmp_path):
    """Then it is the proxy's own messages that must not quote the request."""
    front = started(kind, tmp_path, free_port(), free_port(), ready=False)
    try:
        answer = TlsClient(front).get("/marked?access_token=a-secret", ("X-API-Key", "a-secret"), bearer("a-secret"))
        logs = written(front, "marked")
    finally:
        front.stop()

    assert answer.status in {502, 503}
    assert "a-secret" not in logs
    assert "access_token=" not in logs
