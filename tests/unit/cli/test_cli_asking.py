import json

import pytest
from click.testing import CliRunner
from fakes.admin import TOKEN

from gateway.admin.control import Explanation, RestartReport, Step
from gateway.cli import cli
from gateway.reload import ReloadReport


async def test_a_reload_prints_what_changed(run, admin):
    admin.gateway.report = ReloadReport(accepted=True, at=1.0, changes=("~ a: 1 -> 2",), needs_restart=("store.url",))
    result = await run("reload")

    assert result.exit_code == 0
    assert result.stdout == "~ a: 1 -> 2\nthe new configuration is in force\n"
    assert "store.url" in result.stderr


async def test_a_reload_without_changes_says_so(run, admin):
    admin.gateway.report = ReloadReport(accepted=True, at=1.0)

    assert (await run("reload")).stdout == "reloaded; nothing is different\n"


async def test_a_reload_can_replace_the_workers_too(run, admin):
    result = await run("reload", "--restart")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "2 workers were replaced"


async def test_a_restart_that_was_given_up_is_exit_code_1(run, admin):
    admin.gateway.restarted = RestartReport(done=False, workers=2, problem="no memory")

    result = await run("reload", "--restart")

    assert result.exit_code == 1
    assert result.stderr == "gateway: not restarted: no memory\n"


async def test_a_worker_that_did_not_take_the_configuration_is_told(run, admin):
    admin.gateway.report = ReloadReport(accepted=True, at=1.0, problems=("worker 2 did not",))

    result = await run("reload")

    assert (result.exit_code, result.stderr) == (0, "worker 2 did not\n")


async def test_a_refused_reload_prints_the_problems_and_is_exit_code_1(run, admin):
    admin.gateway.report = ReloadReport(accepted=False, at=1.0, problems=("config.yaml:1:1: is empty",))
    result = await run("reload")

    assert result.exit_code == 1
    assert result.stderr == "config.yaml:1:1: is empty\nthe old configuration stays in force\n"


async def test_an_explanation_is_a_step_per_line(run, admin):
    async def explain(*_):
        steps = (Step("path", "/x is canonical"), Step("route", "orders is the first match"))
        return Explanation("forward", 0, "orders", "odoo", {"user": "GardenAdmin", "tenant": ""}, steps)

    admin.gateway.explain = explain
    result = await run("explain", "GET", "/x?a=1", "-H", "X-API-Key: abc")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "path      /x is canonical",
        "route     orders is the first match",
        "identity  user GardenAdmin",
        "outcome   forwarded to odoo by route orders",
    ]


@pytest.mark.parametrize(
    ("explanation", "outcome"),
    [
        (Explanation("refuse", status=404), "refused with 404"),
        (Explanation("endpoint"), "answered by the gateway itself"),
    ],
)
async def test_other_outcomes_have_their_own_words(run, admin, explanation, outcome):
    async def explain(*_):
        return explanation

    admin.gateway.explain = explain

    assert (await run("explain", "GET", "/x")).stdout == f"outcome  {outcome}\n"


async def test_explain_sends_the_request_as_described(run, admin):
    result = await run("explain", "GET", "/x?a=1", "-H", "X-A: 1", "-H", "X-A:2", "--json")

    assert admin.gateway.explained == [("GET", "/x?a=1", [("X-A", "1"), ("X-A", "2")])]
    assert json.loads(result.stdout)["outcome"] == "forward"


async def test_a_header_without_a_colon_is_wrong_usage(run):
    assert (await run("explain", "GET", "/", "-H", "nonsense")).exit_code == 2


async def test_sessions_are_listed(run, admin):
    plain = await run("sessions", "list", "--provider", "staff", "--user-id", "101")
    as_json = await run("sessions", "list", "--provider", "staff", "--user-id", "101", "--json")
    nobody = await run("sessions", "list", "--provider", "staff", "--user-id", "999")

    assert plain.stdout == "s1  GardenAdmin  login native  since 1970-01-01T00:00:01Z  ends never\n"
    assert json.loads(as_json.stdout)["sessions"][0]["id"] == "s1"
    assert (nobody.exit_code, nobody.stdout, nobody.stderr) == (0, "", "no sessions\n")


async def test_a_session_is_ended_by_its_id(run, admin):
    first, second = await run("sessions", "revoke", "s1"), await run("sessions", "revoke", "s1")

    assert (first.exit_code, first.stdout) == (0, "revoked\n")
    assert second.exit_code == 1
    assert "404" in second.stderr
    assert admin.gateway.live == {}


async def test_many_sessions_are_ended_by_user_or_tenant(run, admin):
    await run("sessions", "revoke", "--provider", "staff", "--user-id", "101")
    await run("sessions", "revoke", "--tenant", "GardenWorld")
    await run("sessions", "revoke", "--user", "GardenAdmin")
    await run("sessions", "revoke", "--user", "GardenAdmin", "--provider", "staff")

    assert admin.gateway.revoked == [("staff", "101"), "GardenWorld", ("GardenAdmin", ""), ("GardenAdmin", "staff")]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["s1", "--all"],
        ["--provider", "staff"],
        ["--tenant", "x", "--all"],
        ["--user-id", "1"],
        ["--user", "x", "--all"],
    ],
)
async def test_a_revocation_that_means_nothing_or_two_things_is_wrong_usage(run, admin, words):
    result = await run("sessions", "revoke", *words)

    assert result.exit_code == 2
    assert admin.gateway.revoked == []


async def test_a_gateway_that_is_not_there_is_exit_code_1(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(
        f"admin: {{listen: '127.0.0.1:1', token: {TOKEN}}}\n"
        "upstreams: {erp: {servers: ['http://127.0.0.1:8069']}}\n"
        "routes: [{path: /**, upstream: erp, public: true}]\n"
    )
    result = CliRunner().invoke(cli, ["reload", "-c", str(config)])

    assert result.exit_code == 1
    assert result.stderr == "gateway: no gateway answers on 127.0.0.1:1: Connection refused\n"


async def test_what_the_gateway_refused_is_not_checked_again_here(run, admin, tmp_path):
    """The command may lack the variables that the gateway's own unit file sets."""
    with (tmp_path / "config.yaml").open("a") as config:
        config.write("broken: ${NOT_SET_HERE}\n")
    admin.gateway.report = ReloadReport(accepted=False, at=1.0, problems=("config.yaml:4:1: broken: unknown key",))
    result = await run("reload")

    assert result.exit_code == 1
    assert result.stderr.endswith("the old configuration stays in force\n")
