"""Dialect `jdx`, to the byte."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64decode
from urllib.parse import urlencode

import pytest
from fakes.still_broker import CLIENT, StillBroker
from fakes.token_rig import CLIENT_SECRET, call, header, still

from gateway import errors
from gateway.dialects.jdx import Jdx
from gateway.errors import CredentialsMissing, CredentialsRejected, Reason
from gateway.model import OAuthClient, TokenKind

PATH = "/restapi/1.0/common/oauth2"
FORM = {"content_type": "application/x-www-form-urlencoded"}
NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
HEADERS = ((b"Content-Type", b"application/json"), *NO_STORE)
LOGIN = b"grant_type=client_credentials&client_id=portal&client_secret=right"
REFRESH = b"grant_type=refresh_token&refresh_token=REFRESH&client_id=portal&client_secret=right"
PAIR = b'{"access_token":"ACCESS","token_type":"Bearer","expires_in":900,"refresh_token":"REFRESH"}'


class PlainClient(StillBroker):
    """Its client has no other grant than client_credentials."""

    async def authenticate_client(self, readings, call):
        await super().authenticate_client(readings, call)
        return OAuthClient("portal", "hash", frozenset(("client_credentials",)))


async def ask(body, broker=None, query="", **headers):
    handler = still(Jdx, PATH, broker or StillBroker()).endpoints()["POST", "/token"]
    return await handler(call("POST", f"{PATH}/token", body, query, **{**FORM, **headers}))


def refused(code, description):
    return f'{{"error":"{code}","error_description":"{description}"}}'.encode()


async def test_client_credentials_answer_the_documented_members():
    reply = await ask(LOGIN, PlainClient())

    assert (reply.status, reply.headers) == (200, HEADERS)
    assert reply.body == b'{"access_token":"ACCESS","token_type":"Bearer","expires_in":900}'


async def test_a_client_that_may_refresh_gets_a_refresh_token():
    broker = StillBroker()
    reply = await ask(LOGIN, broker)

    assert (reply.status, reply.body, reply.headers) == (200, PAIR, HEADERS)
    assert broker.asked == [
        ("authenticate_client", ("portal", "right")),
        ("client_login", CLIENT, None, {}, True),
    ]


async def test_a_refresh_answers_a_new_pair():
    broker = StillBroker()
    reply = await ask(REFRESH, broker)

    assert (reply.status, reply.body, reply.headers) == (200, PAIR, HEADERS)
    assert broker.asked[1] == ("refresh", "REFRESH", CLIENT, None)


async def test_the_client_may_authenticate_by_basic():
    basic = "Basic " + b64encode(b"portal:right").decode()

    assert (await ask(b"grant_type=client_credentials", authorization=basic)).body == PAIR


async def test_a_bearer_token_that_a_client_still_sends_is_not_looked_at():
    assert (await ask(LOGIN, authorization="Bearer stale")).body == PAIR


@pytest.mark.parametrize("written", ["jwt", "opaque"])
async def test_the_token_s_form_is_asked_for(written):
    broker = StillBroker()
    await ask(LOGIN + f"&token_format={written}&scope=rest-api".encode(), broker)

    assert broker.asked[1] == ("client_login", CLIENT, ("rest-api",), {"token_format": written}, True)


@pytest.mark.parametrize(
    ("body", "status", "code", "description"),
    [
        (LOGIN.replace(b"right", b"wrong"), 401, "invalid_client", "Wrong client_id or client_secret"),
        (b"grant_type=client_credentials", 401, "invalid_client", "Wrong client_id or client_secret"),
        (LOGIN.replace(b"grant_type", b"x"), 400, "invalid_request", "The grant_type is missing."),
        (LOGIN.replace(b"client_credentials", b"password"), 400, "unsupported_grant_type", "This grant type is not supported."),
        (LOGIN + b"&token_format=JWT", 400, "invalid_request", "The token_format is neither jwt nor opaque."),
        (REFRESH + b"&token_format=x", 400, "invalid_request", "The token_format is neither jwt nor opaque."),
        (LOGIN + b"&scope=%22", 400, "invalid_scope", "The requested scope is malformed or exceeds what may be granted."),
        (LOGIN + b"&client_id=portal", 400, "invalid_request", "A parameter appears more than once."),
        (REFRESH.replace(b"=REFRESH", b"="), 400, "invalid_request", "The refresh_token is missing."),
        (REFRESH.replace(b"REFRESH", b"DEAD"), 400, "invalid_grant", "The refresh token is invalid, expired or revoked."),
    ],
)  # fmt: skip
async def test_the_token_endpoint_refuses(body, status, code, description):
    reply = await ask(body)

    assert (reply.status, reply.body) == (status, refused(code, description))
    assert reply.headers[:3] == HEADERS
    assert header(reply, "WWW-Authenticate") == ('Basic realm="oauth2", charset="UTF-8"' if status == 401 else None)


async def test_a_grant_that_the_client_does_not_have_is_refused():
    reply = await ask(REFRESH, PlainClient())

    assert (reply.status, reply.body) == (
        400,
        refused("unauthorized_client", "This client may not use this grant type."),
    )


async def test_a_secret_in_the_uri_and_json_are_refused():
    in_uri = await ask(b"grant_type=client_credentials", query="client_secret=right&client_id=portal")
    as_json = await ask(b"{}", content_type="application/json")

    assert (in_uri.status, in_uri.body) == (
        400,
        refused("invalid_request", "Parameters of this endpoint belong in the body, never in the URI."),
    )
    assert (as_json.status, as_json.body) == (
        400,
        refused("invalid_request", "The content type is not application/x-www-form-urlencoded."),
    )


@pytest.mark.parametrize(
    ("error", "status", "code", "description", "challenge"),
    [
        (CredentialsRejected(reason=Reason.EXPIRED), 401, "invalid_token", "The access token has expired", 'Bearer error="invalid_token"'),
        (CredentialsRejected(reason=Reason.UNKNOWN), 401, "invalid_token", "The access token has expired", 'Bearer error="invalid_token"'),
        (CredentialsRejected(reason=Reason.REVOKED), 401, "invalid_token", "The access token is invalid", 'Bearer error="invalid_token"'),
        (CredentialsRejected(reason=Reason.MALFORMED), 401, "invalid_token", "The access token is invalid", 'Bearer error="invalid_token"'),
        (CredentialsRejected(reason=Reason.WRONG_KIND), 401, "invalid_token", "The access token is invalid", 'Bearer error="invalid_token"'),
        (CredentialsRejected(reason=Reason.UNKNOWN_KEY), 401, "invalid_api_key", "API key not found or revoked", 'Bearer error="invalid_token"'),
        (CredentialsRejected(reason=Reason.KEY_EXPIRED), 401, "invalid_api_key", "API key not found or revoked", 'Bearer error="invalid_token"'),
        (CredentialsRejected(reason=Reason.KEY_BLOCKED), 401, "invalid_api_key", "API key not found or revoked", 'Bearer error="invalid_token"'),
        (CredentialsMissing(), 401, "invalid_token", "The access token is missing", "Bearer"),
        (CredentialsMissing(reason=Reason.MISSING_SCHEME), 401, "invalid_token", "The access token is missing", "Bearer"),
        (errors.Forbidden(), 403, "access_denied", "User lacks permission", None),
        (errors.InsufficientScope(), 403, "access_denied", "User lacks permission", 'Bearer error="insufficient_scope"'),
        (errors.NotFound(), 404, "not_found", "There is nothing at this address.", None),
        (errors.MethodNotAllowed(allow=("POST",)), 405, "method_not_allowed", "This method is not allowed here.", None),
        (errors.SeveralCredentials(), 400, "invalid_request", "The request carries more than one credential.", 'Bearer error="invalid_request"'),
    ],
)  # fmt: skip
def test_a_route_refuses(error, status, code, description, challenge):
    reply = still(Jdx, PATH, StillBroker()).refuse(error, b"body", "req-1")

    assert (reply.status, reply.body) == (status, refused(code, description))
    assert reply.headers[:3] == HEADERS
    assert header(reply, "WWW-Authenticate") == challenge
    assert header(reply, "Allow") == ("POST" if status == 405 else None)


def test_a_ban_and_a_store_that_is_away_say_when_to_come_back():
    dialect = still(Jdx, PATH, StillBroker())

    assert header(dialect.refuse(errors.Banned(retry_after=77)), "Retry-After") == "77"
    assert dialect.refuse(errors.Banned()).body == refused(
        "too_many_requests", "Too many failed logins; try again later."
    )
    assert header(dialect.refuse(errors.StoreUnavailable()), "Retry-After") == "1"


@pytest.fixture
def jdx(rig_with):
    return rig_with(dialects={"jdx": (Jdx, PATH, {"database": "prod"})}).logins["jdx"]


async def grant(login, **form):
    body = urlencode({"client_id": "portal", "client_secret": CLIENT_SECRET, **form}).encode()
    reply = await login.handler("POST", "/token")(call("POST", f"{PATH}/token", body, **FORM))
    return reply.status, json.loads(reply.body)


async def log_in(login, **form):
    status, answer = await grant(login, grant_type="client_credentials", **form)
    assert status == 200, answer
    return answer


async def refresh(login, token, **form):
    return await grant(login, grant_type="refresh_token", refresh_token=token, **form)


def payload(token):
    return json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))


async def test_a_login_lives_an_hour_and_its_refresh_token_thirty_days(jdx, clock):
    answer = await log_in(jdx)
    assert answer["expires_in"] == 3600
    assert answer["access_token"].startswith("gwa_")

    clock.advance(3601)
    with pytest.raises(CredentialsRejected):
        await jdx.broker.authenticate(answer["access_token"].encode())
    clock.advance(30 * 86400 - 3700)
    status, second = await refresh(jdx, answer["refresh_token"])
    assert status == 200

    clock.advance(100)
    assert (await refresh(jdx, second["refresh_token"]))[0] == 400


async def test_a_refresh_token_rotates_with_a_grace_of_ten_seconds(jdx, clock):
    first = await log_in(jdx)
    _, second = await refresh(jdx, first["refresh_token"])
    clock.advance(9)
    assert (await refresh(jdx, first["refresh_token"]))[1]["refresh_token"] == second["refresh_token"]
    for each in (first, second):
        await jdx.broker.authenticate(each["access_token"].encode())

    clock.advance(2)
    assert (await refresh(jdx, first["refresh_token"]))[0] == 400
    assert (await refresh(jdx, second["refresh_token"]))[0] == 400
    with pytest.raises(CredentialsRejected):
        await jdx.broker.authenticate(second["access_token"].encode())


async def test_a_jwt_names_the_client_and_the_login_s_database(jdx, clock):
    answer = await log_in(jdx, token_format="jwt")

    assert payload(answer["access_token"]) == {
        "sub": "portal",
        "db": "prod",
        "exp": int(clock.now) + 3600,
        "iat": int(clock.now),
    }
    live = await jdx.broker.live(answer["access_token"].encode(), TokenKind.ACCESS)
    assert live.session.client_id == "portal"


async def test_a_refresh_keeps_the_token_s_form_unless_another_is_asked_for(jdx):
    first = await log_in(jdx, token_format="jwt")

    _, second = await refresh(jdx, first["refresh_token"])
    _, third = await refresh(jdx, second["refresh_token"], token_format="opaque")
    _, fourth = await refresh(jdx, third["refresh_token"])

    assert [each["access_token"][:3] for each in (first, second, third, fourth)] == ["eyJ", "eyJ", "gwa", "gwa"]


async def test_many_logins_of_one_client_in_one_second_all_succeed(jdx):
    answers = await asyncio.gather(*(log_in(jdx, token_format="jwt") for _ in range(30)))

    assert len({each["access_token"] for each in answers}) == 30


async def test_an_expired_jwt_is_told_as_expired(jdx, clock):
    token = (await log_in(jdx, token_format="jwt"))["access_token"].encode()
    clock.advance(3601)

    with pytest.raises(CredentialsRejected) as error:
        await jdx.broker.authenticate(token)

    assert jdx.dialect.refuse(error.value).body == refused("invalid_token", "The access token has expired")
