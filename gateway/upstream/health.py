"""Active health checks: a server is up while its probe answers with a status below 500."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from gateway.upstream.pool import Server

log = logging.getLogger(__name__)


class HealthChecks:
    """Probes the servers of one upstream, each on its own."""

    def __init__(self, upstream: str, path: str, interval: float, *, timeout: float) -> None:
        """`interval` and `timeout` in seconds."""
        self._upstream = upstream
        self._path = path
        self._interval = interval
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def watch(self, server: Server, changed: Callable[[], None] = lambda: None) -> None:
        """Probe for ever; `changed` is called after each change of mind."""
        async with aiohttp.ClientSession(timeout=self._timeout, auto_decompress=False) as client:
            while True:
                healthy = await self.probe(client, server)
                if healthy != server.healthy:
                    server.healthy = healthy
                    say = log.info if healthy else log.warning
                    state = "up" if healthy else "down"
                    say("upstream %s: server %s is %s", self._upstream, server.endpoint.origin, state)
                    changed()
                await asyncio.sleep(self._interval)

    async def probe(self, client: aiohttp.ClientSession, server: Server) -> bool:
        """Whether the server answers below 500. Redirects are answers, too."""
        endpoint = server.endpoint
        try:
            async with client.get(
                endpoint.origin + self._path,
                allow_redirects=False,
                ssl=endpoint.tls if endpoint.tls is not None else True,
                server_hostname=endpoint.server_name,
            ) as answer:
                return answer.status < 500
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
