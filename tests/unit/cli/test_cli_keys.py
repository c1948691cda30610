import json
import time

import pytest

from gateway.admin.control import KeyView


async def test_a_key_is_printed_once(run, admin):
    words = ["--user", "scanner", "--role", "a", "--role", "b", "--scope", "s", "--route", "orders"]
    result = await run("keys", "create", "k2", *words, "--expires", "2027-01-01")

    assert (result.exit_code, result.stdout) == (0, "gwk_k2_secret\n")
    assert admin.gateway.made[-1] == KeyView("k2", "scanner", ("a", "b"), ("s",), ("orders",), expires=1798761600.0)


async def test_its_end_may_be_told_from_now(run, admin):
    await run("keys", "create", "k2", "--user", "scanner", "--expires", "90d")

    assert abs(admin.gateway.made[-1].expires - time.time() - 90 * 86400) < 600


async def test_without_an_end_it_has_none(run, admin):
    await run("keys", "create", "k2", "--user", "scanner")

    assert admin.gateway.made[-1].expires is None


async def test_keys_are_listed(run):
    result = await run("keys", "list")

    line = "scanner-1  user scanner  roles warehouse  routes orders  since 1970-01-01T00:01:00Z  ends never\n"
    assert result.stdout == line
    assert json.loads((await run("keys", "list", "--json")).stdout)["keys"][0]["id"] == "scanner-1"


async def test_where_there_are_none_it_says_so(run, admin):
    admin.gateway.made = []

    assert (await run("keys", "list")).stderr == "no keys\n"


async def test_a_key_is_ended_or_it_is_said_that_there_is_none(run):
    assert (await run("keys", "revoke", "scanner-1")).stdout == "revoked\n"
    unknown = await run("keys", "revoke", "other")
    assert unknown.exit_code == 1
    assert "no such key" in unknown.stderr


@pytest.mark.parametrize(
    "words",
    [["create"], ["create", "k2"], ["create", "k2", "--user", "u", "--expires", "soon"], ["revoke"], ["make", "k2"]],
)
async def test_wrong_usage_is_2(run, words):
    assert (await run("keys", *words)).exit_code == 2
