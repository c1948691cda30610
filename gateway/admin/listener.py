"""Starts and stops the admin listener."""

import asyncio
import socket
from typing import Any

from aiohttp import web

from gateway.admin.api import Api
from gateway.admin.console.console import Console
from gateway.admin.control import Control
from gateway.admin.guard import Guard
from gateway.admin.health import routes
from gateway.admin.replies import refusal

BODY_BYTES = 64 * 1024
STOP_SECONDS = 2.0
IDLE_SECONDS = 75.0
"""For a whole request head, and between two requests: longer than a scrape's interval of a minute."""
_EVERYWHERE = "::"
"""IPv4, too, as on the public listener; asyncio would leave that out."""


def make_app(control: Control, guard: Guard) -> web.Application:
    """The application: for programs in JSON, for people the console at `/`."""
    console = Console(control, guard)
    app = web.Application(middlewares=[guard.middleware, console.middleware], client_max_size=BODY_BYTES)
    app.add_routes([*routes(control), *Api(control).routes(), *console.routes()])
    return app


class _Connection(web.RequestHandler):
    """aiohttp's connection, except that bytes which are not HTTP get our answer and no log lines of their own.

    Stock aiohttp writes twelve lines at ERROR for each and sends the offending bytes back.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what the client sent
    ) -> web.StreamResponse:
        if request.writer is not None and request.writer.output_size > 0:
            raise ConnectionError("an answer is under way") from exc
        answer = refusal(status, "invalid_request", "The request is malformed.")
        answer.force_close()
        return answer


class Listener:
    """The admin listener: started once, stopped last, so that probes see the drain."""

    def __init__(self, app: web.Application, *, idle: float = IDLE_SECONDS) -> None:
        """`idle`: seconds for which a connection may stay without a whole request."""
        self._idle = idle
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, sock: socket.socket | None = None) -> int:
        """Listen, on a socket that was handed over if there is one; returns the port, which the system may have chosen.

        Raises OSError.
        """
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        manager = self._runner.server
        assert manager is not None
        settings: dict[str, Any] = {"access_log": None, "debug": False, "keepalive_timeout": self._idle}
        if sock is None and host == _EVERYWHERE:
            sock = socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=True)
        place: dict[str, Any] = {"host": host, "port": port} if sock is None else {"sock": sock}
        self._server = await loop.create_server(lambda: _Connection(manager, loop=loop, **settings), **place)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and close what is open."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
