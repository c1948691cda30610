"""How Odoo answers what is no JSON-RPC: werkzeug's pages, the way to its login page, the JSON of `/json/2`."""

import json
from html import escape
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from gateway.dialects.odoo_rpc import html, spelling
from gateway.dialects.replies import NO_STORE, what_to_do
from gateway.errors import (
    Banned,
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    GatewayError,
    LoginRejected,
    NotFound,
)
from gateway.model import Call, Headers, Reply

LOGIN_PAGE: Final = "/web/login"
JSON_TYPES: Final = frozenset({"application/json", "application/json-rpc"})
_JSON: Final = (b"Content-Type", b"application/json; charset=utf-8")
_PAGE: Final = "<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{heading}</h1>\n<p>{text}\n"
_UNAUTHORIZED: Final = "werkzeug.exceptions.Unauthorized"
_NO_KEY: Final = "User not authenticated, use an API Key with a Bearer Authorization header."
_BAD_KEY: Final = "Invalid apikey"
_STATUSES: Final = ((Banned, 429), ((Forbidden, LoginRejected), 403), (NotFound, 404))
"""Of what JSON-RPC tells with HTTP 200."""


def speaks_json_rpc(call: Call) -> bool:
    """Whether the request is one of Odoo's JSON-RPC: its content type says so, whatever the charset."""
    return _content_type(call) in JSON_TYPES


def speaks_json2(call: Call) -> bool:
    """Whether it is one of the API that takes plain JSON and an API key (Odoo 19)."""
    return call.path.startswith("/json/2/")


def page(status: int, heading: str, text: str, headers: Headers = ()) -> Reply:
    """A page as werkzeug writes that of an exception; `text` is escaped here."""
    told = _PAGE.format(title=f"{status} {heading}", heading=heading, text=escape(text) + "</p>")
    return html(status, told, headers)


def redirect(location: str, headers: Headers = ()) -> Reply:
    """A 303. `location` is ASCII."""
    shown = escape(location)
    told = (
        f'You should be redirected automatically to the target URL: <a href="{shown}">{shown}</a>. '
        "If not, click the link."
    )
    document = _PAGE.format(title="Redirecting...", heading="Redirecting...", text=told)
    return html(303, document, ((b"Location", location.encode("ascii")), *headers))


def refused_page(error: GatewayError, call: Call) -> Reply:
    """For what a browser navigates to: without a session the login page, which leads back; else a page of its own."""
    if isinstance(error, CredentialsMissing):
        if call.path == LOGIN_PAGE:  # it would lead to itself
            return page(403, "Forbidden", error.public)
        return redirect(f"{LOGIN_PAGE}?redirect={quote(_asked(call), safe='')}")
    status, _, message = spelling(error)
    heading, text = _phrase(_status(error, status), message)
    return page(_status(error, status), heading, text, what_to_do(error))


def refused_json2(error: GatewayError) -> Reply:
    """For `/json/2/*`: statuses of HTTP, and the exception in JSON."""
    if isinstance(error, CredentialsMissing):
        told = _BAD_KEY if isinstance(error, CredentialsRejected) else _NO_KEY
        return _exception(401, _UNAUTHORIZED, told, ((b"WWW-Authenticate", b"bearer"),))
    status, name, message = spelling(error)
    status = _status(error, status)
    _, text = _phrase(status, message)
    return _exception(status, name, text, what_to_do(error))


def _exception(status: int, name: str, message: str, headers: Headers) -> Reply:
    of_http = name.startswith("werkzeug.")
    members: dict[str, Any] = {
        "name": name,
        "message": message,
        "arguments": [message, status] if of_http else [message],
        "context": {},
        "debug": f"{name}: {message}\n",
    }
    return Reply(status, json.dumps(members).encode(), (_JSON, *NO_STORE, *headers))


def _status(error: GatewayError, status: int) -> int:
    return next((code for kind, code in _STATUSES if isinstance(error, kind)), status)


def _phrase(status: int, message: str) -> tuple[str, str]:
    """Heading and text: what JSON-RPC tells in one, `404 Not Found: The requested …`, stands in two places here."""
    start, colon, rest = message.partition(": ")
    if colon and start.startswith(f"{status} "):
        return start.removeprefix(f"{status} "), rest
    return {403: "Forbidden", 429: "Too Many Requests"}.get(status, "Unknown Error"), message


def _asked(call: Call) -> str:
    """Where the client wanted to go, as werkzeug's full_path has it, but for a query that holds a token."""
    return f"{call.path}?{'' if 'access_token' in unquote_plus(call.query) else call.query}"


def _content_type(call: Call) -> str:
    return call.headers.get("content-type", "").partition(";")[0].strip().lower()
