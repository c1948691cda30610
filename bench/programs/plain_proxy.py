"""A reverse proxy of aiohttp's server and client, as one would write it in an afternoon; bodies are streamed."""

import sys
from collections.abc import AsyncIterator

import uvloop
from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

HOP_BY_HOP = ("Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Connection")


def main(port: int, upstream: int) -> None:
    origin = f"http://127.0.0.1:{upstream}"

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = request.headers.copy()
        for name in HOP_BY_HOP:
            headers.popall(name, None)
        url = URL(origin + request.raw_path, encoded=True)
        data = request.content if request.body_exists else None
        async with session.request(request.method, url, headers=headers, data=data, allow_redirects=False) as answer:
            out = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name not in HOP_BY_HOP:
                    out.headers.add(name, value)
            await out.prepare(request)
            async for block in answer.content.iter_any():
                await out.write(block)
            await out.write_eof()
            return out

    async def client(_: web.Application) -> AsyncIterator[None]:
        nonlocal session
        connector = TCPConnector(limit=0)
        session = ClientSession(connector=connector, timeout=ClientTimeout(total=None), auto_decompress=False)
        yield
        await session.close()

    session: ClientSession
    app = web.Application(client_max_size=0)
    app.cleanup_ctx.append(client)
    app.router.add_route("*", "/{path:.*}", forward)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
