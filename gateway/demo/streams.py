"""The demo ERP's awkward answers: slow, streamed, large, and a WebSocket."""

import asyncio

from aiohttp import WSMsgType, web

_BLOCK = bytes(range(256)) * 256  # 64 KiB: one write, whatever the size asked for


def routes() -> list[web.RouteDef]:
    """What a proxy has to carry without keeping it."""
    return [
        web.get("/slow", slow),
        web.get("/stream", stream),
        web.get("/ws", websocket),
        web.get("/download", download),
        web.post("/upload", upload),
        web.put("/upload", upload),
    ]


async def slow(request: web.Request) -> web.Response:
    """Answers after `seconds` (default 1, at most 60)."""
    seconds = min(_number(request, "seconds", 1.0), 60.0)
    await asyncio.sleep(seconds)
    return web.json_response({"slept": seconds})


async def stream(request: web.Request) -> web.StreamResponse:
    """`count` pieces, one each `interval` seconds, chunked: server-sent events if asked for by Accept, else lines."""
    pieces, interval = min(int(_number(request, "count", 5)), 100_000), min(_number(request, "interval", 0.2), 60.0)
    events = "text/event-stream" in request.headers.get("Accept", "")
    answer = web.StreamResponse(headers={"Cache-Control": "no-store"})
    answer.content_type = "text/event-stream" if events else "text/plain"
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    for number in range(1, pieces + 1):
        await answer.write(b"id: %d\ndata: tick %d\n\n" % (number, number) if events else b"line %d\n" % number)
        await asyncio.sleep(interval)
    await answer.write_eof()
    return answer


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Sends every message back as it came."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def upload(request: web.Request) -> web.Response:
    """Counts the bytes of the body and forgets them."""
    received = 0
    async for block in request.content.iter_any():
        received += len(block)
    return web.json_response({"bytes": received})


async def download(request: web.Request) -> web.StreamResponse:
    """`bytes` of a repeating pattern (default 1 MiB), with Content-Length."""
    left = int(_number(request, "bytes", 1024 * 1024))
    answer = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    answer.content_length = left
    await answer.prepare(request)
    while left > 0:
        await answer.write(_BLOCK[:left])
        left -= len(_BLOCK)
    await answer.write_eof()
    return answer


def _number(request: web.Request, name: str, default: float) -> float:
    """A query parameter of at least 0; 400 for what is no number."""
    try:
        number = float(request.query.get(name, default))
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e15:
        raise web.HTTPBadRequest(text=f"{name} must be a number from 0\n")
    return number
