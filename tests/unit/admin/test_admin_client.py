import asyncio
import socket

import pytest
from fakes.admin import TOKEN

from gateway.admin.client import TOKEN_FILE, AdminClient, AdminRefused, AdminUnreachable, client_for, health_of
from gateway.config.problems import ConfigRefused

ROUTES = """
upstreams: {erp: {servers: ["http://127.0.0.1:8069"]}}
routes: [{path: /**, upstream: erp, public: true}]
"""


def client_of(directory, text="", **environ):
    path = directory / "config.yaml"
    path.write_text(text + ROUTES)
    return client_for(path, environ)


async def ask(admin, *question, token=TOKEN, **options):
    client = AdminClient("127.0.0.1", admin.port, token)
    return await asyncio.to_thread(client.ask, *question, **options)


async def test_an_answer_is_read_as_json(admin):
    assert (await ask(admin, "POST", "/api/v1/reload"))["accepted"]


async def test_an_error_is_told_in_the_gateways_own_words(admin):
    with pytest.raises(AdminRefused, match="401: The admin API needs the admin token"):
        await ask(admin, "POST", "/api/v1/reload", token="wrong")
    with pytest.raises(AdminRefused, match="404"):
        await ask(admin, "DELETE", "/api/v1/sessions/none")
    assert (await ask(admin, "DELETE", "/api/v1/sessions/none", accept=(404,)))["error"] == "not_found"


async def test_nobody_there_is_told_with_the_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = AdminClient("127.0.0.1", port, TOKEN)

    with pytest.raises(AdminUnreachable, match=f"no gateway answers on 127.0.0.1:{port}: Connection refused"):
        await asyncio.to_thread(client.ask, "GET", "/api/v1/snapshot")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"SSH-2.0-x\r\n"])
async def test_something_else_there_is_told_too(answer):
    async def greet(_, writer):
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    client = AdminClient("127.0.0.1", server.sockets[0].getsockname()[1], TOKEN)

    with pytest.raises(AdminUnreachable):
        await asyncio.to_thread(client.ask, "GET", "/api/v1/snapshot")
    server.close()
    await server.wait_closed()


def test_the_token_comes_from_the_configuration(tmp_path):
    client = client_of(tmp_path, f"admin: {{listen: '0.0.0.0:9000', token: {TOKEN}}}")

    assert (client._host, client._port, client._token) == ("127.0.0.1", 9000, TOKEN)


def test_or_from_the_embedded_stores_directory(tmp_path):
    state = tmp_path / "data"
    state.mkdir()
    (state / TOKEN_FILE).write_text("made-at-first-start\n")
    (state / TOKEN_FILE).chmod(0o600)

    assert client_of(tmp_path, "store: {url: 'embedded://data'}")._token == "made-at-first-start"


def test_or_from_the_environment(tmp_path):
    assert client_of(tmp_path, GATEWAY_ADMIN_TOKEN=TOKEN)._token == TOKEN


def test_without_a_token_it_is_said_how_to_get_one(tmp_path):
    with pytest.raises(AdminUnreachable, match="has the gateway been started"):
        client_of(tmp_path)
    with pytest.raises(AdminUnreachable, match=r"set admin\.token"):
        client_of(tmp_path, "store: {url: 'redis://127.0.0.1'}")


def test_a_token_file_that_others_can_read_is_refused(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    (state / TOKEN_FILE).write_text("token\n")
    (state / TOKEN_FILE).chmod(0o644)

    with pytest.raises(AdminUnreachable, match="chmod 600"):
        client_of(tmp_path)


def test_a_file_that_is_faulty_elsewhere_still_leads_to_the_gateway(tmp_path):
    """It is the running gateway that says what is wrong with it, and that the old one stays in force."""
    client = client_of(tmp_path, f"admin: {{token: {TOKEN}}}\nnonsense: ${{NOT_SET_HERE}}\n")

    assert client._token == TOKEN


def test_a_fault_in_the_way_to_the_gateway_is_told(tmp_path):
    with pytest.raises(ConfigRefused) as refused:
        client_of(tmp_path, "admin: {listen: nonsense}\nnonsense: 1\n")

    assert [problem.where for problem in refused.value.problems] == ["admin.listen"]


async def test_health_is_asked_without_a_token_and_on_this_machine(admin, tmp_path):
    (tmp_path / "config.yaml").write_text(f"admin: {{listen: '0.0.0.0:{admin.port}'}}\n")
    admin.gateway.is_up = False

    found = await asyncio.to_thread(health_of, tmp_path / "config.yaml", {})

    assert (found["status"], found["components"]["store"]) == ("not ready", "down")
    assert await asyncio.to_thread(health_of, tmp_path / "config.yaml", {}, live=True) == {"status": "ok"}


async def test_health_of_something_else_is_no_health(tmp_path):
    async def greet(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (tmp_path / "config.yaml").write_text(f"admin: {{listen: '127.0.0.1:{port}'}}\n")
    with pytest.raises(AdminUnreachable, match="is not a gateway"):
        await asyncio.to_thread(health_of, tmp_path / "config.yaml", {})
    server.close()
