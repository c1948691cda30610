"""Dialect `itempath`, to the byte."""

import json
from dataclasses import replace
from math import inf

import pytest
from fakes.still_broker import ACCOUNT, PAIR, SESSION, StillBroker
from fakes.token_rig import PASSWORD, PASSWORD_HASH, SECRET, call, still

from gateway.config.identities import UsersOptions
from gateway.dialects.itempath import ItemPath
from gateway.errors import (
    AccountLocked,
    CredentialsMissing,
    CredentialsRejected,
    LoginRejected,
    Reason,
    RefreshRejected,
)
from gateway.model import TokenKind, TokenPair
from gateway.tokens.codec import Jws
from gateway.tokens.keys import KeyMaterial, SigningKeys

PATH = "/api/users"
JSON = {"content_type": "application/json"}
HEADERS = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
LOGIN = b'{ "username": "ada", "password": "right"}'
EXPECTED = "Expected 'Authorization: Bearer <JWT>'"
REFRESHES = [("POST", "/refresh"), ("GET", "/refresh"), ("POST", "/application-token")]


async def ask(method, suffix, body=b"", broker=None, **headers):
    dialect = still(ItemPath, PATH, broker or StillBroker())
    return await dialect.endpoints()[method, suffix](call(method, PATH + suffix, body, **headers))


def message(text):
    return json.dumps({"msg": text}, separators=(",", ":")).encode() + b"\n"


async def test_a_login_answers_the_members_of_both_documented_bodies():
    broker = StillBroker()
    reply = await ask("POST", "/login", LOGIN, broker, **JSON)

    assert (reply.status, reply.headers) == (200, HEADERS)
    assert reply.body == b'{"login":true,"accessToken":"ACCESS","refreshToken":"REFRESH","username":"ada","id":101}\n'
    assert broker.asked == [("login", "ada", "right", None, None)]


async def test_a_stale_bearer_token_does_not_matter_at_login():
    assert (await ask("POST", "/login", LOGIN, authorization="Bearer stale", **JSON)).status == 200


async def test_names_and_ids_are_told_as_they_are():
    broker = StillBroker()
    broker.pair = TokenPair(replace(SESSION, user="Zoë", user_id="zoe"), "A", 900, "R")
    reply = await ask("POST", "/login", LOGIN, broker, **JSON)

    assert reply.body.endswith(b'"username":"Zo\\u00eb","id":"zoe"}\n')


@pytest.mark.parametrize("member", [b'"password": "wrong"', b'"username": "nobody", "password": "right"'])
async def test_wrong_credentials_are_404(member):
    body = b'{ "username": "ada", ' + member + b"}" if b"username" not in member else b"{" + member + b"}"
    reply = await ask("POST", "/login", body, **JSON)

    assert (reply.status, reply.body, reply.headers) == (404, message("Bad username or password"), HEADERS)


async def test_a_locked_account_is_403():
    class Locked(StillBroker):
        async def login(self, *_):
            raise AccountLocked

    assert (await ask("POST", "/login", LOGIN, Locked(), **JSON)).status == 403


@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        (b"{}", JSON, 400, "The username is missing."),
        (b'{"username":"ada"}', JSON, 400, "The password is missing."),
        (b'{"username":1,"password":"x"}', JSON, 400, "The username is not a string."),
        (b"[]", JSON, 400, "The body is not a JSON object."),
        (b"{", JSON, 400, "The body is not valid JSON."),
        (LOGIN, {"content_type": "text/plain"}, 415, "This endpoint does not read this content type."),
        (LOGIN, {}, 415, "This endpoint does not read this content type."),
    ],
)
async def test_a_login_that_cannot_be_read_is_refused(body, headers, status, told):
    reply = await ask("POST", "/login", body, **headers)

    assert (reply.status, reply.body) == (status, message(told))


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_refresh_answers_a_new_access_token_only(method):
    broker = StillBroker()
    reply = await ask(method, "/refresh", b"", broker, authorization="Bearer REFRESH")

    assert (reply.status, reply.body, reply.headers) == (200, b'{"accessToken":"ACCESS"}\n', HEADERS)
    assert broker.asked == [("refresh", "REFRESH", None, None)]


async def test_a_login_that_rotates_tells_the_new_refresh_token():
    broker = StillBroker()
    broker.pair = replace(PAIR, refresh_token="NEXT")
    reply = await ask("POST", "/refresh", b"", broker, authorization="Bearer REFRESH")

    assert reply.body == b'{"accessToken":"ACCESS","refreshToken":"NEXT"}\n'


async def test_an_application_token_is_for_users_of_that_type():
    broker = StillBroker()
    broker.account = replace(ACCOUNT, type="application")
    reply = await ask("POST", "/application-token", b"", broker, authorization="Bearer REFRESH", **JSON)

    assert (reply.status, reply.body, reply.headers) == (200, b'{"token":"APPLICATION"}\n', HEADERS)
    assert broker.asked == [("live", b"REFRESH", (TokenKind.REFRESH,)), ("application_token", TokenKind.REFRESH)]


async def test_other_users_get_no_application_token():
    reply = await ask("POST", "/application-token", authorization="Bearer REFRESH")

    told = "Only users of type application can create application tokens"
    assert (reply.status, reply.body) == (403, message(told))


@pytest.mark.parametrize(("method", "suffix"), REFRESHES)
@pytest.mark.parametrize(
    ("header", "status", "told"),
    [
        (None, 401, "Missing Authorization Header"),
        (" , ", 401, "Missing Authorization Header"),
        ("Basic YTpi", 401, f"Missing 'Bearer' type in 'Authorization' header. {EXPECTED}"),
        ("REFRESH", 401, f"Missing 'Bearer' type in 'Authorization' header. {EXPECTED}"),
        ("bearer REFRESH", 401, f"Missing 'Bearer' type in 'Authorization' header. {EXPECTED}"),
        ("Bearer", 422, f"Bad Authorization header. {EXPECTED}"),
        ("Bearer a b", 422, f"Bad Authorization header. {EXPECTED}"),
        ("Bearer garbage", 422, "Not enough segments"),
        ("Bearer \xe9.e30.e30", 422, "Invalid header padding"),
    ],
)
async def test_a_refresh_token_is_a_bearer_credential(method, suffix, header, status, told):
    class Judging(StillBroker):
        async def refresh(self, token, *_):
            raise RefreshRejected("malformed")

    headers = {} if header is None else {"authorization": header}
    reply = await ask(method, suffix, b"", Judging(), **headers)

    assert (reply.status, reply.body, reply.headers) == (status, message(told), HEADERS)


@pytest.mark.parametrize(
    ("reason", "status", "told"),
    [
        ("expired", 401, "Token has expired"),
        ("wrong_kind", 422, "Only refresh tokens are allowed"),
        ("revoked", 401, "Token has been revoked"),
        ("unknown", 401, "Token has been revoked"),
        ("removed", 401, "Token has been revoked"),
        ("reused", 401, "Token has been revoked"),
        ("another_client", 401, "Token has been revoked"),
        ("malformed", 422, "Invalid header padding"),
        ("bad_signature", 422, "Invalid header padding"),
    ],
)
async def test_a_refused_refresh_says_why(reason, status, told):
    class Refusing(StillBroker):
        async def refresh(self, token, *_):
            raise RefreshRejected(reason)

    reply = await ask("POST", "/refresh", b"", Refusing(), authorization="Bearer a.b.c")

    assert (reply.status, reply.body) == (status, message(told))


def test_a_route_refuses_where_an_access_token_is_wanted():
    dialect = still(ItemPath, PATH, StillBroker())

    assert dialect.refuse(CredentialsMissing()).body == message("Missing Authorization Header")
    assert dialect.refuse(CredentialsRejected(reason=Reason.WRONG_KIND)).body == message(
        "Only non-refresh tokens are allowed"
    )
    assert dialect.refuse(LoginRejected()).status == 404


def test_a_token_of_ours_without_an_identity_is_told_so():
    nameless = _signed_without_identity()

    reply = still(ItemPath, PATH, StillBroker()).refuse(
        CredentialsRejected(reason=Reason.BAD_SIGNATURE, presented=nameless)
    )

    assert (reply.status, reply.body) == (422, message("Missing claim: identity"))


def _signed_without_identity():
    ring = SigningKeys([KeyMaterial("k1", "HS256", SECRET)]).ring("itempath")
    keys = ring.hmac_keys("HS256", "itempath access")
    return Jws(keys, lambda _: {"typ": "JWT", "alg": "HS256"}).encode({"type": "access"})


def test_routes_read_the_header_as_flask_jwt_extended_does():
    reading = ItemPath.reading

    assert (reading.scheme_case_sensitive, reading.bearer_is_strict, reading.tells_token) == (True, False, True)


@pytest.fixture
def login(rig_with):
    listed = [
        {"username": "mgordon", "password_hash": PASSWORD_HASH, "id": "7"},
        {"username": "robot", "password_hash": PASSWORD_HASH, "id": "8", "type": "application"},
    ]
    users = UsersOptions.model_validate({"users": listed})
    return rig_with(dialects={"itempath": (ItemPath, PATH, {})}, listed=users).logins["itempath"]


async def use(login, method, suffix, body=b"", **headers):
    reply = await login.handler(method, suffix)(call(method, PATH + suffix, body, **headers))
    return reply.status, json.loads(reply.body)


async def sign_in(login, username="mgordon"):
    body = json.dumps({"username": username, "password": PASSWORD}).encode()
    status, answer = await use(login, "POST", "/login", body, **JSON)
    assert status == 200, answer
    return answer


async def test_an_access_token_lives_a_quarter_of_an_hour_and_a_refresh_token_thirty_days(login, clock):
    pair = await sign_in(login)
    held = {"authorization": f"Bearer {pair['refreshToken']}"}
    clock.advance(901)
    with pytest.raises(CredentialsRejected) as error:
        await login.broker.authenticate(pair["accessToken"].encode())
    assert error.value.reason is Reason.EXPIRED

    for _ in range(29):
        clock.advance(86400)
        status, answer = await use(login, "POST", "/refresh", **held)
        assert (status, list(answer)) == (200, ["accessToken"])
    await login.broker.authenticate(answer["accessToken"].encode())
    clock.advance(86400)

    assert await use(login, "POST", "/refresh", **held) == (401, {"msg": "Token has expired"})


async def test_a_refresh_leaves_the_earlier_access_token_valid(login):
    pair = await sign_in(login)

    _, answer = await use(login, "GET", "/refresh", authorization=f"Bearer {pair['refreshToken']}")

    for token in (pair["accessToken"], answer["accessToken"]):
        await login.broker.authenticate(token.encode())


async def test_an_application_token_never_ends(login, clock):
    pair = await sign_in(login, "robot")
    _, answer = await use(login, "POST", "/application-token", authorization=f"Bearer {pair['refreshToken']}")
    clock.advance(20 * 365 * 86400)

    verified = await login.broker.authenticate(answer["token"].encode())

    assert (verified.identity.user, verified.expires_at) == ("robot", inf)


async def test_a_token_of_the_wrong_kind_is_told_so_and_an_expired_one_first(login, clock):
    pair = await sign_in(login, "robot")
    held = {"authorization": f"Bearer {pair['accessToken']}"}
    _, answer = await use(login, "POST", "/application-token", authorization=f"Bearer {pair['refreshToken']}")
    wrong = (422, {"msg": "Only refresh tokens are allowed"})

    for method, suffix in REFRESHES:
        assert await use(login, method, suffix, **held) == wrong
        assert await use(login, method, suffix, authorization=f"Bearer {answer['token']}") == wrong
    with pytest.raises(CredentialsRejected) as error:
        await login.broker.authenticate(pair["refreshToken"].encode())
    clock.advance(901)

    assert login.dialect.refuse(error.value).body == message("Only non-refresh tokens are allowed")
    for method, suffix in REFRESHES:
        assert await use(login, method, suffix, **held) == (401, {"msg": "Token has expired"})


async def test_a_login_may_be_set_to_opaque_tokens(rig_with):
    rig = rig_with(dialects={"itempath": (ItemPath, PATH, {})}, format="opaque")
    body = json.dumps({"username": "ada", "password": PASSWORD}).encode()

    _, answer = await use(rig.logins["itempath"], "POST", "/login", body, **JSON)

    assert answer["accessToken"].startswith("gwa_")
    refreshed = await use(rig.logins["itempath"], "POST", "/refresh", authorization=f"Bearer {answer['refreshToken']}")
    assert refreshed[0] == 200
