"""The `gateway` command. Exit codes: 0 done, 1 refused, 2 wrong usage."""

import click

from gateway import __version__
from gateway.cli.asking import explain, reload, sessions
from gateway.cli.bans import bans
from gateway.cli.files import check, diff, hash_password, schema
from gateway.cli.health import health
from gateway.cli.keys import keys
from gateway.cli.process import demo, run


class InOrder(click.Group):
    """A group that lists its commands in the order they were added: the one in which an operator meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names for `--help`."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="gateway %(version)s")
def cli() -> None:
    """An authentication gateway in front of ERP APIs."""


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"gateway {__version__}")


for _command in (run, demo, check, explain, diff, schema, hash_password, keys, sessions, bans, reload, health, version):
    cli.add_command(_command)


def main() -> None:
    """The console script."""
    cli(prog_name="gateway")
