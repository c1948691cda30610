import click
import pytest
from click.testing import CliRunner

from gateway.cli.options import Refused, or_refuse, set_option
from gateway.config.problems import ConfigRefused, Problem


def raising(error):
    def work():
        raise error

    return work


def test_what_succeeds_is_handed_on():
    assert or_refuse(lambda: 7, (OSError,)) == 7


def test_a_refused_configuration_is_its_problems_and_their_number():
    problems = [Problem("config.yaml", 1, 2, "routes", "is an empty list"), Problem("config.yaml", 3, 4, "", "no")]

    with pytest.raises(Refused) as refused:
        or_refuse(raising(ConfigRefused(problems)), ())
    assert refused.value.message.splitlines() == [
        "config.yaml:1:2: routes: is an empty list",
        "config.yaml:3:4: no",
        "2 problems",
    ]
    assert refused.value.exit_code == 1


def test_a_named_failure_is_one_line_and_any_other_a_traceback():
    with pytest.raises(Refused, match=r"gateway: .*Address already in use"):
        or_refuse(raising(OSError(98, "Address already in use")), (OSError,))
    with pytest.raises(RuntimeError):
        or_refuse(raising(RuntimeError("a defect")), (OSError,))


def test_settings_are_read_as_pairs_and_only_the_first_equals_sign_splits():
    found = []

    @click.command()
    @set_option
    def command(overrides):
        found.append(overrides)

    assert CliRunner().invoke(command, ["--set", "admin.token=a=b", "--set", "admin.hosts="]).exit_code == 0
    assert found == [{"admin.token": "a=b", "admin.hosts": ""}]
    assert CliRunner().invoke(command, ["--set", "=x"]).exit_code == 2
