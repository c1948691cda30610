"""The first page, and the one that loads the configuration again."""

from collections.abc import Mapping
from typing import Any

from gateway.admin.console.visit import Page, Visit
from gateway.admin.control import Control
from gateway.admin.replies import Plain


def pages(control: Control) -> list[tuple[str, str, Page]]:
    """Overview and Reload."""

    async def show(visit: Visit) -> Plain:
        now = await control.snapshot()
        servers, workers = servers_of(now.metrics), workers_of(now.metrics)
        return visit.show("overview.html", now=now, feed_up=feed_is_up(now.metrics), servers=servers, workers=workers)

    async def ask(visit: Visit) -> Plain:
        return visit.show("reload.html", now=await control.snapshot())

    async def reload(visit: Visit) -> Plain:
        report = await control.reload()
        if not report.accepted:
            return visit.done(
                "/reload", "Refused. The old configuration stays in force:", *report.problems, failed=True
            )
        waiting = [f"{key} waits for a restart" for key in report.needs_restart]
        said = "The new configuration is in force." if report.changes else "Reloaded; nothing is different."
        # With several workers, one that could not take it says so in an accepted report.
        return visit.done("/reload", said, *report.changes, *waiting, *report.problems, failed=bool(report.problems))

    return [("GET", "/", show), ("GET", "/reload", ask), ("POST", "/reload", reload)]


def feed_is_up(metrics: Mapping[str, Any]) -> bool:
    """Revocations are known to arrive, at every worker."""
    return all(value for _, value in metrics["feed_up"])


def servers_of(metrics: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Upstream, server, and whether it takes requests: of every worker that serves."""
    return [(upstream, server, bool(up)) for (upstream, server), up in sorted(metrics["upstream_up"])]


def workers_of(metrics: Mapping[str, Any]) -> list[tuple[str, bool, int, int]]:
    """Number, whether it serves, connections, and how often it was replaced after a failure."""
    connections = {labels[0]: value for labels, value in metrics["worker_connections"]}
    restarts = {labels[0]: value for labels, value in metrics["worker_restarts_total"]}
    return [
        (number, bool(up), int(connections.get(number, 0)), int(restarts.get(number, 0)))
        for (number,), up in metrics["worker_up"]
    ]
