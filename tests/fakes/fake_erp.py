"""What all fake ERPs have in common: an aiohttp application in a thread of its own, which fails as it is told to."""

import asyncio
import threading
from collections import defaultdict, deque
from dataclasses import dataclass

from aiohttp import web

HUGE = b'{"result":"' + b"x" * (1024 * 1024) + b'"}'


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict
    body: bytes


async def hang(fake, request):
    """Until the fake is stopped."""
    await asyncio.to_thread(fake.released.wait)
    return web.Response(status=503)


async def late(fake, request):
    """As usual, once the test lets it go."""
    await asyncio.to_thread(fake.let_go.wait)
    return await fake.answer(request)


async def vanish(fake, request):
    request.transport.abort()
    return web.Response()


FAILURES = {
    "error": lambda fake, request: web.Response(status=500, text="oops"),
    "maintenance": lambda fake, request: web.Response(status=503, text="<h1>Be right back</h1>"),
    "vanish": vanish,
    "slow": hang,
    "late": late,
    "nonsense": lambda fake, request: web.Response(text="<html>welcome</html>", content_type="text/html"),
    "list": lambda fake, request: web.json_response([1, 2, 3]),
    "empty": lambda fake, request: web.Response(),
    "deep": lambda fake, request: web.Response(body=b"[" * 100_000, content_type="application/json"),
    "huge": lambda fake, request: web.Response(body=HUGE, content_type="application/json"),
    "zipped": lambda fake, request: web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
    "redirect": lambda fake, request: web.Response(status=302, headers={"Location": f"{fake.url}/elsewhere"}),
}
"""What may be scripted by name instead of an answer."""


class FakeErp:
    """`users` maps a name to a password; `script(path, …)` says what the next requests to a path come to."""

    def __init__(self, users=None):
        self.users = {"ada": "correct horse", "bob": "correct horse"} if users is None else users
        self.locked = set()
        self.asked = []
        self.released = threading.Event()
        self.let_go = threading.Event()
        self._scripts = defaultdict(deque)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(60)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def script(self, path, *answers):
        """Names of FAILURES, or functions of (fake, request), one for each of the next requests; None: as usual."""
        self._scripts[path].extend(answers)

    def asked_for(self, path):
        return [each for each in self.asked if each.path == path]

    def routes(self):
        """Paths and handlers (async functions of the request), by method."""
        raise NotImplementedError

    def stop(self):
        self.released.set()
        self.let_go.set()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _start(self):
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await self._site.start()
        return self._site._server.sockets[0].getsockname()[1]

    async def _end(self):
        for _ in range(10):  # a connection whose acceptance a closing server overtakes is never closed (Python 3.11)
            await asyncio.sleep(0.001)
        await self._runner.cleanup()
        for _ in range(10):
            await asyncio.sleep(0.001)

    async def _serve(self, request):
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.method, request.path, request.query_string, headers, body))
        scripted = self._scripts[request.path]
        if scripted and (what := scripted.popleft()) is not None:
            answer = (FAILURES.get(what) or what)(self, request) if isinstance(what, str) else what(self, request)
            return await answer if asyncio.iscoroutine(answer) else answer
        return await self.answer(request)

    async def answer(self, request):
        """What a request comes to where nothing is scripted."""
        handler = self.routes().get((request.method, request.path)) or self.routes().get(("*", request.path))
        if handler is None:
            return await self.resource(request)
        return await handler(request)

    async def resource(self, request):
        """Everything that is no login: needs a session."""
        raise NotImplementedError

    def knows(self, name, password):
        return name in self.users and self.users[name] == password
