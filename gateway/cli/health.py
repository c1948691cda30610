"""`gateway health`: what a container's health check or a script asks, with neither token nor write access."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gateway.admin.client import AdminRefused, AdminUnreachable, health_of
from gateway.cli.options import Refused, config_option, or_refuse


@click.command()
@config_option
@click.option("--live", is_flag=True, help="Ask only whether the process answers, whatever its store does.")
def health(path: Path, *, live: bool) -> None:
    """Ask the running gateway whether it can serve clients. Needs no token."""
    found = or_refuse(lambda: health_of(path, os.environ, live=live), (AdminUnreachable, AdminRefused))
    components = found.get("components", {})
    if found["status"] not in {"ok", "ready"}:
        raise Refused([f"gateway: not ready: {'; '.join(_wrong(components)) or found['status']}"])
    click.echo("; ".join((found["status"], *_remarks(components))))


def _wrong(components: dict[str, Any]) -> Iterator[str]:
    """What keeps clients out."""
    if components.get("store") == "down":
        yield "the store does not answer"
    if components.get("listening") is False:
        yield "clients cannot connect"
    if components.get("draining") is True:
        yield "it is draining"


def _remarks(components: dict[str, Any]) -> Iterator[str]:
    """What an operator should know although clients are served."""
    if components.get("config") == "stale":
        yield "the file on disk was refused, an earlier configuration is in force"
    for name, up in components.get("upstreams", {}).items():
        if re.match(r"0/[1-9]", str(up)):
            yield f"upstream {name}: {up}"
