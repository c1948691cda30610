"""Dialect `native`, to the byte."""

from dataclasses import replace

import pytest
from fakes.still_broker import IDENTITY, StillBroker
from fakes.still_broker import PAIR as PAIR_OBJECT
from fakes.token_rig import call, header, still

from gateway.dialects.native import Native

JSON = {"content_type": "application/json"}
BEARER = {"authorization": "Bearer ACCESS"}
NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
JSON_HEADERS = ((b"Content-Type", b"application/json"), *NO_STORE)
PAIR = b'{"access_token":"ACCESS","refresh_token":"REFRESH","token_type":"Bearer","expires_in":900}'


@pytest.fixture
def broker():
    return StillBroker()


@pytest.fixture
def ask(broker):
    endpoints = still(Native, "/auth", broker).endpoints()

    async def ask(method, suffix, body=b"", path="", **headers):
        return await endpoints[method, suffix](call(method, path or f"/auth{suffix}", body, **headers))

    return ask


async def test_a_login_answers_a_pair(ask, broker):
    reply = await ask("POST", "/login", b'{"username":"ada","password":"right"}', **JSON)

    assert (reply.status, reply.body, reply.headers) == (200, PAIR, JSON_HEADERS)
    assert broker.asked == [("login", "ada", "right", None, None)]


async def test_a_refresh_answers_a_pair(ask, broker):
    reply = await ask("POST", "/refresh", b'{"refresh_token":"REFRESH"}', **JSON)

    assert (reply.status, reply.body, reply.headers) == (200, PAIR, JSON_HEADERS)


async def test_without_refresh_tokens_there_is_no_such_member(ask, broker):
    broker.pair = replace(PAIR_OBJECT, refresh_token="")

    reply = await ask("POST", "/login", b'{"username":"ada","password":"right"}', **JSON)

    assert reply.body == b'{"access_token":"ACCESS","token_type":"Bearer","expires_in":900}'


async def test_a_wrong_password_is_a_401(ask):
    reply = await ask("POST", "/login", b'{"username":"ada","password":"wrong"}', **JSON)

    assert reply.status == 401
    assert reply.body == (
        b'{"error":"invalid_credentials","error_description":"The username or the password is wrong.","request_id":"req-1"}'
    )
    assert reply.headers == (*JSON_HEADERS, (b"WWW-Authenticate", b"Bearer"))


async def test_a_dead_refresh_token_is_a_401(ask):
    reply = await ask("POST", "/refresh", b'{"refresh_token":"SPENT"}', **JSON)

    assert reply.status == 401
    assert reply.body == (
        b'{"error":"invalid_grant","error_description":"The refresh token is invalid, expired or revoked.",'
        b'"request_id":"req-1"}'
    )


async def test_me_tells_who_one_is(ask):
    reply = await ask("GET", "/me", **BEARER)

    assert (reply.status, reply.headers) == (200, JSON_HEADERS)
    assert reply.body == (
        b'{"user":"ada","user_id":"101","identity_provider":"staff","login":"native","roles":["sales"],'
        b'"scopes":["reports","rest-api"],"tenant":"GardenWorld","session_id":"8Fstn2D7csJanGJUkLLJ655c","expires_in":900}'
    )


async def test_sessions_are_listed_by_their_public_ids(ask):
    reply = await ask("GET", "/sessions", **BEARER)

    assert reply.body == (
        b'{"sessions":[{"id":"U99ye5D7C6PmDjb2MuKW7RIv","login":"native","client_id":"","tenant":"",'
        b'"created_at":1700000000,"ends_at":null,"current":false},'
        b'{"id":"8Fstn2D7csJanGJUkLLJ655c","login":"native","client_id":"portal","tenant":"GardenWorld",'
        b'"created_at":1800000000,"ends_at":1807776000,"current":true}]}'
    )
    assert b"store-session-id" not in reply.body


async def test_a_logout_ends_the_session_of_its_bearer(ask, broker):
    reply = await ask("POST", "/logout", **BEARER)

    assert (reply.status, reply.body, reply.headers) == (204, b"", NO_STORE)
    assert broker.asked[-1] == ("logout", "store-session-id")


async def test_one_session_is_ended_by_its_public_id(ask, broker):
    reply = await ask("DELETE", "/sessions/{id}", path="/auth/sessions/known", **BEARER)

    assert (reply.status, reply.body) == (204, b"")
    assert broker.asked[-1] == ("end_session", IDENTITY, "known")


async def test_a_session_of_nobody_or_of_somebody_else_is_not_there(ask):
    reply = await ask("DELETE", "/sessions/{id}", path="/auth/sessions/theirs", **BEARER)

    assert reply.status == 404
    assert b"not_found" in reply.body


async def test_all_sessions_are_ended(ask, broker):
    reply = await ask("DELETE", "/sessions", **BEARER)

    assert (reply.status, reply.body) == (204, b"")
    assert broker.asked[-1] == ("end_all", IDENTITY)


GUARDED = [
    ("POST", "/logout"),
    ("GET", "/me"),
    ("GET", "/sessions"),
    ("DELETE", "/sessions"),
    ("DELETE", "/sessions/{id}"),
]


@pytest.mark.parametrize(("method", "suffix"), GUARDED)
@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        ("", "Bearer"),
        ("Basic YTpi", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer  ACCESS", "Bearer"),
        ("Bearer\tACCESS", "Bearer"),
        ("Bearer ACCESS ", "Bearer"),
        ("Bearer ACCESS,x", "Bearer"),
        ("Bearer REFRESH", 'Bearer error="invalid_token"'),
    ],
)
async def test_what_needs_an_identity_is_refused_without_one(ask, broker, method, suffix, authorization, challenge):
    reply = await ask(method, suffix, authorization=authorization)

    assert reply.status == 401
    assert header(reply, "WWW-Authenticate") == challenge
    assert [what for what, *_ in broker.asked] in ([], ["authenticate"])


@pytest.mark.parametrize(("method", "suffix"), GUARDED)
async def test_a_store_that_is_away_is_a_503_and_never_a_401(ask, broker, method, suffix):
    broker.away = True

    reply = await ask(method, suffix, **BEARER)

    assert reply.status == 503
    assert header(reply, "Retry-After") == "1"
    assert reply.body.startswith(b'{"error":"temporarily_unavailable"')


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", b"The body is not valid JSON."),
        (b"{", b"The body is not valid JSON."),
        (b'{"username":"ada","password":"right"}x', b"The body is not valid JSON."),
        (b'{"username":"ada","password":NaN}', b"The body is not valid JSON."),
        (b"\xff", b"The body is not UTF-8."),
        (b"[]", b"The body is not a JSON object."),
        (b'"ada"', b"The body is not a JSON object."),
        (b"[" * 60_000, b"The body is nested too deeply."),
        (b'{"username":"ada","username":"bob","password":"x"}', b"A member of the JSON object appears more than once."),
        (b"{}", b"The username is missing."),
        (b'{"username":"","password":"x"}', b"The username is missing."),
        (b'{"username":null,"password":"x"}', b"The username is missing."),
        (b'{"username":"ada"}', b"The password is missing."),
        (b'{"username":1,"password":"x"}', b"The username is not a string."),
        (b'{"username":["ada"],"password":"x"}', b"The username is not a string."),
        (b'{"username":"a\\u0000","password":"x"}', b"The username contains characters that are no text."),
        (b'{"username":"ada","password":"\\ud800"}', b"The password contains characters that are no text."),
        (b'{"username":"' + b"a" * 257 + b'","password":"x"}', b"The username is longer than 256 characters."),
        (b'{"username":"ada","password":"' + b"a" * 8193 + b'"}', b"The password is longer than 8192 characters."),
    ],
)
async def test_a_body_that_says_nothing_clear_is_a_400_that_says_why(ask, broker, body, told):
    reply = await ask("POST", "/login", body, **JSON)

    assert reply.status == 400
    assert reply.body == b'{"error":"invalid_request","error_description":"' + told + b'","request_id":"req-1"}'
    assert broker.asked == []


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json; charset=utf-16"],
)
async def test_another_content_type_is_a_415(ask, broker, content_type):
    reply = await ask("POST", "/login", b'{"username":"ada","password":"right"}', content_type=content_type)

    assert reply.status == 415
    assert broker.asked == []


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=UTF-8", "Application/JSON", 'application/json;charset="utf-8"']
)
async def test_json_is_json_however_its_type_is_spelled(ask, content_type):
    reply = await ask("POST", "/login", b'{"username":"ada","password":"right","more":1}', content_type=content_type)

    assert reply.status == 200


async def test_a_body_over_64_kib_is_a_413(ask):
    assert (await ask("POST", "/login", b" " * 65_537, **JSON)).status == 413


async def test_the_gateway_s_keys_are_published_and_there_are_no_switches():
    well_known = still(Native, "/auth", StillBroker(), jwks={"keys": [{"kid": "e1"}]}).well_known()

    assert list(well_known) == [("GET", "/.well-known/jwks.json")]
    assert (await well_known["GET", "/.well-known/jwks.json"](call("GET"))).body == b'{"keys":[{"kid":"e1"}]}'
    with pytest.raises(ValueError, match="extra"):
        Native.Options(rotate=True)
