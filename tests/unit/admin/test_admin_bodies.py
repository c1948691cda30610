import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.admin.bodies import read_body

HEAD = b"POST / HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nContent-Length: 8\r\n\r\n"


@pytest.fixture
async def ask():
    """Sends bytes to a handler that gives back the body; the answer, once the connection is closed."""

    async def give_back(request):
        return web.Response(body=await read_body(request, seconds=0.2))

    app = web.Application()
    app.router.add_post("/", give_back)
    server = TestServer(app)
    await server.start_server(lingering_time=0)

    async def ask(sent):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(sent)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    yield ask
    await server.close()


async def test_a_body_is_read_to_its_end(ask):
    assert (await ask(HEAD + b"one two.")).endswith(b"\r\n\r\none two.")


async def test_a_body_that_does_not_end_is_a_request_timeout(ask):
    assert (await ask(HEAD + b"one")).startswith(b"HTTP/1.1 408 ")
