"""Options and endings that several commands share."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import click

from gateway.config.document import Loaded
from gateway.config.load import load
from gateway.config.problems import ConfigRefused

R = TypeVar("R")

config_option = click.option(
    "-c",
    "--config",
    "path",
    default="config.yaml",
    envvar="GATEWAY_CONFIG",
    show_default=True,
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)


def _read_settings(_: click.Context, __: click.Parameter, settings: tuple[str, ...]) -> dict[str, str]:
    overrides = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{setting!r} is not KEY=VALUE")
        overrides[key] = value
    return overrides


set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_read_settings,
    help="Override one value of server, admin or store, as in server.listen=0.0.0.0:8080. May be repeated.",
)


class Refused(click.ClickException):
    """Ends the command with exit code 1 and these lines on standard error, as they are."""

    def __init__(self, lines: Iterable[str]) -> None:
        super().__init__("\n".join(lines))

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """Print them without a prefix, so that an editor can jump to `file:line:column`."""
        click.echo(self.message, err=True)


def load_or_refuse(path: Path, overrides: Mapping[str, str]) -> Loaded:
    """The configuration, or the end of the command with every problem."""
    return or_refuse(lambda: load(path, os.environ, overrides), ())


def or_refuse(work: Callable[[], R], failures: tuple[type[Exception], ...]) -> R:
    """What `work` returns. A refused configuration and the failures named end the command with what they say."""
    try:
        return work()
    except ConfigRefused as error:
        count = len(error.problems)
        raise Refused([*map(str, error.problems), f"{count} problem{'s' * (count > 1)}"]) from None
    except failures as error:
        raise Refused([f"gateway: {error}"]) from None
