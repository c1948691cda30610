"""Commands that ask the running gateway through its admin API: explain, sessions, reload."""

import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from gateway.admin.client import TIMEOUT_SECONDS, AdminRefused, AdminUnreachable, client_for
from gateway.admin.explained import spell
from gateway.cli.options import Refused, config_option, or_refuse

_FAILURES = (AdminUnreachable, AdminRefused)
RESTART_SECONDS = 600.0
"""One worker is started after the other: a second or two for each, on a machine with hundreds of cores minutes."""
_MANY = ({"user"}, {"user", "provider"}, {"provider", "user_id"}, {"tenant"}, {"all"})
"""What names many sessions, and nothing besides."""


def ask(
    path: Path,
    method: str,
    address: str,
    body: Any = None,
    *,
    accept: tuple[int, ...] = (),
    seconds: float = TIMEOUT_SECONDS,
) -> Any:
    """What the running gateway answers; a failure ends the command."""
    return or_refuse(lambda: client_for(path, os.environ, seconds).ask(method, address, body, accept=accept), _FAILURES)


def _read_headers(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[list[str]]:
    headers = []
    for value in values:
        name, colon, text = value.partition(":")
        if not name or not colon:
            raise click.BadParameter(f"{value!r} is not 'Name: value'")
        headers.append([name, text.strip()])
    return headers


@click.command()
@config_option
@click.option(
    "-H",
    "--header",
    "headers",
    multiple=True,
    metavar="'Name: value'",
    callback=_read_headers,
    help="A header that the request has. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.argument("method")
@click.argument("target")
def explain(path: Path, headers: list[list[str]], method: str, target: str, *, as_json: bool) -> None:
    """Ask what would become of a request, and why. Nothing is sent to an ERP.

    TARGET is the path with its query, as in: gateway explain GET '/products/1?view=full' -H 'X-API-Key: …'
    """
    body = {"method": method, "target": target, "headers": headers}
    found = ask(path, "POST", "/api/v1/explain", body)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(_spell_explanation(found)))


def _spell_explanation(found: dict[str, Any]) -> list[str]:
    lines = spell(found)
    width = max(len(part) for part, _ in lines)
    return [f"{part:{width}}  {said}" for part, said in lines]


@click.command()
@config_option
@click.option("--restart", is_flag=True, help="Then replace every worker by a new one, without losing a request.")
def reload(path: Path, *, restart: bool) -> None:
    """Have the running gateway load its configuration file again, now."""
    report = ask(path, "POST", "/api/v1/reload", accept=(422,))
    if not report["accepted"]:
        raise Refused([*report["problems"], "the old configuration stays in force"])
    for change in report["changes"]:
        click.echo(change)
    click.echo("the new configuration is in force" if report["changes"] else "reloaded; nothing is different")
    if report["needs_restart"]:
        click.echo(f"these keys wait for a restart: {', '.join(report['needs_restart'])}", err=True)
    for problem in report["problems"]:
        click.echo(problem, err=True)
    if restart:
        _restart(path)


def _restart(path: Path) -> None:
    report = ask(path, "POST", "/api/v1/restart", accept=(409,), seconds=RESTART_SECONDS)
    if not report["done"]:
        raise Refused([f"gateway: not restarted: {report['problem']}"])
    click.echo(f"{report['workers']} workers were replaced")


@click.group()
def sessions() -> None:
    """List and end sessions."""


@sessions.command(name="list")
@config_option
@click.option("--provider", required=True, help="The identity provider that knows the user.")
@click.option("--user-id", required=True, help="The user's id there.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def list_sessions(path: Path, provider: str, user_id: str, *, as_json: bool) -> None:
    """List the live sessions of one user."""
    query = urlencode({"provider": provider, "user_id": user_id})
    found = ask(path, "GET", f"/api/v1/sessions?{query}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for session in found["sessions"]:
        ends = moment(session["expires"]) if session["expires"] else "never"
        tenant = f"  tenant {session['tenant']}" if session["tenant"] else ""
        since = moment(session["created"])
        click.echo(f"{session['id']}  {session['user']}  login {session['login']}{tenant}  since {since}  ends {ends}")
    if not found["sessions"]:
        click.echo("no sessions", err=True)


@sessions.command(name="revoke")
@config_option
@click.argument("session_id", required=False, metavar="[ID]")
@click.option("--user", help="All sessions of the user who logs in by this name, or has this id.")
@click.option("--provider", help="The user's identity provider; with --user only where there are several.")
@click.option("--user-id", help="With --provider: all sessions of a user, by the id alone.")
@click.option("--tenant", help="All sessions in a tenant.")
@click.option("--all", "everything", is_flag=True, help="Every session there is.")
def revoke_sessions(path: Path, session_id: str | None, **which: Any) -> None:
    """End one session by its id, or many at once. Their tokens are dead on every worker at once."""
    given = {"all" if key == "everything" else key: value for key, value in which.items() if value}
    if session_id and not given:
        ask(path, "DELETE", f"/api/v1/sessions/{quote(session_id, safe='')}")
    elif not session_id and set(given) in _MANY:
        ask(path, "POST", "/api/v1/sessions/revoke", given)
    else:
        raise click.UsageError("name one of: an ID, --user, --provider with --user-id, --tenant, --all")
    click.echo("revoked")


def moment(seconds: float) -> str:
    """Seconds since the epoch, for a person."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
