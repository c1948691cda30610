"""Pages of other origins, on a running gateway: preflights, cookies, refusals."""

import json

import pytest
from fakes.cors_site import cors_site, running_cors_site
from fakes.plain_client import PlainClient

__all__ = ["cors_site", "running_cors_site"]

EVIL = "https://evil.example"
RPC = json.dumps({"jsonrpc": "2.0", "params": {"db": "erp", "login": "ada", "password": "password"}, "id": 1}).encode()


@pytest.fixture
def client(cors_site):
    return PlainClient(cors_site.gateway.port)


@pytest.fixture
def cookie(client):
    answer = client.post("/web/session/authenticate", RPC, ("Content-Type", "application/json"))
    return ("Cookie", answer.one("Set-Cookie").partition(";")[0])


def preflight(client, path, origin, method="POST"):
    lines = [("Origin", origin), ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "x-a")]
    return client.ask("OPTIONS", path, lines)


@pytest.mark.parametrize("path", ["/api/x", "/web/session/authenticate", "/down/x"])
def test_preflights_are_answered_for_routes_and_logins(client, cors_site, path):
    answer = preflight(client, path, cors_site.origin)

    assert answer.status == 204
    assert answer.one("Access-Control-Allow-Origin") == cors_site.origin
    assert answer.one("Access-Control-Allow-Credentials") == "true"
    assert answer.one("Access-Control-Allow-Methods") == "POST"
    assert answer.one("Access-Control-Allow-Headers") == "x-a"
    assert answer.one("Access-Control-Max-Age") == "600"
    assert cors_site.erp.seen == []


@pytest.mark.parametrize(("path", "origin", "status"), [("/api/x", EVIL, 403), ("/plain/x", EVIL, 401)])
def test_preflights_of_others_learn_nothing(client, path, origin, status):
    answer = preflight(client, path, origin)

    assert answer.status == status
    assert answer.all("Access-Control-Allow-Origin") == []


@pytest.mark.parametrize(("path", "status"), [("/api/x", 401), ("/down/x", 502), ("/web/session/check", 400)])
def test_what_goes_wrong_can_be_read_by_a_listed_page_only(client, cors_site, path, status):
    method = "POST" if path.startswith("/web") else "GET"
    ours = client.ask(method, path, [("Origin", cors_site.origin)])
    theirs = client.ask(method, path, [("Origin", EVIL)])

    assert ours.status == theirs.status == status
    assert ours.one("Access-Control-Allow-Origin") == cors_site.origin
    assert theirs.all("Access-Control-Allow-Origin") == []
    assert ours.one("Vary") == theirs.one("Vary") == "Origin"


def test_a_cookie_counts_on_an_unsafe_request_of_a_listed_origin(client, cors_site, cookie):
    def posted(path, origin):
        return client.post(path, {}, cookie, ("Origin", origin), ("Sec-Fetch-Site", "cross-site")).status

    assert posted("/api/x", cors_site.origin) == 200
    assert posted("/api/x", EVIL) == 403
    assert posted("/read/x", cors_site.origin) == 403, "listed, but not with credentials"
    assert posted("/plain/x", cors_site.origin) == 403
