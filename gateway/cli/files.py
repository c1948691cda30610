"""Commands about configuration files and what is written in them: check, diff, schema, hash-password."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli.options import Refused, config_option, load_or_refuse, or_refuse, set_option
from gateway.config.diff import changes
from gateway.config.problems import Mark, Problem


@click.command()
@config_option
@set_option
@click.option("--strict", is_flag=True, help="Warnings refuse the file, too.")
def check(path: Path, overrides: Mapping[str, str], *, strict: bool) -> None:
    """Check the configuration; print every problem with its line and column."""
    loaded = load_or_refuse(path, overrides)
    from gateway.assembly.rehearsal import rehearse  # noqa: PLC0415 - loads the whole data path, once the file is sound

    or_refuse(lambda: rehearse(loaded), ())
    for warning in loaded.warnings:
        click.echo(_spell_warning(warning), err=True)
    if strict and loaded.warnings:
        raise Refused([f"{_counted(len(loaded.warnings), 'warning')}, and --strict"])
    config = loaded.config
    parts = {"route": config.routes, "upstream": config.upstreams, "login": config.logins, "warning": loaded.warnings}
    click.echo(f"{path} is valid: {', '.join(_counted(len(items), name) for name, items in parts.items())}")


def _spell_warning(warning: Problem) -> str:
    where = f"{warning.where}: " if warning.where else ""
    return f"{Mark(warning.file, warning.line, warning.column)}: warning: {where}{warning.message}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def diff(old: Path, new: Path) -> None:
    """Print what differs in meaning between two configurations, and which of it needs a restart."""
    found = changes(load_or_refuse(old, {}).config, load_or_refuse(new, {}).config)
    for change in found:
        click.echo(f"{change}{'   (needs a restart)' if change.needs_restart else ''}")
    if not found:
        click.echo("no differences")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from gateway.config.json_schema import json_schema  # noqa: PLC0415 - reads all variants' options
    from gateway.dialects import DIALECTS  # noqa: PLC0415 - loads all dialects
    from gateway.identity_providers import PROVIDERS  # noqa: PLC0415 - loads all identity providers

    click.echo(json.dumps(json_schema(DIALECTS, PROVIDERS), indent=2))


@click.command(name="hash-password")
def hash_password() -> None:
    """Print the argon2id hash of a password, asked for or read from standard input."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - 30 ms that no other command needs

    try:
        password = _read_password().encode()
    except UnicodeError:  # on reading or now, as the locale has it
        raise Refused(["gateway: the password is not UTF-8 text"]) from None
    if not password:
        raise Refused(["gateway: the password is empty"])
    click.echo(PasswordHasher().hash(password))


def _read_password() -> str:
    """One line; what is typed is asked for twice and not shown."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
