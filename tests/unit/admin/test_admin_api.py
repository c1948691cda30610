import json

import pytest

from gateway.admin.control import Lifting, RestartReport
from gateway.reload import ReloadReport


async def test_the_snapshot_is_json_all_the_way(admin):
    answer = await admin.ask("GET", "/api/v1/snapshot")
    body = await answer.json()

    assert answer.status == 200
    assert body["health"]["upstreams"] == {"odoo": [1, 2]}
    assert body["metrics"]["requests_total"] == [[["orders", "GET", "200"], 7]]


async def test_a_reload_reports_what_changed(admin):
    answer = await admin.ask("POST", "/api/v1/reload")

    assert answer.status == 200
    assert (await answer.json())["changes"] == ["~ routes[a].path: /a -> /b"]


async def test_a_restart_tells_how_many_workers_are_new(admin):
    answer = await admin.ask("POST", "/api/v1/restart")

    assert answer.status == 200
    assert await answer.json() == {"done": True, "workers": 2, "problem": ""}


async def test_a_restart_that_was_given_up_is_a_409_with_its_reason(admin):
    admin.gateway.restarted = RestartReport(done=False, workers=2, problem="no memory")

    answer = await admin.ask("POST", "/api/v1/restart")

    assert answer.status == 409
    assert (await answer.json())["problem"] == "no memory"


async def test_a_refused_reload_is_a_422_with_all_problems(admin):
    admin.gateway.report = ReloadReport(accepted=False, at=1.0, problems=("config.yaml:1:1: is empty",))
    answer = await admin.ask("POST", "/api/v1/reload")

    assert answer.status == 422
    assert (await answer.json())["problems"] == ["config.yaml:1:1: is empty"]


async def test_explain_judges_the_request_that_was_described(admin):
    body = {"method": "GET", "target": "/x?a=1", "headers": [["X-A", "1"], ["X-A", "2"]]}
    answer = await admin.ask("POST", "/api/v1/explain", json=body)

    assert (await answer.json())["steps"] == [{"part": "route", "verdict": "first match"}]
    assert admin.gateway.explained == [("GET", "/x?a=1", [("X-A", "1"), ("X-A", "2")])]


async def test_keys_are_made_listed_and_ended(admin):
    wanted = {"id": "k2", "user": "scanner", "roles": ["warehouse"], "routes": ["orders"], "expires": 2e9}
    made = await admin.ask("POST", "/api/v1/keys", json=wanted)
    listed = await admin.ask("GET", "/api/v1/keys")
    ended = await admin.ask("DELETE", "/api/v1/keys/scanner-1")
    unknown = await admin.ask("DELETE", "/api/v1/keys/other")

    assert (made.status, await made.json()) == (201, {"id": "k2", "key": "gwk_k2_secret"})
    assert (await listed.json())["keys"] == [
        {"id": "scanner-1", "user": "scanner", "roles": ["warehouse"], "scopes": [], "routes": ["orders"]}
        | {"created": 60.0, "expires": None},
        wanted | {"scopes": [], "created": 0.0},
    ]
    assert (ended.status, unknown.status) == (200, 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "k"},
        {"id": "k", "user": ""},
        {"id": "k", "user": "u", "roles": "warehouse"},
        {"id": "k", "user": "u", "routes": [""]},
        {"id": "k", "user": "u", "expires": "2027-01-01"},
        {"id": "k", "user": "u", "expires": True},
        {"id": "k", "user": "u", "key": "mine"},
    ],
)
async def test_a_key_that_is_not_clearly_described_is_not_made(admin, body):
    assert (await admin.ask("POST", "/api/v1/keys", json=body)).status == 400
    assert len(admin.gateway.made) == 1


async def test_draining_is_accepted_at_once(admin):
    assert (await admin.ask("POST", "/api/v1/drain")).status == 202
    assert admin.gateway.is_draining


async def test_the_sessions_of_a_user_are_listed_and_ended(admin):
    listed = await admin.ask("GET", "/api/v1/sessions?provider=staff&user_id=101")
    ended = await admin.ask("DELETE", "/api/v1/sessions/s1")
    again = await admin.ask("DELETE", "/api/v1/sessions/s1")

    assert (await listed.json())["sessions"][0]["user"] == "GardenAdmin"
    assert (ended.status, again.status) == (200, 404)


@pytest.mark.parametrize(
    ("body", "revoked"),
    [
        ({"provider": "staff", "user_id": "101"}, ("staff", "101")),
        ({"tenant": "GardenWorld"}, "GardenWorld"),
        ({"user": "GardenAdmin"}, ("GardenAdmin", "")),
        ({"user": "GardenAdmin", "provider": "staff"}, ("GardenAdmin", "staff")),
    ],
)
async def test_many_sessions_are_ended_by_user_or_tenant(admin, body, revoked):
    answer = await admin.ask("POST", "/api/v1/sessions/revoke", json=body)

    assert answer.status == 200
    assert admin.gateway.revoked == [revoked]


async def test_a_store_that_is_down_is_a_503_that_says_when_to_retry(admin):
    admin.gateway.store_fails = True
    answer = await admin.ask("GET", "/api/v1/sessions?provider=staff&user_id=101")

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": 1},
        {"tenant": ""},
        {"provider": "staff"},
        {"provider": "staff", "user_id": 101},
        {"tenant": "x", "all": True},
        {"user": ""},
        {"user": 101},
        {"user": "x", "provider": ""},
        {"user": "x", "user_id": "1"},
        {"user": "x", "provider": "staff", "tenant": "x"},
        {"provider": "staff", "user_id": "1", "tenant": "x"},
        {"everything": True},
        [],
    ],
)
async def test_a_revocation_that_means_nothing_or_two_things_revokes_nothing(admin, body):
    answer = await admin.ask("POST", "/api/v1/sessions/revoke", json=body)

    assert answer.status == 400
    assert admin.gateway.revoked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 60_000,
        json.dumps({"method": "GET"}).encode(),
        json.dumps({"method": "GET", "target": "/", "headers": {"a": "b"}}).encode(),
        json.dumps({"method": "GET", "target": "/", "headers": [["a"]]}).encode(),
        json.dumps({"method": "GET", "target": "/", "headers": [["a", 1]]}).encode(),
    ],
)
async def test_broken_bodies_are_refused(admin, body):
    answer = await admin.ask("POST", "/api/v1/explain", data=body, headers={"Content-Type": "application/json"})

    assert answer.status == 400
    assert (await answer.json())["error"] == "invalid_request"


async def test_another_content_type_and_a_large_body_are_refused(admin):
    form = await admin.ask("POST", "/api/v1/explain", data={"method": "GET"})
    large = await admin.ask(
        "POST", "/api/v1/explain", data=b" " * 100_000, headers={"Content-Type": "application/json"}
    )

    assert (form.status, large.status) == (415, 413)


async def test_bans_are_listed_and_lifted(admin):
    listed = await admin.ask("GET", "/api/v1/bans")
    lifted = await admin.ask("POST", "/api/v1/bans/lift", json={"user": "ada", "address": "192.0.2.7"})
    everything = await admin.ask("POST", "/api/v1/bans/lift", json={"all": True})

    assert [ban["address"] for ban in (await listed.json())["bans"]] == ["192.0.2.7", "192.0.2.8", "2001:db8::"]
    assert await lifted.json() == await everything.json() == {"lifted": 3}
    assert admin.gateway.lifted == [Lifting(user="ada", address="192.0.2.7"), Lifting()]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": 1},
        {"all": True, "user": "ada"},
        {"user": ""},
        {"user": 101},
        {"provider": "staff"},
        {"provider": "staff", "address": "192.0.2.7"},
        {"everything": True},
        [],
    ],
)
async def test_a_lifting_that_means_nothing_or_two_things_lifts_nothing(admin, body):
    answer = await admin.ask("POST", "/api/v1/bans/lift", json=body)

    assert answer.status == 400
    assert admin.gateway.lifted == []
