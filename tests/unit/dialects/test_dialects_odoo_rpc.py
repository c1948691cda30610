"""Odoo's envelopes, to the byte."""

import json

import pytest

from gateway import errors
from gateway.dialects.odoo_rpc import (
    InvalidRequestError,
    OdooFault,
    answered,
    failed,
    html,
    plain_refusal,
    read_request,
    request_id,
)

NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
JSON = ((b"Content-Type", b"application/json; charset=utf-8"), *NO_STORE)


@pytest.mark.parametrize(
    ("body", "rpc_id"),
    [
        (b'{"jsonrpc": "2.0", "params": {}, "id": 7}', 7),
        (b'{"id": "abc", "params": {}}', "abc"),
        (b'{"id": null}', None),
        (b'{"params": {}}', None),
        (b"{}", None),
        (b'{"id": 1.5}', 1.5),
        (b'{"id": true}', True),
        (b'{"id": [1, "a"]}', [1, "a"]),
        (b'{"id": 12345678901234567890}', 12345678901234567890),
    ],
)
def test_an_id_is_read_with_its_type(body, rpc_id):
    assert read_request(body).id == rpc_id
    assert type(read_request(body).id) is type(rpc_id)
    assert request_id(body) == rpc_id


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "Invalid JSON data"),
        (b"{", "Invalid JSON data"),
        (b"\xff", "Invalid JSON data"),
        (b'{"id": NaN}', "Invalid JSON data"),
        (b'{"id": 1, "id": 2}', "Invalid JSON data"),
        (b'{"params": {"db": "a", "db": "b"}}', "Invalid JSON data"),
        (b"[" * 60_000, "Invalid JSON data"),
        (b"[]", "Invalid JSON-RPC data"),
        (b'"x"', "Invalid JSON-RPC data"),
        (b"null", "Invalid JSON-RPC data"),
    ],
)
def test_what_is_no_request_is_a_real_400(body, told):
    with pytest.raises(InvalidRequestError, match=f"^{told}$"):
        read_request(body)
    assert request_id(body) is None
    reply = plain_refusal(told)
    assert (reply.status, reply.body) == (400, told.encode())
    assert reply.headers == ((b"Content-Type", b"text/html; charset=utf-8"), *NO_STORE)


def test_without_a_body_there_is_no_id():
    assert request_id(None) is None


@pytest.mark.parametrize("params", [b"[1]", b"null", b'"x"', b"1"])
def test_params_that_are_no_object_are_named_by_nothing(params):
    assert list(read_request(b'{"params": %b}' % params).params) == [""]


@pytest.mark.parametrize(
    ("rpc_id", "result", "body"),
    [
        (1, {"uid": 2}, b'{"jsonrpc": "2.0", "id": 1, "result": {"uid": 2}}'),
        ("r7", [1], b'{"jsonrpc": "2.0", "id": "r7", "result": [1]}'),
        (None, {"name": "Zo\u00eb"}, b'{"jsonrpc": "2.0", "id": null, "result": {"name": "Zo\xc3\xab"}}'),
        (1, None, b'{"jsonrpc": "2.0", "id": 1}'),
        (1, False, b'{"jsonrpc": "2.0", "id": 1, "result": false}'),
        ("\ud800", None, b'{"jsonrpc": "2.0", "id": "\\ud800"}'),
        (float("inf"), None, b'{"jsonrpc": "2.0", "id": null}'),
    ],
)
def test_a_result_stands_in_its_envelope_and_none_is_left_out(rpc_id, result, body):
    reply = answered(rpc_id, result)

    assert (reply.status, reply.body, reply.headers) == (200, body, JSON)


def test_headers_come_last():
    assert answered(1, None, ((b"Set-Cookie", b"x"),)).headers == (*JSON, (b"Set-Cookie", b"x"))
    assert html(303, "<p>", ((b"Location", b"/"),)).headers[-1] == (b"Location", b"/")


def data(name, message):
    return {"name": name, "debug": f"{name}: {message}\n", "message": message, "arguments": [message], "context": {}}


def envelope(code, message, told, **more):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message, "data": told, **more}})


SERVER_ERROR = "Odoo Server Error"
NOT_FOUND = (
    "404 Not Found: The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
DENIED = data("odoo.exceptions.AccessDenied", "Access Denied")
EXPIRED = data("odoo.http.SessionExpiredException", "Session expired")


@pytest.mark.parametrize("code", [200, 0])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.LoginRejected(), DENIED),
        (errors.AccountLocked(), DENIED),
        (errors.ClientRejected(), DENIED),
        (errors.RefreshRejected("unknown"), DENIED),
        (
            errors.Forbidden(),
            data("odoo.exceptions.AccessError", "The credential does not give access to this resource."),
        ),
        (OdooFault("builtins.TypeError", "no"), data("builtins.TypeError", "no")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_concerns_the_user_is_http_200(code, error, told):
    reply = failed(1, error, code)

    assert (reply.status, reply.headers) == (200, JSON)
    assert reply.body.decode() == envelope(code, SERVER_ERROR, told)


@pytest.mark.parametrize("error", [errors.CredentialsMissing(), errors.CredentialsRejected()])
@pytest.mark.parametrize("code", [200, 0])
def test_no_session_and_a_dead_one_are_code_100(error, code):
    reply = failed(1, error, code)

    assert reply.status == 200
    assert reply.body.decode() == envelope(100, "Odoo Session Expired", EXPIRED)


def test_an_unknown_address_is_code_404_and_older_versions_say_so_twice():
    told = data("werkzeug.exceptions.NotFound", NOT_FOUND)

    old, new = failed(1, errors.NotFound(), 200), failed(1, errors.NotFound(), 0)

    assert old.status == new.status == 200
    assert old.body.decode() == envelope(404, "404: Not Found", told, http_status=404)
    assert new.body.decode() == envelope(404, "404: Not Found", told)


def test_a_ban_is_odoos_own_and_says_for_how_long():
    reply = failed(1, errors.Banned(retry_after=60), 200)

    told = data("odoo.exceptions.AccessDenied", "Too many login failures, please wait a bit before trying again.")
    assert reply.status == 200
    assert reply.body.decode() == envelope(200, SERVER_ERROR, told)
    assert (b"Retry-After", b"60") in reply.headers


@pytest.mark.parametrize(
    ("error", "status", "name", "message"),
    [
        (errors.UnsafePath(), 400, "BadRequest", "400 Bad Request: "),
        (errors.SeveralCredentials(), 400, "BadRequest", "400 Bad Request: "),
        (errors.MethodNotAllowed(allow=("GET",)), 405, "MethodNotAllowed", "405 Method Not Allowed: "),
        (errors.BodyTooLarge(), 413, "RequestEntityTooLarge", "413 Request Entity Too Large: "),
        (errors.TooManyRequests(), 429, "TooManyRequests", "429 Too Many Requests: "),
        (errors.UpstreamFault(), 502, "BadGateway", "502 Bad Gateway: "),
        (errors.StoreUnavailable(), 503, "ServiceUnavailable", "503 Service Unavailable: "),
        (errors.UpstreamTimeout(), 504, "GatewayTimeout", "504 Gateway Timeout: "),
        (errors.ClientGone(), 499, "UnknownError", "499 Unknown Error: "),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_concerns_the_transport_keeps_its_status(error, status, name, message):
    reply = failed(1, error, 200)

    assert reply.status == status
    assert reply.body.decode() == envelope(
        200, SERVER_ERROR, data(f"werkzeug.exceptions.{name}", message + error.public)
    )
    assert dict(reply.headers).get(b"Retry-After") == (str(error.retry_after).encode() if error.retry_after else None)
    assert dict(reply.headers).get(b"Allow") == (b"GET" if error.allow else None)
