"""`/healthz`, `/readyz` and `/metrics`: what probes and Prometheus ask without a token."""

from aiohttp import web

from gateway import __version__
from gateway.admin.control import Control
from gateway.admin.replies import page, reply
from gateway.observe.exposition import render


def routes(control: Control) -> list[web.RouteDef]:
    """The three addresses, exact paths only."""

    async def healthz(_: web.Request) -> web.StreamResponse:
        """The process answers; nothing else is asked, so that a dead store never gets it killed."""
        return reply({"status": "ok"})

    async def readyz(_: web.Request) -> web.StreamResponse:
        health = await control.health()
        components = {
            "config": "stale" if health.config_stale else "ok",
            "store": "up" if health.store_up else "down",
            "listening": health.listening,
            "draining": health.draining,
            "upstreams": {name: f"{up}/{servers} up" for name, (up, servers) in health.upstreams.items()},
        }
        status = "ready" if health.is_ready else "not ready"
        return reply({"status": status, "components": components}, 200 if health.is_ready else 503)

    async def metrics(request: web.Request) -> web.StreamResponse:
        snapshot = await control.snapshot()
        return page(*render(dict(snapshot.metrics), __version__, request.headers.get("Accept", "")))

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
