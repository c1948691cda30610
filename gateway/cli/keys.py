"""`gateway keys`: API keys that are made, listed and ended while the gateway runs."""

import json
import time
from pathlib import Path
from urllib.parse import quote

import click

from gateway.cli.asking import ask, moment
from gateway.cli.options import config_option
from gateway.config.values import read_end


def _read_end(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Seconds since the epoch, of a date, a time, or so long from now."""
    if value is None:
        return None
    try:
        return read_end(value, time.time())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def keys() -> None:
    """Make, list and end API keys. Those under api_keys in the configuration are not among them."""


@keys.command(name="create")
@config_option
@click.argument("key_id", metavar="ID")
@click.option("--user", required=True, help="The name that the ERP and the logs see; need not be listed.")
@click.option("--role", "roles", multiple=True, help="A role that the key has; may be repeated.")
@click.option("--scope", "scopes", multiple=True, help="A scope that the key has; may be repeated.")
@click.option(
    "--route", "routes", multiple=True, help="A route that it is limited to; may be repeated. All if left out."
)
@click.option("--expires", callback=_read_end, help="2027-01-01, 2027-01-01T08:00:00Z or 90d; never if left out.")
def create_key(path: Path, key_id: str, **wanted: object) -> None:
    """Make an API key and print it, this once: the gateway keeps only its hash."""
    click.echo(ask(path, "POST", "/api/v1/keys", {"id": key_id, **wanted}, accept=(201,))["key"])


@keys.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def list_keys(path: Path, *, as_json: bool) -> None:
    """List the keys that are live, the oldest first."""
    found = ask(path, "GET", "/api/v1/keys")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for key in found["keys"]:
        lists = "".join(f"  {name} {','.join(key[name])}" for name in ("roles", "scopes", "routes") if key[name])
        ends = moment(key["expires"]) if key["expires"] else "never"
        click.echo(f"{key['id']}  user {key['user']}{lists}  since {moment(key['created'])}  ends {ends}")
    if not found["keys"]:
        click.echo("no keys", err=True)


@keys.command(name="revoke")
@config_option
@click.argument("key_id", metavar="ID")
def revoke_key(path: Path, key_id: str) -> None:
    """End a key on every gateway at once. Its id is never used again."""
    ask(path, "DELETE", f"/api/v1/keys/{quote(key_id, safe='')}")
    click.echo("revoked")
