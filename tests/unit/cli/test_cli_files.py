import json

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from gateway import __version__
from gateway.cli import cli

GOOD = """\
upstreams: {erp: {servers: ["http://127.0.0.1:8069"]}}
routes: [{name: all, path: /**, upstream: erp, public: true}]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `gateway …` in an empty directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("GATEWAY_CONFIG", "GATEWAY_ADMIN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words, **options: CliRunner().invoke(cli, words, **options)


@pytest.fixture
def write(tmp_path):
    def write(text, name="config.yaml"):
        (tmp_path / name).write_text(text)
        return name

    return write


def test_a_valid_file_is_said_to_be_so(run, write):
    write(GOOD)
    result = run("check")

    assert result.exit_code == 0
    assert result.stdout == "config.yaml is valid: 1 route, 1 upstream, 0 logins, 0 warnings\n"


def test_every_problem_is_printed_with_line_and_column(run, write):
    write(GOOD.replace("upstream: erp", "upstream: epr") + "serverr: {}\n")
    result = run("check")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert 'config.yaml:2:43: routes[0].upstream: no upstream named "epr"; did you mean "erp"?' in result.stderr
    assert "config.yaml:3:1: serverr: " in result.stderr
    assert result.stderr.endswith("2 problems\n")


def test_a_missing_file_is_one_problem(run):
    result = run("check", "-c", "nowhere.yaml")

    assert result.exit_code == 1
    assert result.stderr == "nowhere.yaml: cannot be read: No such file or directory\n1 problem\n"


def test_warnings_do_not_refuse_unless_asked_to(run, write):
    write(GOOD + "server: {listen: '0.0.0.0:8080'}\n")
    lenient, strict = run("check"), run("check", "--strict")

    assert lenient.exit_code == 0
    assert "config.yaml:3:18: warning: server.listen: " in lenient.stderr
    assert "2 warnings" in lenient.stdout
    assert strict.exit_code == 1


def test_the_file_is_named_by_option_or_environment(run, write):
    write(GOOD, "other.yaml")

    assert run("check", "--config", "other.yaml").exit_code == 0
    assert run("check", env={"GATEWAY_CONFIG": "other.yaml"}).exit_code == 0


def test_values_can_be_overridden_and_the_overrides_are_checked(run, write):
    write(GOOD)

    assert run("check", "--set", "server.listen=127.0.0.1:9090").exit_code == 0
    refused = run("check", "--set", "server.listen=nonsense")
    assert refused.exit_code == 1
    assert "server.listen: must be host:port" in refused.stderr
    assert run("check", "--set", "server.listen").exit_code == 2


@pytest.mark.parametrize(
    "words", [["nonsense"], ["check", "--nonsense"], ["diff", "one"], ["explain"], ["sessions", "list"]]
)
def test_wrong_usage_is_exit_code_2(run, words):
    assert run(*words).exit_code == 2


def test_what_differs_is_printed_and_what_needs_a_restart(run, write):
    write(GOOD, "old.yaml")
    write(GOOD.replace("8069", "8070") + "store: {timeout: 1s}\n", "new.yaml")
    result = run("diff", "old.yaml", "new.yaml")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "~ store.timeout: 2s -> 1s   (needs a restart)",
        "~ upstreams.erp.servers: [http://127.0.0.1:8069] -> [http://127.0.0.1:8070]",
    ]


def test_comments_and_order_are_no_differences(run, write):
    write(GOOD, "old.yaml")
    write("# a comment\n" + "\n".join(reversed(GOOD.splitlines())) + "\n", "new.yaml")

    assert run("diff", "old.yaml", "new.yaml").stdout == "no differences\n"


def test_a_broken_file_has_no_differences_but_problems(run, write):
    write(GOOD, "old.yaml")
    write("", "new.yaml")
    result = run("diff", "old.yaml", "new.yaml")

    assert result.exit_code == 1
    assert result.stderr.startswith("new.yaml:1:1: is empty")


def test_the_schema_is_json_schema(run):
    result = run("schema")

    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "routes" in schema["properties"]
    assert '"enum": ["native", "oauth2"' in json.dumps(schema["$defs"]["LoginConfig"])
    assert '"enum": ["users", "odoo"' in json.dumps(schema["$defs"]["IdentityProviderConfig"])


@pytest.mark.parametrize("line", ["correct horse\n", "correct horse\r\n", "correct horse"])
def test_a_password_from_standard_input_is_hashed(run, line):
    result = run("hash-password", input=line)

    assert result.exit_code == 0
    assert result.stdout.startswith("$argon2id$v=19$")
    assert PasswordHasher().verify(result.stdout.strip(), "correct horse")


def test_an_empty_password_is_refused(run):
    result = run("hash-password", input="\n")

    assert result.exit_code == 1
    assert result.stdout == ""


def test_a_password_that_is_no_utf_8_is_refused(run):
    result = run("hash-password", input=b"caf\xe9\n")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "gateway: the password is not UTF-8 text\n"


def test_the_version_is_printed(run):
    assert run("version").stdout == run("--version").stdout == f"gateway {__version__}\n"


def test_help_lists_the_commands_in_the_order_they_are_met(run):
    help_text = run("-h").stdout

    commands = [line.split()[0] for line in help_text.split("Commands:\n")[1].splitlines() if line.startswith("  ")]
    assert [command for command in commands if command.isascii()][:4] == ["run", "demo", "check", "explain"]
