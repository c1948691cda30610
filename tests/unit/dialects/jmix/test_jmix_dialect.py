"""What the class decides: lifetimes, tokens and the generation; and the whole of a login on a real store."""

import json
from base64 import b64encode
from math import inf
from urllib.parse import urlencode

import pytest
from fakes.token_rig import CLIENT_SECRET, PASSWORD, call, why_not

from gateway.dialects.jmix.dialect import Jmix
from gateway.dialects.jmix.options import JmixOptions
from gateway.dialects.jmix.tokens import JmixTokens
from gateway.errors import Reason
from gateway.tokens.login_tokens import LoginTokens


def policy(**options):
    return Jmix.policy("https://gate.example/oauth", "https://gate.example", JmixOptions(**options))


@pytest.mark.parametrize(
    ("options", "access", "refresh"),
    [
        ({}, 43200.0, 31536000.0),
        ({"generation": 2}, 300.0, 3600.0),
        ({"support_refresh_token": False}, 43200.0, 0.0),
    ],
)
def test_lifetimes_are_those_of_the_generation(options, access, refresh):
    made = policy(**options)

    assert (made.access_ttl, made.refresh_ttl, made.absolute_ttl, made.format) == (access, refresh, inf, "opaque")
    assert (made.rotate, made.revoke_access) == (False, True)


def test_refresh_tokens_rotate_where_they_are_not_reused():
    assert policy(reuse_refresh_token=False).rotate


def test_a_login_may_have_jwts(rig_with):
    assert isinstance(login(rig_with(dialects=jmix(), format="jwt")).tokens, LoginTokens)
    assert isinstance(login(rig_with(dialects=jmix())).tokens, JmixTokens)


def jmix(**options):
    return {"jmix": (Jmix, "/oauth", options)}


def login(rig):
    return rig.logins["jmix"]


def basic(client="portal", secret=CLIENT_SECRET):
    return "Basic " + b64encode(f"{client}:{secret}".encode()).decode()


class Client:
    """Logs in to a whole rig as Jmix's clients do."""

    def __init__(self, rig):
        self.rig = rig
        self.login = rig.logins["jmix"]

    async def post(self, suffix, client="portal", **form):
        headers = {"content_type": "application/x-www-form-urlencoded", "authorization": basic(client)}
        sent = call("POST", f"/oauth{suffix}", urlencode(form).encode(), **headers)
        return await self.login.handler("POST", suffix)(sent)

    async def token(self, client="portal", **form):
        reply = await self.post("/token", client, **form)
        return reply.status, json.loads(reply.body)

    async def open(self):
        status, answer = await self.token(grant_type="password", username="ada", password=PASSWORD)
        assert status == 200
        return answer

    async def judged(self, token):
        return await why_not(self.login.broker.authenticate(token.encode()))


@pytest.fixture(params=[1, 2], ids=["generation 1", "generation 2"])
def client(request, rig_with):
    return Client(rig_with(dialects=jmix(generation=request.param)))


@pytest.fixture
def old(rig_with):
    return Client(rig_with(dialects=jmix()))


async def test_a_refresh_answers_the_same_refresh_token_and_ends_the_old_access_token_at_once(client):
    first = await client.open()
    assert await client.judged(first["access_token"]) is None

    status, second = await client.token(grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert (status, second["refresh_token"]) == (200, first["refresh_token"])
    assert second["expires_in"] == first["expires_in"]
    assert second.get("OAuth2.SESSION_ID") == first.get("OAuth2.SESSION_ID")
    assert await client.judged(first["access_token"]) is Reason.REVOKED
    assert await client.judged(second["access_token"]) is None


async def test_a_refresh_token_serves_for_as_long_as_it_lives(old):
    first = await old.open()
    for _ in range(12):
        old.rig.clock.advance(30 * 86400)
        status, answer = await old.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert (status, answer["refresh_token"], answer["expires_in"]) == (200, first["refresh_token"], 43199)

    old.rig.clock.advance(5 * 86400)
    status, answer = await old.token(grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert (status, answer["error"]) == (401, "invalid_token")
    assert answer["error_description"] == f"Invalid refresh token (expired): {first['refresh_token']}"


async def test_every_login_gives_a_fresh_pair(client):
    first, second = await client.open(), await client.open()

    assert first["access_token"] != second["access_token"]
    assert first["refresh_token"] != second["refresh_token"]
    assert await client.judged(first["access_token"]) is None


async def test_a_rotated_refresh_token_is_used_up(rig_with):
    client = Client(rig_with(dialects=jmix(reuse_refresh_token=False), grace=0.0))
    first = await client.open()

    _, second = await client.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    status, again = await client.token(grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert second["refresh_token"] != first["refresh_token"]
    assert (status, again["error_description"]) == (400, f"Invalid refresh token: {first['refresh_token']}")


async def test_without_refresh_tokens_there_is_none_in_the_answer(rig_with):
    client = Client(rig_with(dialects=jmix(support_refresh_token=False)))

    answer = await client.open()

    assert list(answer) == ["access_token", "token_type", "expires_in", "scope", "OAuth2.SESSION_ID"]


async def test_a_client_without_the_grant_gets_none(old):
    status, answer = await old.token("no-refresh", grant_type="password", username="ada", password=PASSWORD)

    assert status == 200
    assert "refresh_token" not in answer


@pytest.mark.parametrize("revoked", ["access_token", "refresh_token"])
async def test_either_token_ends_both(old, revoked):
    pair = await old.open()

    reply = await old.post("/revoke", token=pair[revoked])

    assert (reply.status, reply.body) == (200, b"")
    assert await old.judged(pair["access_token"]) is Reason.REVOKED
    status, answer = await old.token(grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")


async def test_in_generation_2_an_access_token_ends_alone(rig_with):
    client = Client(rig_with(dialects=jmix(generation=2)))
    pair = await client.open()

    await client.post("/revoke", token=pair["access_token"])
    assert await client.judged(pair["access_token"]) is Reason.REVOKED
    status, second = await client.token(grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert status == 200

    await client.post("/revoke", token=pair["refresh_token"])
    assert await client.judged(second["access_token"]) is Reason.REVOKED


async def test_another_client_s_refresh_token_is_refused_and_stays_what_it_was(old):
    pair = await old.open()

    status, answer = await old.token("other", grant_type="refresh_token", refresh_token=pair["refresh_token"])

    assert (status, answer) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": f"Wrong client for this refresh token: {pair['refresh_token']}",
        },
    )
    assert (await old.token(grant_type="refresh_token", refresh_token=pair["refresh_token"]))[0] == 200


async def test_a_refresh_token_opens_nothing_and_an_access_token_refreshes_nothing(client):
    pair = await client.open()

    assert await client.judged(pair["refresh_token"]) is Reason.WRONG_KIND
    status, answer = await client.token(grant_type="refresh_token", refresh_token=pair["access_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")


async def test_logout_ends_the_session_of_the_bearer(rig_with):
    rig = rig_with(dialects={"jmix": (Jmix, "/oauth2", {"generation": 2})})
    client = Client(rig)
    pair = await client.open()
    logout = client.login.dialect.well_known()["GET", "/logout"]

    reply = await logout(call("GET", "/logout", authorization=f"Bearer {pair['access_token']}"))

    assert reply.status == 302
    assert await client.judged(pair["access_token"]) is Reason.REVOKED
