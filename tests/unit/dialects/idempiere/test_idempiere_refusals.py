"""Every error body of the REST API, to the byte."""

from base64 import urlsafe_b64encode

import pytest
from fakes.garden import declined, problem

from gateway import errors
from gateway.dialects.idempiere.refusals import ClientUnknown, Declined, SessionMissing, parts_of, refused, token_text
from gateway.errors import Reason

NOW = 1_800_000_000.0
NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
JSON = ((b"Content-Type", b"application/json"), *NO_STORE)
SIGNATURE = "The Token's Signature resulted invalid when verified using the Algorithm: HmacSHA512"


def rejected(reason, presented=""):
    return errors.CredentialsRejected("x", reason=reason, presented=presented)


def unsigned(payload):
    return f"aaaa.{urlsafe_b64encode(payload).decode().rstrip('=')}.cccc"


@pytest.mark.parametrize(
    "error",
    [
        errors.CredentialsMissing(),
        errors.CredentialsMissing("x", reason=Reason.MISSING_SCHEME),
        errors.CredentialsMissing("x", reason=Reason.BAD_HEADER),
        rejected(Reason.PREAUTH, "a.b.c"),
        rejected(Reason.WRONG_KIND, "a.b.c"),
        rejected(Reason.UNKNOWN, "a.b.c"),
        rejected(Reason.OTHER_LOGIN, "a.b.c"),
        rejected(Reason.UNKNOWN_KEY),
        errors.Forbidden("role"),
        errors.InsufficientScope("scope"),
    ],
    ids=lambda error: f"{type(error).__name__}-{getattr(error, 'reason', '')}",
)
def test_a_refusal_that_says_nothing_is_an_empty_401(error):
    reply = refused(error, NOW)

    assert (reply.status, reply.body, reply.headers) == (401, b"", NO_STORE)


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (rejected(Reason.MALFORMED, "garbage"), "The token was expected to have 3 parts, but got 1."),
        (rejected(Reason.MALFORMED, ""), "The token was expected to have 3 parts, but got 1."),
        (rejected(Reason.MALFORMED, "a.b"), "The token was expected to have 3 parts, but got 2."),
        (rejected(Reason.MALFORMED, "a.b.c.d"), "The token was expected to have 3 parts, but got 4."),
        (rejected(Reason.MALFORMED, "!.!.!"), SIGNATURE),
        (rejected(Reason.EXPIRED, "a.b.c"), "Token has expired"),
        (rejected(Reason.BAD_SIGNATURE, unsigned(b'{"exp":1800000001}')), SIGNATURE),
        (rejected(Reason.BAD_SIGNATURE, unsigned(b'{"exp":1799999999}')), "Token has expired"),
        (rejected(Reason.REVOKED, "a.b.c"), "Token is revoked"),
        (rejected(Reason.USER_GONE, "a.b.c"), "User is inactive"),
        (rejected(Reason.TENANT_GONE, "a.b.c"), "Client is inactive"),
        (rejected(Reason.CHOICE_GONE, "a.b.c"), "Role is inactive"),
        (rejected(Reason.KEY_BLOCKED, "a-key"), "Token is blocked"),
        (rejected(Reason.KEY_EXPIRED, "a-key"), "Token has expired"),
    ],
)
def test_a_refused_token_is_told_in_the_title(error, title):
    reply = refused(error, NOW)

    assert (reply.status, reply.body, reply.headers) == (401, problem(title), JSON)


@pytest.mark.parametrize(
    "presented",
    [
        "a.b.c",
        "a.é.c",
        "",
        unsigned(b"[]"),
        unsigned(b'{"exp":"1"}'),
        unsigned(b"{}"),
        unsigned(b"\xff"),
        unsigned(b"[" * 20000),
    ],
)
def test_whatever_stands_where_claims_are_is_a_bad_signature_unless_it_says_it_expired(presented):
    assert refused(rejected(Reason.BAD_SIGNATURE, presented), NOW).body == problem(SIGNATURE)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (errors.LoginRejected(), "Invalid User ID or Password"),
        (errors.SelectionNeeded(), "Invalid User ID or Password"),
        (errors.AccountLocked(), "User account is locked, please contact the system administrator"),
        (Declined("Invalid clientId"), "Invalid clientId"),
    ],
)
def test_a_refused_login_is_told_in_the_detail(error, detail):
    reply = refused(error, NOW)

    assert (reply.status, reply.body, reply.headers) == (401, declined(detail), JSON)


def test_a_token_without_a_session_is_a_404():
    reply = refused(SessionMissing(), NOW)

    assert (reply.status, reply.body, reply.headers) == (404, b'{"title":"AD_Session_ID not found","status":404}', JSON)


def test_a_malformed_body_is_a_400_in_plain_text():
    reply = refused(errors.MalformedBody("The body is not valid JSON."), NOW)

    assert (reply.status, reply.body) == (400, b"The body is not valid JSON.")
    assert reply.headers == ((b"Content-Type", b"text/plain"), *NO_STORE)


@pytest.mark.parametrize(
    ("error", "status"), [(ClientUnknown(), 400), (errors.ClientGone(), 499), (errors.GatewayError(), 500)]
)
def test_what_idempiere_has_no_words_for_is_empty(error, status):
    assert (refused(error, NOW).status, refused(error, NOW).body) == (status, b"")


@pytest.mark.parametrize(
    ("error", "body", "more"),
    [
        (
            errors.StoreUnavailable(),
            b'{"title":"Service Unavailable","status":503,"detail":"The service is temporarily unavailable; try again shortly."}',
            ((b"Retry-After", b"1"),),
        ),
        (
            errors.Banned(retry_after=900),
            b'{"title":"Too Many Requests","status":429,"detail":"Too many failed logins; try again later."}',
            ((b"Retry-After", b"900"),),
        ),
        (
            errors.MethodNotAllowed(allow=("GET", "HEAD")),
            b'{"title":"Method Not Allowed","status":405,"detail":"This method is not allowed here."}',
            ((b"Allow", b"GET, HEAD"),),
        ),
        (
            errors.SeveralCredentials(),
            b'{"title":"Bad Request","status":400,"detail":"The request carries more than one credential."}',
            (),
        ),
        (errors.NotFound(), b'{"title":"Not Found","status":404,"detail":"There is nothing at this address."}', ()),
    ],
)
def test_the_gateway_s_own_failures_have_the_same_shape(error, body, more):
    reply = refused(error, NOW)

    assert (reply.status, reply.body, reply.headers) == (error.status, body, (*JSON, *more))


@pytest.mark.parametrize(
    ("token", "parts"),
    [("", 1), ("a", 1), ("a.", 1), ("a.b", 2), ("a.b.", 3), ("a.b.c", 3), ("..", 1), ("a.b.c.d", 4), ("a.b.c.", 3)],
)
def test_parts_are_counted_as_java_does(token, parts):
    assert parts_of(token) == parts


def test_other_reasons_are_none_of_java_jwt_s():
    assert token_text("reused", "a.b.c") == ""
    assert token_text("bad_signature", "a.b.c") == SIGNATURE
