"""`gateway bans`: who may not log in for now, and who may again."""

import json
from pathlib import Path

import click

from gateway.cli.asking import ask, moment
from gateway.cli.options import config_option


@click.group()
def bans() -> None:
    """List and lift bans of those who typed wrong passwords."""


@bans.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def list_bans(path: Path, *, as_json: bool) -> None:
    """List all bans in force, the one that ends first coming first."""
    found = ask(path, "GET", "/api/v1/bans")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for ban in found["bans"]:
        who = f"{ban['provider']} user {ban['user_id'] or '(a name that nobody has logged in by)'}"
        banned = who if ban["scope"] == "account" else "everybody"
        click.echo(f"{ban['address']}  {banned}  until {moment(ban['until'])}")
    if not found["bans"]:
        click.echo("no bans", err=True)


@bans.command(name="lift")
@config_option
@click.option("--user", help="Of the user who logs in by this name, or has this id.")
@click.option("--provider", help="The user's identity provider; any where it is left out.")
@click.option("--address", help="From this address: with --user that one alone, without it of everybody there.")
@click.option("--all", "everything", is_flag=True, help="Every ban there is.")
def lift_bans(path: Path, *, user: str, provider: str, address: str, everything: bool) -> None:
    """Lift bans before their time. It counts on every gateway at once."""
    which = {key: value for key, value in (("user", user), ("provider", provider), ("address", address)) if value}
    if everything == bool(which) or which.keys() == {"provider"} or which.keys() == {"provider", "address"}:
        raise click.UsageError("name one of: --user, --address, both, --all")
    lifted = ask(path, "POST", "/api/v1/bans/lift", which or {"all": True})["lifted"]
    click.echo(f"{lifted} lifted" if lifted else "no such ban was in force")
