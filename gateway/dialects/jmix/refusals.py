"""How Jmix 1.x spells failures: as spring-security-oauth, as Spring Boot for a bad client, else as its REST API."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from typing import Any, Final

from gateway.dialects.replies import NO_STORE, what_to_do
from gateway.errors import (
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    GatewayError,
    MethodNotAllowed,
    Reason,
)
from gateway.model import Headers, Reply

JSON_TYPE: Final = (b"Content-Type", b"application/json;charset=UTF-8")
_BOOT_TYPE: Final = (b"Content-Type", b"application/json")
_CLIENT_CHALLENGE: Final = (b"WWW-Authenticate", b'Basic realm="oauth2/client"')
_REALM: Final = 'realm="oauth2-resource", '
_FULL_AUTHENTICATION: Final = "Full authentication is required to access this resource"
_TOLD_CHARACTERS: Final = 256
"""Of an echoed token in a header: ours are shorter, and a header has no room for whatever was sent."""


class Declined(GatewayError):
    """The token endpoint says no in spring-security-oauth's words; `echoed` is what the client sent, never logged."""

    def __init__(self, status: int, code: str, description: str, echoed: str = "", **more: str) -> None:
        super().__init__(f"{code}: {description}")
        self.spelled_status = status
        self.spelled_code = code
        self.description = description
        self.echoed = echoed
        self.more = more


def json_reply(status: int, members: Mapping[str, Any], headers: Headers = NO_STORE) -> Reply:
    """Compact JSON under the content type that Spring writes."""
    body = json.dumps(members, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return Reply(status, body, (JSON_TYPE, *headers))


def declined(error: Declined) -> Reply:
    """At an endpoint. A 401 has a challenge that says the same."""
    members = {
        "error": error.spelled_code,
        "error_description": error.description + _in_html(error.echoed),
        **error.more,
    }
    told = _challenge(error.spelled_code, error.description + error.echoed) if error.spelled_status == 401 else ()
    return json_reply(error.spelled_status, members, (*NO_STORE, *told))


def client_unknown(path: str, now: float) -> Reply:
    """What Spring's Basic entry point leaves to Spring Boot to say; `now` in epoch seconds."""
    return _boot_error(401, path, now, (_CLIENT_CHALLENGE,))


def parameter_missing(path: str, now: float) -> Reply:
    """What Spring Boot says of a request without a parameter that the controller wants."""
    return _boot_error(400, path, now)


def method_not_allowed(error: MethodNotAllowed) -> Reply:
    """405; which method it was is told where that is known."""
    named = f" '{error.method}'" if error.method else ""
    members = {"error": error.code, "error_description": f"Request method{named} not supported"}
    return json_reply(405, members, (*NO_STORE, *what_to_do(error)))


def plain(error: GatewayError, description: str) -> Reply:
    """An endpoint's failure that spring-security-oauth has no words of its own for."""
    return json_reply(
        error.status, {"error": error.code, "error_description": description}, (*NO_STORE, *what_to_do(error))
    )


def refused(error: GatewayError) -> Reply:
    """On a route."""
    if isinstance(error, CredentialsRejected):
        said = "Access token expired: " if error.reason is Reason.EXPIRED else "Invalid access token: "
        return _unauthorized("invalid_token", said, error.presented)
    if isinstance(error, CredentialsMissing):
        return _unauthorized("unauthorized", _FULL_AUTHENTICATION)
    if isinstance(error, Forbidden):
        return json_reply(403, {"error": "access_denied", "error_description": "Access is denied"})
    if isinstance(error, MethodNotAllowed):
        return method_not_allowed(error)
    told = {"error": HTTPStatus(error.status).phrase if error.status != 499 else error.code, "details": error.public}
    return json_reply(error.status, told, (*NO_STORE, *what_to_do(error)))


def _unauthorized(code: str, said: str, echoed: str = "") -> Reply:
    members = {"error": code, "error_description": said + _in_html(echoed)}
    return json_reply(401, members, (*NO_STORE, *_challenge(code, said + echoed, _REALM)))


def _challenge(code: str, description: str, realm: str = "") -> Headers:
    """A quoted string can hold no more than this of what a client sent (RFC 9110, section 5.6.4)."""
    told = "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in description)
    value = f'Bearer {realm}error="{code}", error_description="{told[:_TOLD_CHARACTERS]}"'
    return ((b"WWW-Authenticate", value.encode("ascii")),)


def _in_html(echoed: str) -> str:
    """As Spring's HtmlUtils writes it, so that no browser takes it for markup."""
    return escape(echoed).replace("&#x27;", "&#39;")


def _boot_error(status: int, path: str, now: float, headers: Headers = ()) -> Reply:
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    members = {"timestamp": at, "status": status, "error": HTTPStatus(status).phrase, "path": path}
    body = json.dumps(members, separators=(",", ":")).encode()
    return Reply(status, body, (_BOOT_TYPE, *NO_STORE, *headers))
