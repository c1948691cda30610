"""The demo ERP streams, sleeps, counts and echoes."""

import pytest
from aiohttp import WSMsgType

from gateway.demo.erp import make_app


@pytest.fixture
async def erp(aiohttp_client):
    return await aiohttp_client(make_app())


async def test_a_stream_is_chunked_text(erp):
    answer = await erp.get("/stream?count=3&interval=0")

    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.content_type == "text/plain"
    assert await answer.text() == "line 1\nline 2\nline 3\n"


async def test_a_stream_comes_as_server_sent_events_if_asked_for(erp):
    answer = await erp.get("/stream?count=2&interval=0", headers={"Accept": "text/event-stream"})

    assert answer.content_type == "text/event-stream"
    assert await answer.text() == "id: 1\ndata: tick 1\n\nid: 2\ndata: tick 2\n\n"


async def test_a_websocket_echoes_text_and_bytes(erp):
    async with erp.ws_connect("/ws") as socket:
        await socket.send_str("hello")
        await socket.send_bytes(b"\0\1")

        assert await socket.receive_str() == "hello"
        assert (await socket.receive()).type is WSMsgType.BINARY


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_an_upload_is_counted(erp, method):
    answer = await erp.request(method, "/upload", data=b"x" * 300_000)

    assert await answer.json() == {"bytes": 300_000}


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_001])
async def test_a_download_has_the_size_asked_for(erp, size):
    answer = await erp.get(f"/download?bytes={size}")

    assert answer.headers["Content-Length"] == str(size)
    assert len(await answer.read()) == size


async def test_a_slow_answer_says_how_long_it_slept(erp):
    answer = await erp.get("/slow?seconds=0")

    assert await answer.json() == {"slept": 0.0}


@pytest.mark.parametrize(
    "target", ["/slow?seconds=x", "/slow?seconds=nan", "/slow?seconds=-1", "/download?bytes=1e16", "/stream?count=inf"]
)
async def test_a_parameter_that_is_no_sensible_number_is_refused(erp, target):
    answer = await erp.get(target)

    assert answer.status == 400
