"""`/oauth` of Jmix 1.x, to the byte: every row of its documentation and of spring-security-oauth behind it."""

import pytest
from fakes.still_broker import CLIENT, PAIR, StillBroker
from fakes.token_rig import ManualClock, call, still

from gateway.dialects.jmix.dialect import Jmix
from gateway.errors import (
    AccountLocked,
    Banned,
    CredentialsMissing,
    MethodNotAllowed,
    RefreshRejected,
    SelectionNeeded,
    StoreUnavailable,
)
from gateway.model import OAuthClient, TokenPair

BASIC = "Basic cG9ydGFsOnJpZ2h0"
FORM = {"content_type": "application/x-www-form-urlencoded"}
CLIENT_HEADERS = {**FORM, "authorization": BASIC}
PASSWORD = b"grant_type=password&username=ada&password=right"
JSON_HEADERS = (
    (b"Content-Type", b"application/json;charset=UTF-8"),
    (b"Cache-Control", b"no-store"),
    (b"Pragma", b"no-cache"),
)
BOOT_HEADERS = (
    (b"Content-Type", b"application/json"),
    (b"Cache-Control", b"no-store"),
    (b"Pragma", b"no-cache"),
)
TOKEN = "+xE0w/9cOsnpSo8v2jEDoI8+a3Y="
BASIC_CHALLENGE = (b"WWW-Authenticate", b'Basic realm="oauth2/client"')
ANSWER = (
    b'{"access_token":"ACCESS","token_type":"bearer","refresh_token":"REFRESH","expires_in":899,"scope":"rest-api",'
    b'"OAuth2.SESSION_ID":"2BB363A2AA67D262E01777B1209C8D40"}'
)


class Refusing(StillBroker):
    """Raises `refusal`, where there is one, instead of any token; `client` is whoever authenticates."""

    refusal = None
    client = CLIENT

    async def authenticate_client(self, readings, call):
        await super().authenticate_client(readings, call)
        return self.client

    async def login(self, *args):
        if self.refusal is not None:
            raise self.refusal
        return await super().login(*args)

    async def refresh(self, *args):
        if self.refusal is not None:
            raise self.refusal
        return await super().refresh(*args)


class Asked:
    """A dialect over a still broker."""

    def __init__(self, **options):
        self.broker = Refusing()
        self.dialect = still(Jmix, "/oauth", self.broker, options, clock=ManualClock(1_800_000_000.25))

    async def __call__(self, body=PASSWORD, method="POST", suffix="/token", query="", **headers):
        handler = self.dialect.endpoints()[method, suffix]
        return await handler(call(method, f"/oauth{suffix}", body, query, **(headers or CLIENT_HEADERS)))


@pytest.fixture
def ask():
    return Asked()


async def test_a_login_answers_in_spring_s_order(ask):
    reply = await ask()

    assert (reply.status, reply.body, reply.headers) == (200, ANSWER, JSON_HEADERS)
    assert ask.broker.asked[1] == ("login", "ada", "right", CLIENT, None)


async def test_a_refresh_answers_the_same_members(ask):
    reply = await ask(b"grant_type=refresh_token&refresh_token=REFRESH")

    assert (reply.status, reply.body, reply.headers) == (200, ANSWER, JSON_HEADERS)
    assert ask.broker.asked[1] == ("refresh", "REFRESH", CLIENT, None)


async def test_without_a_refresh_token_and_without_an_end_those_members_are_left_out(ask):
    ask.broker.pair = TokenPair(PAIR.session, "ACCESS", 0)

    reply = await ask()

    assert reply.body == (
        b'{"access_token":"ACCESS","token_type":"bearer","scope":"rest-api",'
        b'"OAuth2.SESSION_ID":"2BB363A2AA67D262E01777B1209C8D40"}'
    )


@pytest.mark.parametrize(
    ("option", "asked", "told"),
    [
        ("rest-api", b"", b'"scope":"rest-api"'),
        ("api", b"", b'"scope":"api"'),
        ("rest-api", b"&scope=api", b'"scope":"api"'),
        ("api", b"&scope=rest-api", b'"scope":"rest-api"'),
        ("api", b"&scope=", b'"scope":"api"'),
    ],
)
async def test_the_scope_is_the_documented_one_or_that_of_the_code(option, asked, told):
    assert told in (await Asked(scope=option)(PASSWORD + asked)).body


async def test_any_other_scope_is_refused(ask):
    reply = await ask(PASSWORD + b"&scope=email+api")

    assert (reply.status, reply.body, reply.headers) == (
        400,
        b'{"error":"invalid_scope","error_description":"Invalid scope","scope":"rest-api"}',
        JSON_HEADERS,
    )


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_other_methods_are_405_by_their_name(ask, method):
    reply = ask.dialect.refuse(MethodNotAllowed(allow=("POST",), method=method))

    assert (reply.status, reply.headers) == (405, (*JSON_HEADERS, (b"Allow", b"POST")))
    assert reply.body == b'{"error":"method_not_allowed","error_description":"Request method \'%b\' not supported"}' % (
        method.encode()
    )


@pytest.mark.parametrize(
    ("sent", "meant"), [(TOKEN, TOKEN), (TOKEN.replace("+", "%2B"), TOKEN), ("no token", "no token")]
)
async def test_a_token_may_stand_in_a_form_as_it_is_printed(ask, sent, meant):
    await ask(b"grant_type=refresh_token&refresh_token=" + sent.encode())
    await ask(b"token=" + sent.encode(), suffix="/revoke")

    assert [each[:2] for each in ask.broker.asked[1::2]] == [("refresh", meant), ("revoke_any", meant)]


@pytest.mark.parametrize("suffix", ["/token", "/revoke"])
@pytest.mark.parametrize(
    "headers",
    [
        FORM,
        {**FORM, "authorization": "Basic cG9ydGFsOndyb25n"},
        {**FORM, "authorization": "Basic bm9ib2R5OnJpZ2h0"},
        {**FORM, "authorization": "Basic portal right"},
        {**FORM, "authorization": "Basic"},
        {**FORM, "authorization": "Bearer ACCESS"},
    ],
)
async def test_a_client_that_is_not_known_gets_spring_boot_s_error(ask, suffix, headers):
    """A client in the body does not count: form authentication of clients is off."""
    body = PASSWORD + b"&token=ACCESS&client_id=portal&client_secret=right"

    reply = await ask(body, suffix=suffix, **headers)

    assert (reply.status, reply.body) == (
        401,
        b'{"timestamp":"2027-01-15T08:00:00.250+00:00","status":401,"error":"Unauthorized","path":"/oauth%b"}'
        % suffix.encode(),
    )
    assert reply.headers == (*BOOT_HEADERS, BASIC_CHALLENGE)


@pytest.mark.parametrize(
    ("body", "status", "error", "description"),
    [
        (b"", 400, b"invalid_request", b"Missing grant type"),
        (b"username=ada&password=right", 400, b"invalid_request", b"Missing grant type"),
        (b"grant_type=", 400, b"invalid_request", b"Missing grant type"),
        (b"grant_type=magic", 400, b"unsupported_grant_type", b"Unsupported grant type"),
        (b"grant_type=PASSWORD", 400, b"unsupported_grant_type", b"Unsupported grant type"),
        (b"grant_type=refresh_token", 400, b"invalid_request", b"refresh_token parameter not provided"),
        (PASSWORD.replace(b"right", b"wrong"), 400, b"invalid_grant", b"Bad credentials"),
        (PASSWORD.replace(b"ada", b"nobody"), 400, b"invalid_grant", b"Bad credentials"),
        (b"grant_type=password", 400, b"invalid_grant", b"Bad credentials"),
        (PASSWORD + b"&username=bob", 400, b"invalid_request", b"A parameter appears more than once."),
        (b"grant_type=refresh_token&refresh_token=x%2By", 400, b"invalid_grant", b"Invalid refresh token: x+y"),
        (
            b"grant_type=refresh_token&refresh_token=%3Cb%3E%22'%26",
            400,
            b"invalid_grant",
            b"Invalid refresh token: &lt;b&gt;&quot;&#39;&amp;",
        ),
    ],
)
async def test_what_is_wrong_is_told(ask, body, status, error, description):
    reply = await ask(body)

    assert reply.status == status
    assert reply.body == b'{"error":"%b","error_description":"%b"}' % (error, description)
    assert reply.headers == JSON_HEADERS


async def test_only_a_form_has_parameters(ask):
    headers = {"content_type": "application/json", "authorization": BASIC}
    reply = await ask(b'{"grant_type":"password"}', query=PASSWORD.decode(), **headers)

    assert reply.body == b'{"error":"invalid_request","error_description":"Missing grant type"}'


@pytest.mark.parametrize("grant", ["client_credentials", "authorization_code", "external"])
async def test_a_grant_that_the_client_has_not_is_a_401_of_the_client(ask, grant):
    reply = await ask(f"grant_type={grant}".encode())

    assert (reply.status, reply.body) == (
        401,
        b'{"error":"invalid_client","error_description":"Unauthorized grant type: %b"}' % grant.encode(),
    )
    challenge = b'Bearer error="invalid_client", error_description="Unauthorized grant type: %b"' % grant.encode()
    assert reply.headers == (*JSON_HEADERS, (b"WWW-Authenticate", challenge))


@pytest.mark.parametrize("grant", [b"password", b"refresh_token"])
async def test_so_is_one_that_only_others_have(ask, grant):
    ask.broker.client = OAuthClient("portal", "hash", frozenset(("client_credentials",)))

    reply = await ask(b"grant_type=%b&refresh_token=REFRESH&username=ada&password=right" % grant)

    assert reply.status == 401
    assert reply.body == b'{"error":"invalid_client","error_description":"Unauthorized grant type: %b"}' % grant


async def test_a_client_id_in_the_body_has_to_be_the_one_that_authenticates(ask):
    assert (await ask(PASSWORD + b"&client_id=portal")).status == 200
    reply = await ask(PASSWORD + b"&client_id=other")

    assert (reply.status, reply.body) == (
        401,
        b'{"error":"invalid_client","error_description":"Given client ID does not match authenticated client"}',
    )


@pytest.mark.parametrize(
    ("reason", "description"),
    [
        ("another_client", b"Wrong client for this refresh token: R+/="),
        *[
            (reason, b"Invalid refresh token: R+/=")
            for reason in ("unknown", "malformed", "bad_signature", "wrong_kind", "revoked", "reused", "removed")
        ],
    ],
)
async def test_a_dead_refresh_token_is_told_by_its_name(ask, reason, description):
    ask.broker.refusal = RefreshRejected(reason)

    reply = await ask(b"grant_type=refresh_token&refresh_token=R%2B/=")

    assert (reply.status, reply.headers) == (400, JSON_HEADERS)
    assert reply.body == b'{"error":"invalid_grant","error_description":"%b"}' % description


async def test_an_expired_one_is_a_401(ask):
    ask.broker.refusal = RefreshRejected("expired")

    reply = await ask(b"grant_type=refresh_token&refresh_token=R%2B/=")

    said = b"Invalid refresh token (expired): R+/="
    assert (reply.status, reply.body) == (401, b'{"error":"invalid_token","error_description":"%b"}' % said)
    challenge = b'Bearer error="invalid_token", error_description="%b"' % said
    assert reply.headers == (*JSON_HEADERS, (b"WWW-Authenticate", challenge))


@pytest.mark.parametrize(
    ("error", "description"),
    [(AccountLocked(), b"User account is locked"), (SelectionNeeded(), b"Bad credentials")],
)
async def test_a_login_that_another_thing_than_the_password_forbids(ask, error, description):
    ask.broker.refusal = error

    reply = await ask()

    assert (reply.status, reply.body) == (
        400,
        b'{"error":"invalid_grant","error_description":"%b"}' % description,
    )


@pytest.mark.parametrize(
    ("error", "status", "code", "description", "wait"),
    [
        (Banned(retry_after=540), 429, b"too_many_requests", b"Too many failed logins; try again later.", b"540"),
        (
            StoreUnavailable(),
            503,
            b"temporarily_unavailable",
            b"The service is temporarily unavailable; try again shortly.",
            b"1",
        ),
    ],
)
async def test_a_ban_and_an_outage_say_when_to_come_back(ask, error, status, code, description, wait):
    ask.broker.refusal = error

    reply = await ask()

    assert (reply.status, reply.headers) == (status, (*JSON_HEADERS, (b"Retry-After", wait)))
    assert reply.body == b'{"error":"%b","error_description":"%b"}' % (code, description)


@pytest.mark.parametrize("body", [b"token=ACCESS", b"token=x&token_type_hint=refresh_token", b"token=unknown"])
async def test_revocation_is_200_and_empty_whatever_the_token(ask, body):
    reply = await ask(body, suffix="/revoke")

    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers == ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
    assert ask.broker.asked[1][0] == "revoke_any"


async def test_a_revocation_of_nothing_is_a_bad_request(ask):
    reply = await ask(b"token_type_hint=access_token", suffix="/revoke")

    assert (reply.status, reply.body, reply.headers) == (
        400,
        b'{"timestamp":"2027-01-15T08:00:00.250+00:00","status":400,"error":"Bad Request","path":"/oauth/revoke"}',
        BOOT_HEADERS,
    )


def test_there_are_no_other_endpoints(ask):
    assert set(ask.dialect.endpoints()) == {("POST", "/token"), ("POST", "/revoke")}
    assert ask.dialect.well_known() == {}


def test_a_token_is_read_wherever_a_client_may_put_it(ask):
    reading = ask.dialect.reading

    assert (reading.scheme_case_sensitive, reading.bearer_is_strict, reading.comma_cut) == (False, False, True)
    assert (reading.header_wins, reading.url_token_methods, reading.url_token_in_form) == (True, None, True)
    assert (reading.tells_token, reading.preflight_status) == (True, 200)


def test_a_route_is_refused_in_the_same_way(ask):
    reply = ask.dialect.refuse(CredentialsMissing(), None, "req-1")

    assert (reply.status, reply.headers[:3]) == (401, JSON_HEADERS)
