import asyncio
import socket

import pytest

from gateway.admin.guard import Guard
from gateway.admin.listener import Listener, make_app


async def test_no_answer_names_the_software(admin):
    for path in ("/healthz", "/nothing", "/", "/metrics"):
        answer = await admin.ask("GET", path)

        assert "Server" not in answer.headers


async def test_people_are_asked_for_the_token_and_programs_are_told_in_json(admin):
    page = await admin.ask("GET", "/", token="")
    unknown = await admin.ask("GET", "/api/v1/nothing")

    assert (page.status, page.content_type, page.url.path) == (200, "text/html", "/sign-in")
    assert (unknown.status, (await unknown.json())["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GARBAGE<script>\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: <script>\r\n\r\n",
        b"\x16\x03\x01\x02\x00<script>\r\n\r\n",
    ],
)
async def test_bytes_that_are_not_http_are_not_reflected_nor_logged(admin, request_bytes, caplog):
    reader, writer = await asyncio.open_connection("127.0.0.1", admin.port)
    writer.write(request_bytes)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.split(b" ", 2)[1] == b"400"
    assert b"<script" not in answer
    assert b"Server:" not in answer
    assert b'"error":"invalid_request"' in answer
    assert caplog.records == []


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: "], ids=["nothing", "half a head"])
async def test_a_connection_without_a_whole_request_is_closed(admin, sent):
    """Else whoever reaches the listener could hold it shut for the probes: slow heads, as Slowloris sends them."""
    listener = Listener(make_app(admin.gateway, Guard("127.0.0.1:8081", [], "")), idle=0.2)
    port = await listener.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)

    assert await reader.read() == b""

    writer.close()
    await listener.stop()


async def test_a_port_in_use_is_an_os_error(admin):
    listener = Listener(make_app(admin.gateway, Guard("127.0.0.1:8081", [], "")))

    with pytest.raises(OSError, match="address already in use"):
        await listener.start("127.0.0.1", admin.port)
    await listener.stop()


async def test_a_socket_that_was_handed_over_is_listened_on(admin):
    with socket.create_server(("127.0.0.1", 0)) as handed:
        listener = Listener(make_app(admin.gateway, Guard("localhost:1", (), "")))

        port = await listener.start("127.0.0.1", 1, handed)

        assert port == handed.getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await listener.stop()


async def test_every_address_of_version_6_means_those_of_version_4_too(admin):
    """As it does for the public listener: asyncio alone would leave them out."""
    listener = Listener(make_app(admin.gateway, Guard("[::]:8081", (), "")))

    port = await listener.start("::", 0)

    for address in ("127.0.0.1", "::1"):
        _, writer = await asyncio.open_connection(address, port)
        writer.close()
        await writer.wait_closed()
    await listener.stop()


async def test_a_listener_that_never_started_can_be_stopped(admin):
    await Listener(make_app(admin.gateway, Guard("127.0.0.1:8081", [], ""))).stop()
