"""The helper that nginx asks by auth_request: looks up the SHA-256 of the Bearer token in Redis."""

import hashlib
import sys

import uvloop
from aiohttp import web
from redis.asyncio import Redis


def main(port: int, redis_port: int) -> None:
    redis = Redis(host="127.0.0.1", port=redis_port)

    async def decide(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        user = await redis.get("bench:" + hashlib.sha256(token.encode()).hexdigest())
        return web.Response(status=401) if user is None else web.Response(headers={"X-Auth-User": user.decode()})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", decide)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
