"""A WebSocket through the gateway: same decision, then a tunnel that ends with the session."""

import asyncio

import pytest
import websockets
from fakes.demo_upstream import demo_behind
from fakes.log_lines import line_with
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD, SCANNER_KEY
from websockets.exceptions import ConnectionClosed, InvalidStatus

CONFIG = """\
logs: {{access: ./access.log, audit: ./audit.log}}
{logins}
upstreams:
  demo: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: live, path: /ws, upstream: demo, credentials: [bearer, api_key, access_token]}}
  - {{name: images, path: /**, upstream: demo, anonymous: ["/whoami"]}}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with demo_behind(tmp_path_factory.mktemp("websockets"), CONFIG) as gateway:
        yield gateway


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


@pytest.fixture
def login(client):
    return lambda path="auth": client.post(f"/{path}/login", {"username": "ada", "password": PASSWORD}).json


def connect(gateway, *headers, query=""):
    return websockets.connect(
        f"ws://127.0.0.1:{gateway.port}/ws{query}", additional_headers=list(headers), close_timeout=1
    )


@pytest.mark.parametrize("as_url_token", [False, True])
async def test_messages_go_both_ways(gateway, login, as_url_token):
    token = login()["access_token"]
    query, headers = (f"?access_token={token}", []) if as_url_token else ("", [bearer(token)])

    async with connect(gateway, *headers, query=query) as socket:
        for message in ("hello", b"\x00" * 100_000, "", "é" * 70_000):
            await socket.send(message)
            assert await socket.recv() == message


async def test_without_a_credential_there_is_no_tunnel(gateway):
    for headers in ([], [bearer("nonsense")]):
        with pytest.raises(InvalidStatus, match="401"):
            await connect(gateway, *headers)


async def test_it_closes_at_logout(gateway, client, login):
    token = login()["access_token"]
    async with connect(gateway, bearer(token)) as socket, connect(gateway, bearer(login()["access_token"])) as other:
        await socket.send("x")
        await socket.recv()

        client.post("/auth/logout", None, bearer(token))

        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 60)
        assert closed.value.rcvd.code == 1008
        await other.send("still here")
        assert await other.recv() == "still here"


async def test_it_closes_when_the_token_expires(gateway, login):
    async with connect(gateway, bearer(login("brief")["access_token"])) as socket:
        await socket.send("x")
        assert await socket.recv() == "x"

        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 60)
        assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_gateway_that_stops_says_so_once_its_drain_time_is_over(tmp_path, workers):
    server = f"server: {{{{workers: {workers}, public_url: 'http://erp.example', timeouts: {{{{drain: 1s}}}}}}}}\n"
    with demo_behind(tmp_path, server + CONFIG) as gateway:
        async with connect(gateway, ("X-API-Key", SCANNER_KEY)) as socket:
            await socket.send("x")
            assert await socket.recv() == "x"
            await asyncio.to_thread(gateway.stop)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 60)
        assert closed.value.rcvd.code == 1001


async def test_one_opened_with_a_key_stays(gateway):
    async with connect(gateway, ("X-API-Key", SCANNER_KEY)) as socket:
        await socket.send("x")
        assert await socket.recv() == "x"


async def test_the_exchange_is_logged_once_when_it_ends(gateway, login):
    async with connect(gateway, bearer(login()["access_token"]), ("X-Request-Id", "tunnel-1")) as socket:
        await socket.send("12345")
        await socket.recv()

    assert '"status":101' in await asyncio.to_thread(line_with, gateway.directory / "access.log", "tunnel-1")


async def test_an_upgrade_to_something_else_is_an_ordinary_request(gateway, client):
    h2c = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")]

    answer = client.get("/whoami", *h2c)

    assert answer.status == 200
    assert not {"upgrade", "http2-settings"} & {name.lower() for name, _ in answer.json["headers"]}
