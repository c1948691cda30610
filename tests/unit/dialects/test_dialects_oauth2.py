"""Dialect `oauth2`, to the byte: RFC 6749, 7009, 7662."""

import json
from base64 import b64encode
from urllib.parse import quote_plus

import pytest
from fakes.still_broker import CLIENT, StillBroker
from fakes.token_rig import CLIENT_SECRET, PASSWORD, call, header, still

from gateway.dialects.oauth2 import OAuth2

FORM = {"content_type": "application/x-www-form-urlencoded"}
NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
JSON_HEADERS = ((b"Content-Type", b"application/json"), *NO_STORE)
CACHED_HEADERS = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"public, max-age=300"))
BASIC_CHALLENGE = 'Basic realm="oauth2", charset="UTF-8"'
BODY_CLIENT = b"&client_id=portal&client_secret=right"


def basic(client_id="portal", secret="right"):
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": "Basic " + b64encode(pair.encode()).decode(), **FORM}


@pytest.fixture
def broker():
    return StillBroker()


@pytest.fixture
def dialect(broker):
    return still(OAuth2, "/oauth2", broker, jwks={"keys": [{"kty": "EC", "kid": "e1"}]})


@pytest.fixture
def ask(dialect):
    async def ask(suffix, body=b"", query="", method="POST", **headers):
        return await dialect.endpoints()[method, suffix](call(method, f"/oauth2{suffix}", body, query, **headers))

    return ask


PASSWORD_FORM = b"grant_type=password&username=ada&password=right"
PAIR = (
    b'{"access_token":"ACCESS","token_type":"Bearer","expires_in":900,"refresh_token":"REFRESH",'
    b'"scope":"rest-api reports"}'
)


async def test_the_password_grant(ask, broker):
    reply = await ask("/token", PASSWORD_FORM + b"&scope=rest-api+reports", **basic())

    assert (reply.status, reply.body, reply.headers) == (200, PAIR, JSON_HEADERS)
    assert broker.asked[-1] == ("login", "ada", "right", CLIENT, ("rest-api", "reports"))


async def test_the_refresh_grant(ask, broker):
    reply = await ask("/token", b"grant_type=refresh_token&refresh_token=REFRESH", **basic())

    assert (reply.status, reply.body) == (200, PAIR)
    assert broker.asked[-1] == ("refresh", "REFRESH", CLIENT, None)


async def test_the_client_credentials_grant_has_no_refresh_token(ask):
    reply = await ask("/token", b"grant_type=client_credentials", **basic())

    assert reply.status == 200
    assert reply.body == b'{"access_token":"ACCESS","token_type":"Bearer","expires_in":900,"scope":"rest-api reports"}'


async def test_a_client_may_authenticate_in_the_body(ask, broker):
    reply = await ask("/token", PASSWORD_FORM + BODY_CLIENT, **FORM)

    assert reply.status == 200
    assert broker.asked[0] == ("authenticate_client", ("portal", "right"))


async def test_basic_values_are_form_decoded(ask, broker):
    """RFC 6749, section 2.3.1: encoded with application/x-www-form-urlencoded before Basic."""
    await ask("/token", PASSWORD_FORM, **basic("my client:ü", "p%+ :ß"))

    assert broker.asked[0][1] == ("my client:ü", "p%+ :ß")


async def test_a_basic_secret_that_was_not_encoded_is_understood_too(ask, broker):
    """Authlib and requests send it as it is."""
    raw = b64encode(b"portal:a+b").decode()

    reply = await ask("/token", PASSWORD_FORM, authorization=f"Basic {raw}", **FORM)

    assert reply.status == 401
    assert broker.asked == [("authenticate_client", ("portal", "a b"), ("portal", "a+b"))]


async def test_a_stale_bearer_does_not_stand_in_the_way_of_a_client_in_the_body(ask):
    reply = await ask("/token", PASSWORD_FORM + BODY_CLIENT, authorization="Bearer OLD", **FORM)

    assert reply.status == 200


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (PASSWORD_FORM, FORM),
        (PASSWORD_FORM + b"&client_id=portal", FORM),
        (PASSWORD_FORM + b"&client_secret=right", FORM),
        (PASSWORD_FORM + b"&client_id=portal&client_secret=", FORM),
        (PASSWORD_FORM + b"&client_id=portal&client_secret=wrong", FORM),
        (PASSWORD_FORM, basic("portal", "wrong")),
        (PASSWORD_FORM, basic("unknown", "right")),
        (PASSWORD_FORM, basic("portal" * 100, "right")),
        (PASSWORD_FORM, FORM | {"authorization": "Bearer ACCESS"}),
        (PASSWORD_FORM, FORM | {"authorization": "Basic"}),
        (PASSWORD_FORM, FORM | {"authorization": "Basic !!!"}),
        (PASSWORD_FORM, FORM | {"authorization": "Basic YQ"}),
        (PASSWORD_FORM, FORM | {"authorization": "Basic YTpi YTpi"}),
        (PASSWORD_FORM, FORM | {"authorization": "Basic " + b64encode(b"no colon").decode()}),
        (PASSWORD_FORM, FORM | {"authorization": "Basic " + b64encode(b"\xff:\xff").decode()}),
        (PASSWORD_FORM, FORM | {"authorization": "Basic " + b64encode(b"a%zz:b").decode()}),
    ],
)
@pytest.mark.parametrize("suffix", ["/token", "/revoke", "/introspect"])
async def test_without_client_authentication_there_is_nothing(ask, suffix, body, headers):
    reply = await ask(suffix, body + b"&token=ACCESS", **headers)

    assert reply.status == 401
    assert reply.body == (
        b'{"error":"invalid_client","error_description":"Client authentication failed.","request_id":"req-1"}'
    )
    assert header(reply, "WWW-Authenticate") == BASIC_CHALLENGE


@pytest.mark.parametrize(
    ("body", "headers", "query", "told"),
    [
        (PASSWORD_FORM + BODY_CLIENT, basic(), "", b"The client authenticates in two ways at once."),
        (PASSWORD_FORM + b"&client_secret=right", basic(), "", b"The client authenticates in two ways at once."),
        (PASSWORD_FORM + b"&client_id=x", basic(), "", b"The client_id of the body is not the one that authenticates."),
        (PASSWORD_FORM + b"&username=bob", basic(), "", b"A parameter appears more than once."),
        (PASSWORD_FORM + b"&user%6eame=bob", basic(), "", b"A parameter appears more than once."),
        (PASSWORD_FORM + b"&x=%zz", basic(), "", b"A percent escape of the form is incomplete."),
        (PASSWORD_FORM + b"&x=%4", basic(), "", b"A percent escape of the form is incomplete."),
        (PASSWORD_FORM + b"&x=%ff", basic(), "", b"The form is not UTF-8."),
        (PASSWORD_FORM + b"&x=%00", basic(), "", b"The form contains a NUL character."),
        (PASSWORD_FORM, basic(), "client_secret=right", b"Parameters of this endpoint belong in the body, never in the URI."),
        (PASSWORD_FORM, basic(), "x=1&passw%6Frd=right", b"Parameters of this endpoint belong in the body, never in the URI."),
        (b"", basic(), "", b"The grant_type is missing."),
        (b"grant_type=", basic(), "", b"The grant_type is missing."),
        (b"grant_type=password&username=ada", basic(), "", b"The password is missing."),
        (b"grant_type=password&password=x&username=", basic(), "", b"The username is missing."),
        (b"grant_type=refresh_token", basic(), "", b"The refresh_token is missing."),
        (PASSWORD_FORM, basic() | {"content_type": "application/json"}, "", b"The content type is not application/x-www-form-urlencoded."),
        (PASSWORD_FORM, basic() | {"content_type": ""}, "", b"The content type is not application/x-www-form-urlencoded."),
    ],
)  # fmt: skip
async def test_a_malformed_request_is_invalid_request(ask, body, headers, query, told):
    reply = await ask("/token", body, query, **headers)

    assert reply.status == 400
    assert reply.body == b'{"error":"invalid_request","error_description":"' + told + b'","request_id":"req-1"}'


async def test_other_parameters_of_the_uri_are_none_of_ours(ask):
    assert (await ask("/token", PASSWORD_FORM, "trace=1", **basic())).status == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"grant_type=authorization_code&code=x", "unsupported_grant_type"),
        (b"grant_type=PASSWORD&username=ada&password=right", "unsupported_grant_type"),
        (PASSWORD_FORM + b"&scope=%22", "invalid_scope"),
        (PASSWORD_FORM + b"&scope=a++b", "invalid_scope"),
        (PASSWORD_FORM + b"&scope=a%0Ab", "invalid_scope"),
        (b"grant_type=password&username=ada&password=wrong", "invalid_grant"),
        (b"grant_type=refresh_token&refresh_token=SPENT", "invalid_grant"),
    ],
)
async def test_each_failure_has_the_code_of_rfc_6749(ask, body, error):
    reply = await ask("/token", body, **basic())

    assert reply.status == 400
    assert json.loads(reply.body)["error"] == error
    assert set(json.loads(reply.body)) == {"error", "error_description", "request_id"}
    assert header(reply, "Cache-Control") == "no-store"
    assert header(reply, "WWW-Authenticate") is None


async def test_a_grant_that_the_client_may_not_use(rig):
    body = b"grant_type=client_credentials"

    reply = await rig.oauth2.handler("POST", "/token")(call(body=body, **basic("no-refresh", CLIENT_SECRET)))

    assert (reply.status, json.loads(reply.body)["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize("suffix", ["/token", "/revoke", "/introspect"])
async def test_a_store_that_is_away_is_a_503(ask, broker, suffix):
    broker.away = True

    reply = await ask(suffix, PASSWORD_FORM + b"&token=x", **basic())

    assert (reply.status, header(reply, "Retry-After")) == (503, "1")


async def test_a_form_over_64_kib_is_a_413(ask):
    assert (await ask("/token", b"a" * 65_537, **basic())).status == 413


@pytest.mark.parametrize("token", [b"ACCESS", b"REFRESH", b"unknown", b"%C3%BC"])
async def test_a_revocation_always_answers_200_and_nothing(ask, broker, token):
    reply = await ask("/revoke", b"token=" + token + b"&token_type_hint=whatever", **basic())

    assert (reply.status, reply.body, reply.headers) == (200, b"", NO_STORE)
    assert broker.asked[-1][0] == "revoke"


@pytest.mark.parametrize("suffix", ["/revoke", "/introspect"])
async def test_the_token_parameter_is_required(ask, suffix):
    reply = await ask(suffix, b"token_type_hint=access_token", **basic())

    assert reply.status == 400
    assert b'"The token is missing."' in reply.body


async def test_introspection_of_an_access_token(ask):
    reply = await ask("/introspect", b"token=ACCESS", **basic())

    assert reply.headers == JSON_HEADERS
    assert reply.body == (
        b'{"active":true,"scope":"rest-api reports","client_id":"portal","username":"ada","token_type":"Bearer",'
        b'"exp":1800000900,"iat":1800000000,"sub":"101","aud":"https://gate.example",'
        b'"iss":"https://gate.example/oauth2","jti":"unique"}'
    )


async def test_introspection_of_a_refresh_token(ask):
    reply = await ask("/introspect", b"token=REFRESH", **basic())

    assert reply.body == (
        b'{"active":true,"scope":"rest-api reports","client_id":"portal","username":"ada","exp":1802592000,'
        b'"sub":"101","aud":"https://gate.example","iss":"https://gate.example/oauth2"}'
    )


async def test_introspection_of_anything_else_tells_nothing(ask):
    reply = await ask("/introspect", b"token=unknown", **basic())

    assert (reply.status, reply.body) == (200, b'{"active":false}')


async def test_the_keys_are_published(ask):
    reply = await ask("/jwks", method="GET")

    assert (reply.status, reply.body, reply.headers) == (200, b'{"keys":[{"kty":"EC","kid":"e1"}]}', CACHED_HEADERS)


async def test_the_keys_stand_at_the_well_known_place_too(ask, dialect):
    known = await dialect.well_known()["GET", "/.well-known/jwks.json"](call("GET"))

    assert known == await ask("/jwks", method="GET")


async def test_the_metadata_stands_where_rfc_8414_says(dialect):
    reply = await dialect.well_known()["GET", "/.well-known/oauth-authorization-server/oauth2"](call("GET"))

    assert (reply.status, reply.headers) == (200, CACHED_HEADERS)
    assert json.loads(reply.body)["issuer"] == "https://gate.example/oauth2"


async def test_a_whole_life_on_the_real_store(rig):
    """Password, refresh, introspect, revoke: each sees what the one before it did."""

    async def post(suffix, body, client="portal"):
        reply = await rig.oauth2.handler("POST", suffix)(call(body=body.encode(), **basic(client, CLIENT_SECRET)))
        return json.loads(reply.body or b"null")

    first = await post("/token", f"grant_type=password&username=ada&password={quote_plus(PASSWORD)}")
    second = await post("/token", f"grant_type=refresh_token&refresh_token={first['refresh_token']}")

    live = await post("/introspect", f"token={second['access_token']}")
    assert (live["active"], live["username"], live["client_id"], live["scope"]) == (True, "ada", "portal", "rest-api")
    assert await post("/introspect", f"token={second['access_token']}", "other") == {"active": False}
    await post("/revoke", f"token={second['refresh_token']}", "other")
    assert (await post("/introspect", f"token={second['access_token']}"))["active"]
    await post("/revoke", f"token={second['refresh_token']}")
    for token in (first["access_token"], second["access_token"], second["refresh_token"]):
        assert await post("/introspect", f"token={token}") == {"active": False}


async def test_a_wrong_client_costs_the_same_401_on_the_real_registry(rig):
    for client, secret in (("portal", "wrong"), ("unknown", CLIENT_SECRET), ("elsewhere", CLIENT_SECRET)):
        reply = await rig.oauth2.handler("POST", "/token")(call(body=PASSWORD_FORM, **basic(client, secret)))
        assert (reply.status, json.loads(reply.body)["error"]) == (401, "invalid_client")


def test_its_options_are_none():
    with pytest.raises(ValueError, match="extra"):
        OAuth2.Options(pkce=True)
