"""`/oauth2` of Jmix 2.x and 3.x, to the byte."""

import pytest
from fakes.still_broker import CLIENT, PAIR, StillBroker
from fakes.token_rig import ManualClock, call, header, still

from gateway.dialects.jmix.dialect import Jmix
from gateway.errors import (
    AccountLocked,
    Banned,
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    LoginRejected,
    MethodNotAllowed,
    Reason,
    RefreshRejected,
    ScopeRejected,
    SeveralCredentials,
    StoreUnavailable,
    UpstreamFault,
)
from gateway.model import OAuthClient, TokenPair

CLIENT_HEADERS = {"content_type": "application/x-www-form-urlencoded", "authorization": "Basic cG9ydGFsOnJpZ2h0"}
PASSWORD = b"grant_type=password&username=ada&password=right"
NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
JSON_HEADERS = ((b"Content-Type", b"application/json;charset=UTF-8"), *NO_STORE)
TOKEN_ERRORS = b"https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"
ANSWER = b'{"access_token":"ACCESS","refresh_token":"REFRESH","token_type":"Bearer","expires_in":899}'


class Broker(StillBroker):
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


class Asked:
    """A dialect over a still broker."""

    def __init__(self, path="/oauth2"):
        self.broker = Broker()
        self.path = path
        self.dialect = still(Jmix, path, self.broker, {"generation": 2}, clock=ManualClock())

    async def __call__(self, body=PASSWORD, suffix="/token", **headers):
        handler = self.dialect.endpoints()["POST", suffix]
        return await handler(call("POST", self.path + suffix, body, **(headers or CLIENT_HEADERS)))

    async def logout(self, method="POST", query="", **headers):
        handler = self.dialect.well_known()[method, "/logout"]
        return await handler(call(method, "/logout", b"", query, **headers))


@pytest.fixture
def ask():
    return Asked()


@pytest.mark.parametrize("body", [PASSWORD, b"grant_type=refresh_token&refresh_token=REFRESH"])
async def test_a_login_and_a_refresh_answer_alike(ask, body):
    reply = await ask(body)

    assert (reply.status, reply.body, reply.headers) == (200, ANSWER, JSON_HEADERS)


async def test_five_minutes_are_told_a_second_short(ask):
    ask.broker.pair = TokenPair(PAIR.session, "ACCESS", 300)

    assert (await ask()).body == b'{"access_token":"ACCESS","token_type":"Bearer","expires_in":299}'


async def test_a_scope_is_told_where_it_was_asked_for(ask):
    reply = await ask(PASSWORD + b"&scope=rest-api+reports")

    assert reply.body == ANSWER.replace(b'"token_type"', b'"scope":"rest-api reports","token_type"')
    assert ask.broker.asked[1] == ("login", "ada", "right", CLIENT, ("rest-api", "reports"))


async def test_a_client_logs_in_for_itself(ask):
    reply = await ask(b"grant_type=client_credentials")

    assert reply.body == b'{"access_token":"ACCESS","token_type":"Bearer","expires_in":899}'


@pytest.mark.parametrize("suffix", ["/token", "/revoke"])
@pytest.mark.parametrize("authorization", ["", "Basic cG9ydGFsOndyb25n", "Basic ?", "Bearer ACCESS"])
async def test_a_client_that_is_not_known_gets_only_the_code(ask, suffix, authorization):
    body = PASSWORD + b"&token=ACCESS&client_id=portal&client_secret=right"
    reply = await ask(body, suffix, content_type="application/x-www-form-urlencoded", authorization=authorization)

    assert (reply.status, reply.body) == (401, b'{"error":"invalid_client"}')
    assert reply.headers == (*JSON_HEADERS, (b"WWW-Authenticate", b'Basic realm="oauth2", charset="UTF-8"'))


@pytest.mark.parametrize(
    ("body", "error", "description"),
    [
        (b"", b"invalid_request", b"OAuth 2.0 Parameter: grant_type"),
        (b"grant_type=password&password=right", b"invalid_request", b"OAuth 2.0 Parameter: username"),
        (b"grant_type=password&username=ada", b"invalid_request", b"OAuth 2.0 Parameter: password"),
        (b"grant_type=refresh_token", b"invalid_request", b"OAuth 2.0 Parameter: refresh_token"),
        (b"grant_type=magic", b"unsupported_grant_type", b"OAuth 2.0 Parameter: grant_type"),
        (PASSWORD.replace(b"right", b"wrong"), b"invalid_grant", b"Bad credentials"),
        (PASSWORD + b"&username=x", b"invalid_request", b"A parameter appears more than once."),
    ],
)
async def test_what_is_wrong_is_told_with_where_to_read_of_it(ask, body, error, description):
    reply = await ask(body)

    assert (reply.status, reply.headers) == (400, JSON_HEADERS)
    assert reply.body == b'{"error":"%b","error_description":"%b","error_uri":"%b"}' % (
        error, description, TOKEN_ERRORS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("refusal", "description"), [(AccountLocked(), b"User account is locked"), (LoginRejected(), b"Bad credentials")]
)
async def test_a_locked_account_is_no_wrong_password(ask, refusal, description):
    ask.broker.refusal = refusal

    assert b'{"error":"invalid_grant","error_description":"%b",' % description in (await ask()).body


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"grant_type=refresh_token&refresh_token=dead", b"invalid_grant"),
        (b"grant_type=authorization_code&code=x", b"unauthorized_client"),
        (PASSWORD + b'&scope="', b"invalid_scope"),
    ],
)
async def test_some_failures_are_only_a_code(ask, body, error):
    reply = await ask(body)

    assert (reply.status, reply.body, reply.headers) == (400, b'{"error":"%b"}' % error, JSON_HEADERS)


@pytest.mark.parametrize("refusal", [RefreshRejected("expired"), RefreshRejected("reused"), ScopeRejected()])
async def test_so_are_those_that_the_broker_finds(ask, refusal):
    ask.broker.refusal = refusal

    assert (await ask()).body in {b'{"error":"invalid_grant"}', b'{"error":"invalid_scope"}'}


async def test_a_grant_that_the_client_has_not_is_only_a_code(ask):
    ask.broker.client = OAuthClient("portal", "hash", frozenset())

    assert (await ask()).body == b'{"error":"unauthorized_client"}'


@pytest.mark.parametrize(
    ("refusal", "status", "wait"), [(Banned(retry_after=540), 429, b"540"), (StoreUnavailable(), 503, b"1")]
)
async def test_a_ban_and_an_outage_say_when_to_come_back(ask, refusal, status, wait):
    ask.broker.refusal = refusal

    reply = await ask()

    assert (reply.status, reply.headers) == (status, (*JSON_HEADERS, (b"Retry-After", wait)))


async def test_revocation_is_200_and_empty_whatever_the_token(ask):
    for body in (b"token=ACCESS", b"token=unknown&token_type_hint=access_token"):
        reply = await ask(body, "/revoke")

        assert (reply.status, reply.body, reply.headers) == (200, b"", NO_STORE)
    assert {what for what, *_ in ask.broker.asked} == {"authenticate_client", "revoke"}


async def test_a_revocation_of_nothing_names_the_parameter(ask):
    reply = await ask(b"", "/revoke")

    assert (reply.status, reply.body) == (
        400,
        (
            b'{"error":"invalid_request","error_description":"OAuth 2.0 Parameter: token",'
            b'"error_uri":"https://datatracker.ietf.org/doc/html/rfc7009#section-2.1"}'
        ),
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("authorization", "ended"), [("Bearer ACCESS", True), ("bearer ACCESS", True), ("Bearer dead", False), ("", False)]
)
async def test_logout_ends_the_session_and_the_cookie_and_sends_on(ask, method, authorization, ended):
    reply = await ask.logout(method, authorization=authorization)

    assert (reply.status, reply.body) == (302, b"")
    assert reply.headers == (
        *NO_STORE,
        (b"Set-Cookie", b"JSESSIONID=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"),
        (b"Location", b"/"),
    )
    assert ("logout" in [what for what, *_ in ask.broker.asked]) is ended


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("post_logout_redirect_uri=/app%3Fa%3D1", "/app?a=1"),
        ("post_logout_redirect_uri=//evil.example", "/"),
        ("post_logout_redirect_uri=/%5Cevil.example", "/"),
        ("post_logout_redirect_uri=https://evil.example/", "/"),
        ("post_logout_redirect_uri=/%0d%0aX:%20y", "/"),
        ("post_logout_redirect_uri=/%E9", "/"),
        ("post_logout_redirect_uri=a&post_logout_redirect_uri=b", "/"),
        ("x=1", "/"),
    ],
)
async def test_a_logout_leads_nowhere_else(ask, query, location):
    assert header(await ask.logout("GET", query, authorization="Bearer ACCESS"), "location") == location


async def test_logout_when_the_store_is_away_is_no_logout(ask):
    ask.broker.away = True

    assert (await ask.logout(authorization="Bearer ACCESS")).status == 503


def test_logout_stands_beside_the_login_s_path():
    assert set(Asked("/erp/oauth2").dialect.well_known()) == {("GET", "/erp/logout"), ("POST", "/erp/logout")}


def test_a_token_is_read_in_the_header_only(ask):
    reading = ask.dialect.reading

    assert (reading.url_token_methods, reading.url_token_in_form, reading.header_wins) == (frozenset(), False, False)
    assert (reading.bearer_is_strict, reading.comma_cut, reading.tells_token) == (True, False, False)
    assert reading.preflight_status == 200


@pytest.mark.parametrize(
    ("error", "status", "challenge"),
    [
        (CredentialsMissing(), 401, b"Bearer"),
        *[
            (
                CredentialsRejected(reason=reason, presented="SECRET"),
                401,
                (
                    b'Bearer error="invalid_token", error_description="Authorization for provided access token not found", '
                    b'error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"'
                ),
            )
            for reason in Reason
            if reason is not Reason.BAD_HEADER
        ],
        (
            CredentialsRejected(reason=Reason.BAD_HEADER),
            401,
            (
                b'Bearer error="invalid_token", error_description="Bearer token is malformed", '
                b'error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"'
            ),
        ),
        (
            SeveralCredentials(),
            400,
            (
                b'Bearer error="invalid_request", error_description="Found multiple bearer tokens in the request", '
                b'error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"'
            ),
        ),
        (
            Forbidden(),
            403,
            (
                b'Bearer error="insufficient_scope", error_description="The request requires higher privileges than '
                b'provided by the access token.", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"'
            ),
        ),
    ],
)
def test_a_route_is_refused_with_an_empty_body(ask, error, status, challenge):
    reply = ask.dialect.refuse(error, None, "req-1")

    assert (reply.status, reply.body) == (status, b"")
    assert reply.headers == (*NO_STORE, (b"WWW-Authenticate", challenge))


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (
            UpstreamFault(),
            b'{"error":"bad_gateway","error_description":"The service behind the gateway could not be reached."}',
        ),
        (
            MethodNotAllowed(allow=("POST",)),
            b'{"error":"method_not_allowed","error_description":"This method is not allowed here."}',
        ),
    ],
)
def test_other_failures_are_the_gateway_s_own(ask, error, body):
    reply = ask.dialect.refuse(error, None, "req-1")

    assert (reply.status, reply.body) == (error.status, body)
