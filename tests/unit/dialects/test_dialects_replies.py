"""Refusals in the gateway's own form."""

import json

import pytest
from fakes.token_rig import call, header

from gateway.dialects.replies import json_reply, refusal, spelled, with_trailing_slash
from gateway.errors import (
    CredentialsRejected,
    InsufficientScope,
    MalformedBody,
    MethodNotAllowed,
    StoreUnavailable,
    TooManyRequests,
)


@pytest.mark.parametrize(
    ("error", "status", "name", "value"),
    [
        (CredentialsRejected("log only"), 401, "WWW-Authenticate", 'Bearer error="invalid_token"'),
        (InsufficientScope("log only"), 403, "WWW-Authenticate", 'Bearer error="insufficient_scope"'),
        (StoreUnavailable("log only"), 503, "Retry-After", "1"),
        (TooManyRequests("log only", retry_after=7), 429, "Retry-After", "7"),
        (MethodNotAllowed("log only", allow=("GET", "POST")), 405, "Allow", "GET, POST"),
    ],
)
def test_a_refusal_carries_its_status_and_header_and_nothing_of_the_log(error, status, name, value):
    reply = refusal(error, "req-1")

    assert reply.status == status
    assert header(reply, name) == value
    assert header(reply, "Cache-Control") == "no-store"
    assert json.loads(reply.body) == {
        "error": error.code,
        "error_description": error.public,
        "request_id": "req-1",
    }


def test_a_refusal_without_a_request_id_has_none():
    assert set(json.loads(refusal(StoreUnavailable()).body)) == {"error", "error_description"}


def test_json_is_compact_and_utf_8():
    assert json_reply(200, {"ü": [1, None]}).body == '{"ü":[1,null]}'.encode()


async def test_a_handler_s_failure_is_answered_and_its_success_left_alone():
    async def fail(_):
        raise MalformedBody("The field is missing.")

    async def succeed(_):
        return json_reply(201, {})

    def refuse(error, body, request_id):
        assert body == b"body"
        return refusal(error, request_id)

    assert (
        json.loads((await spelled(fail, refuse)(call(body=b"body"))).body)["error_description"]
        == "The field is missing."
    )
    assert (await spelled(succeed, refuse)(call())).status == 201


async def test_a_bug_is_not_answered_as_a_refusal():
    async def fail(_):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await spelled(fail, lambda *_: json_reply(500, {}))(call())


def test_a_slash_at_the_end_may_make_no_difference():
    async def succeed(_):
        return json_reply(200, {})

    assert with_trailing_slash({("POST", "/token"): succeed}) == {
        ("POST", "/token"): succeed,
        ("POST", "/token/"): succeed,
    }


@pytest.mark.parametrize(
    ("error", "failure"),
    [(StoreUnavailable("the store hangs"), "the store hangs"), (CredentialsRejected("a wrong token"), "")],
)
async def test_what_went_wrong_here_is_left_for_the_log(error, failure):
    async def fail(_):
        raise error

    reply = await spelled(fail, lambda error, body, request_id: refusal(error, request_id))(call())

    assert reply.failure == failure
    assert b"hangs" not in reply.body
