import json

import pytest

from gateway.admin.control import Lifting


async def test_bans_are_listed(run):
    result = await run("bans", "list")

    assert result.stdout.splitlines() == [
        "192.0.2.7  staff user 101  until 1970-01-01T00:01:00Z",
        "192.0.2.8  staff user (a name that nobody has logged in by)  until 1970-01-01T00:01:01Z",
        "2001:db8::  everybody  until 1970-01-01T00:01:02Z",
    ]


async def test_bans_are_listed_as_json(run):
    (first, *_) = json.loads((await run("bans", "list", "--json")).stdout)["bans"]

    assert first == {"scope": "account", "provider": "staff", "user_id": "101", "address": "192.0.2.7", "until": 60.0}


async def test_where_nobody_is_banned_it_says_so(run, admin):
    admin.gateway.banned = []

    assert (await run("bans", "list")).stderr == "no bans\n"
    assert (await run("bans", "lift", "--all")).stdout == "no such ban was in force\n"


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (["--user", "ada"], Lifting(user="ada")),
        (["--user", "ada", "--provider", "staff"], Lifting(user="ada", provider="staff")),
        (["--address", "192.0.2.7"], Lifting(address="192.0.2.7")),
        (["--user", "ada", "--address", "192.0.2.7"], Lifting(user="ada", address="192.0.2.7")),
        (["--all"], Lifting()),
    ],
)
async def test_bans_are_lifted_by_user_or_address(run, admin, words, which):
    result = await run("bans", "lift", *words)

    assert (result.exit_code, result.stdout) == (0, "3 lifted\n")
    assert admin.gateway.lifted == [which]


@pytest.mark.parametrize(
    "words",
    [[], ["--all", "--user", "ada"], ["--provider", "staff"], ["--provider", "staff", "--address", "192.0.2.7"]],
)
async def test_a_lifting_that_means_nothing_or_two_things_is_wrong_usage(run, admin, words):
    result = await run("bans", "lift", *words)

    assert result.exit_code == 2
    assert admin.gateway.lifted == []
