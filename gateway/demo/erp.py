"""The demo ERP: a small, real upstream with customers, products, pictures, streams and a WebSocket."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.demo import streams
from gateway.demo.customers import Customers
from gateway.demo.pictures import picture

RequestLog = Callable[[str, str], None]
"""Called with the method and the raw target of each request, before it is answered."""

_PRODUCTS = tuple(
    {"id": number, "name": name, "price": price, "picture": f"/products/{number}.png"}
    for number, name, price in (
        (1, "Azalea Bush", 23.90),
        (2, "Holly Bush", 19.50),
        (3, "Garden Bench", 149.00),
        (4, "Patio Table", 229.00),
        (5, "Grass Seed 10 kg", 34.75),
        (6, "Rake", 12.20),
        (7, "Hoe", 14.40),
        (8, "Fertilizer 50 kg", 61.00),
    )
)


def make_app(log: RequestLog | None = None) -> web.Application:
    """The demo ERP with fresh data. It checks no credential: whoever asks is believed, as behind a gateway."""
    app = web.Application(middlewares=[_logging_to(log)] if log else [])
    app.add_routes(Customers().routes())
    app.add_routes(streams.routes())
    app.add_routes(
        [
            web.get("/products", _products),
            web.get(r"/products/{number:\d+}.png", _picture),
            web.get("/public/ping", _ping),
            web.route("*", "/whoami", _whoami),
        ]
    )
    return app


async def start_demo_erp(host: str, port: int, log: RequestLog | None = None) -> web.AppRunner:
    """Listen and return the runner: `runner.addresses` names the port, `await runner.cleanup()` ends it.

    Raises OSError if the port is in use.
    """
    runner = web.AppRunner(make_app(log), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def _logging_to(log: RequestLog) -> Middleware:
    @web.middleware
    async def write_down(request: web.Request, handler: Handler) -> web.StreamResponse:
        log(request.method, request.raw_path)
        return await handler(request)

    return write_down


async def _products(_: web.Request) -> web.Response:
    return web.json_response(_PRODUCTS)


async def _picture(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    if not 1 <= number <= len(_PRODUCTS):
        raise web.HTTPNotFound(text="no such picture\n")
    return web.Response(body=picture(number), content_type="image/png", headers={"Cache-Control": "public, max-age=60"})


async def _ping(_: web.Request) -> web.Response:
    return web.json_response({"ping": "pong"})


async def _whoami(request: web.Request) -> web.Response:
    """What this ERP was told about the caller: the identity headers, and all headers as they arrived."""
    identity = {name: value for name, value in request.headers.items() if name.lower().startswith("x-auth-")}
    return web.json_response({"identity": identity, "headers": list(request.headers.items())})
