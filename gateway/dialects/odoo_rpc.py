"""Odoo's JSON-RPC: what its endpoints read, and its envelopes for results and failures, as odoo/http.py writes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.dialects.replies import NO_STORE, what_to_do
from gateway.dialects.requests import parse_json
from gateway.errors import (
    Banned,
    ClientRejected,
    CredentialsMissing,
    Forbidden,
    GatewayError,
    LoginRejected,
    MalformedBody,
    NotFound,
    RefreshRejected,
)
from gateway.model import Headers, Reply

ACCESS_DENIED: Final = "odoo.exceptions.AccessDenied"
ACCESS_ERROR: Final = "odoo.exceptions.AccessError"
EXPIRED: Final = "odoo.http.SessionExpiredException"
BANNED: Final = "Too many login failures, please wait a bit before trying again."

_JSON: Final = (b"Content-Type", b"application/json; charset=utf-8")
_HTML: Final = (b"Content-Type", b"text/html; charset=utf-8")
_PHRASES: Final = {
    400: "Bad Request",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}
"""As werkzeug names its exceptions, which are what Odoo's own are made of here."""
_NOT_FOUND: Final = (
    "404 Not Found: The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
_OF_USERS: Final = (
    (CredentialsMissing, EXPIRED, "Session expired"),
    (Banned, ACCESS_DENIED, BANNED),
    ((LoginRejected, RefreshRejected, ClientRejected), ACCESS_DENIED, "Access Denied"),
    (Forbidden, ACCESS_ERROR, ""),
    (NotFound, "werkzeug.exceptions.NotFound", _NOT_FOUND),
)
"""What is told with HTTP 200: failures, Python class and message, which is the failure's own where it is empty."""


class OdooFault(GatewayError):
    """A failure with a class and a text of Odoo's own; neither ever holds what the client sent."""

    status = 200

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


@dataclass(frozen=True, slots=True)
class Asked:
    """One JSON-RPC request. `id` goes back as it came, whatever its type; None where there is none."""

    id: Any
    params: Mapping[str, Any] = field(repr=False)


class InvalidRequestError(Exception):
    """The body is no JSON-RPC request; the text is the body of a real HTTP 400."""


def read_request(body: bytes) -> Asked:
    """The request in a body. Raises InvalidRequestError. `method` is ignored: the path says what is called."""
    try:
        value = parse_json(body, bom=False)  # Odoo's own parser refuses a byte order mark
    except MalformedBody:
        raise InvalidRequestError("Invalid JSON data") from None
    if not isinstance(value, dict):
        raise InvalidRequestError("Invalid JSON-RPC data")
    params = value.get("params", {})
    return Asked(value.get("id"), params if isinstance(params, dict) else {"": params})


def request_id(body: bytes | None) -> Any:
    """The id in the body of a refused request; None where there is none to be read."""
    try:
        return read_request(body).id if body else None
    except InvalidRequestError:
        return None


def answered(rpc_id: Any, result: Any = None, headers: Headers = ()) -> Reply:
    """HTTP 200 with a result, which is left out where it is None."""
    envelope = {"jsonrpc": "2.0", "id": rpc_id}
    return _reply(200, envelope if result is None else {**envelope, "result": result}, headers)


def failed(rpc_id: Any, error: GatewayError, code: int) -> Reply:
    """A failure. What concerns the user is HTTP 200, as in Odoo; what concerns the transport keeps its status.

    `code` is that of an error which Odoo does not number: 200 until Odoo 18, then 0.
    """
    status, name, message = spelling(error)
    told: dict[str, Any] = {"code": code, "message": "Odoo Server Error", "data": _data(name, message)}
    if isinstance(error, CredentialsMissing):
        told |= {"code": 100, "message": "Odoo Session Expired"}
    elif isinstance(error, NotFound):
        told |= {"code": 404, "message": "404: Not Found"}
        if code:
            told["http_status"] = 404
    return _reply(status, {"jsonrpc": "2.0", "id": rpc_id, "error": told}, what_to_do(error))


def plain_refusal(text: str) -> Reply:
    """A real HTTP 400, outside of JSON-RPC."""
    return Reply(400, text.encode(), (_HTML, *NO_STORE))


def html(status: int, page: str, headers: Headers = ()) -> Reply:
    """A page of ours."""
    return Reply(status, page.encode(), (_HTML, *NO_STORE, *headers))


def spelling(error: GatewayError) -> tuple[int, str, str]:
    """HTTP status, Python class and message."""
    if isinstance(error, OdooFault):
        return 200, error.name, error.message
    for kind, name, message in _OF_USERS:
        if isinstance(error, kind):
            return 200, name, message or error.public
    phrase = _PHRASES.get(error.status, "Unknown Error")
    return error.status, f"werkzeug.exceptions.{phrase.replace(' ', '')}", f"{error.status} {phrase}: {error.public}"


def _data(name: str, message: str) -> dict[str, Any]:
    return {"name": name, "debug": f"{name}: {message}\n", "message": message, "arguments": [message], "context": {}}


def _reply(status: int, envelope: dict[str, Any], headers: Headers) -> Reply:
    """As json.dumps writes it by default, which is what Odoo's clients see."""
    try:
        body = json.dumps(envelope, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # an id that is half of a surrogate pair goes back as it came: escaped
        body = json.dumps(envelope, allow_nan=False).encode()
    except (ValueError, RecursionError):  # 1e999 cannot be written back
        body = json.dumps({**envelope, "id": None}, allow_nan=False).encode()
    return Reply(status, body, (_JSON, *NO_STORE, *headers))
