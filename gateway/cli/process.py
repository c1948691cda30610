"""`gateway run` and `gateway demo`: the commands that stay."""

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli.options import config_option, or_refuse, set_option
from gateway.state.directory import StoreRefused

_FAILURES = (StoreRefused, OSError)


@click.command()
@config_option
@set_option
def run(path: Path, overrides: Mapping[str, str]) -> None:
    """Run the gateway."""
    from gateway.app.start import run as serve  # noqa: PLC0415 - loads the whole data path, which no other command needs

    or_refuse(lambda: serve(path, overrides), _FAILURES)


@click.command()
@set_option
def demo(overrides: Mapping[str, str]) -> None:
    """Run the gateway in front of a small demo ERP and print requests to try."""
    from gateway.app.demo import demo as serve  # noqa: PLC0415 - as above

    or_refuse(lambda: serve(overrides), _FAILURES)
