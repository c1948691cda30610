"""What Jmix 1.x says of a request that a route refuses, to the byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.jmix.refusals import Declined, declined, refused
from gateway.errors import (
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    InsufficientScope,
    MethodNotAllowed,
    Reason,
    SeveralCredentials,
    Unavailable,
    UpstreamFault,
)

JSON_HEADERS = (
    (b"Content-Type", b"application/json;charset=UTF-8"),
    (b"Cache-Control", b"no-store"),
    (b"Pragma", b"no-cache"),
)


@pytest.mark.parametrize("reason", [Reason.ABSENT, Reason.MISSING_SCHEME])
def test_without_a_token_full_authentication_is_required(reason):
    reply = refused(CredentialsMissing(reason=reason))

    said = b"Full authentication is required to access this resource"
    assert (reply.status, reply.body) == (401, b'{"error":"unauthorized","error_description":"%b"}' % said)
    challenge = b'Bearer realm="oauth2-resource", error="unauthorized", error_description="%b"' % said
    assert reply.headers == (*JSON_HEADERS, (b"WWW-Authenticate", challenge))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.EXPIRED, b"Access token expired: CXE0w/9cOsnpSo8v2jEDoI8Qa3Y="),
        *[
            (reason, b"Invalid access token: CXE0w/9cOsnpSo8v2jEDoI8Qa3Y=")
            for reason in Reason
            if reason is not Reason.EXPIRED
        ],
    ],
)
def test_a_token_that_does_not_count_is_told(reason, said):
    reply = refused(CredentialsRejected(reason=reason, presented="CXE0w/9cOsnpSo8v2jEDoI8Qa3Y="))

    assert (reply.status, reply.body) == (401, b'{"error":"invalid_token","error_description":"%b"}' % said)
    challenge = b'Bearer realm="oauth2-resource", error="invalid_token", error_description="%b"' % said
    assert reply.headers == (*JSON_HEADERS, (b"WWW-Authenticate", challenge))


@pytest.mark.parametrize("error", [Forbidden(), InsufficientScope()])
def test_who_has_no_right_is_denied(error):
    reply = refused(error)

    assert (reply.status, reply.body, reply.headers) == (
        403,
        b'{"error":"access_denied","error_description":"Access is denied"}',
        JSON_HEADERS,
    )


@pytest.mark.parametrize(
    ("error", "body", "more"),
    [
        (
            SeveralCredentials(),
            b'{"error":"Bad Request","details":"The request carries more than one credential."}',
            (),
        ),
        (
            UpstreamFault(),
            b'{"error":"Bad Gateway","details":"The service behind the gateway could not be reached."}',
            (),
        ),
        (
            Unavailable(),
            b'{"error":"Service Unavailable","details":"The service is temporarily unavailable; try again shortly."}',
            ((b"Retry-After", b"1"),),
        ),
    ],
)
def test_all_else_has_the_shape_of_the_rest_api(error, body, more):
    reply = refused(error)

    assert (reply.status, reply.headers) == (error.status, (*JSON_HEADERS, *more))
    assert reply.body == body


def test_a_method_that_an_endpoint_has_not_is_405():
    reply = refused(MethodNotAllowed(allow=("GET", "POST")))

    assert (reply.status, reply.headers) == (405, (*JSON_HEADERS, (b"Allow", b"GET, POST")))
    assert reply.body == b'{"error":"method_not_allowed","error_description":"Request method not supported"}'


@given(sent=st.text(st.characters(codec="utf-8"), max_size=400))
def test_whatever_a_client_sends_breaks_out_of_neither_body_nor_header(sent):
    for reply in (
        refused(CredentialsRejected(presented=sent)),
        declined(Declined(401, "invalid_token", "Invalid refresh token (expired): ", sent)),
    ):
        told = json.loads(reply.body)
        challenge = reply.headers[-1][1]

        assert list(told) == ["error", "error_description"]
        assert not set("<>\"'") & set(told["error_description"])
        assert challenge.count(b'"') in {4, 6}
        assert all(0x20 <= byte <= 0x7E for byte in challenge)
        assert len(challenge) < 400


def test_what_was_sent_is_in_no_log():
    error = Declined(400, "invalid_grant", "Invalid refresh token: ", "SECRET")

    assert "SECRET" not in str(error) + repr(error)
