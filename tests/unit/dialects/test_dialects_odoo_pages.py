"""What Odoo answers where no JSON-RPC is spoken, to the byte."""

import json

import pytest
from fakes.token_rig import call, header

from gateway import errors
from gateway.dialects.odoo_pages import refused_json2, refused_page, speaks_json2, speaks_json_rpc
from gateway.errors import CredentialsMissing, CredentialsRejected

NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
HTML = ((b"Content-Type", b"text/html; charset=utf-8"), *NO_STORE)
JSON = ((b"Content-Type", b"application/json; charset=utf-8"), *NO_STORE)


@pytest.mark.parametrize(
    ("content_type", "is_call"),
    [
        ("application/json", True),
        ("Application/JSON ; charset=ISO-8859-1", True),
        ("application/json-rpc", True),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_the_content_type_says_what_a_request_is(content_type, is_call):
    assert speaks_json_rpc(call("POST", "/web/x", b"{}", content_type=content_type)) is is_call
    assert speaks_json_rpc(call("GET", "/web/x")) is False


@pytest.mark.parametrize(
    ("path", "plain"),
    [("/json/2/res.partner/read", True), ("/json/2", False), ("/json/20/x", False), ("/x/json/2/y", False)],
)
def test_the_path_says_where_plain_json_is_spoken(path, plain):
    assert speaks_json2(call("POST", path)) is plain


@pytest.mark.parametrize("error", [CredentialsMissing(), CredentialsRejected()])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_without_a_session_a_page_leads_to_the_login_page_and_back(error, method):
    reply = refused_page(error, call(method, "/web/content/7", query="download=true&x=%C3%A9"))

    location = "/web/login?redirect=%2Fweb%2Fcontent%2F7%3Fdownload%3Dtrue%26x%3D%25C3%25A9"
    assert (reply.status, reply.headers) == (303, (*HTML, (b"Location", location.encode())))
    assert reply.body.decode() == (
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        "<p>You should be redirected automatically to the target URL: "
        f'<a href="{location}">{location}</a>. If not, click the link.\n'
    )


def test_without_a_query_there_is_a_question_mark_all_the_same_as_werkzeug_has_it():
    reply = refused_page(CredentialsMissing(), call("GET", "/odoo"))

    assert header(reply, "Location") == "/web/login?redirect=%2Fodoo%3F"


@pytest.mark.parametrize("query", ["access_token=SECRET", "a=1&%61ccess_token=SECRET", "access%5Ftoken=SECRET&b=2"])
def test_a_token_in_the_query_is_not_led_anywhere(query):
    reply = refused_page(CredentialsRejected(), call("GET", "/web/image/3", query=query))

    assert header(reply, "Location") == "/web/login?redirect=%2Fweb%2Fimage%2F3%3F"
    assert b"SECRET" not in reply.body


def test_the_login_page_does_not_lead_to_itself():
    reply = refused_page(CredentialsMissing(), call("GET", "/web/login"))

    assert (reply.status, header(reply, "Location")) == (403, None)


@pytest.mark.parametrize(
    ("error", "status", "heading", "text"),
    [
        (errors.Forbidden(), 403, "Forbidden", "The credential does not give access to this resource."),
        (errors.Banned(retry_after=7), 429, "Too Many Requests", "Too many login failures, please wait a bit"),
        (errors.NotFound(), 404, "Not Found", "The requested URL was not found on the server."),
        (errors.SeveralCredentials(), 400, "Bad Request", "The request carries more than one credential."),
        (errors.StoreUnavailable(), 503, "Service Unavailable", "The service is temporarily unavailable"),
        (errors.UpstreamTimeout(), 504, "Gateway Timeout", "The service behind the gateway did not answer in time."),
        (errors.GatewayError(), 500, "Internal Server Error", "The gateway could not answer this request."),
        (errors.ClientGone(), 499, "Unknown Error", "The gateway could not answer this request."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_else_fails_is_a_page_with_its_status(error, status, heading, text):
    reply = refused_page(error, call("GET", "/odoo"))

    assert (reply.status, reply.headers[: len(HTML)]) == (status, HTML)
    start = f"<!doctype html>\n<html lang=en>\n<title>{status} {heading}</title>\n<h1>{heading}</h1>\n<p>{text}"
    assert reply.body.decode().startswith(start)
    assert reply.body.endswith(b"</p>\n")
    assert header(reply, "Retry-After") == (str(error.retry_after) if error.retry_after else None)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CredentialsMissing(), "User not authenticated, use an API Key with a Bearer Authorization header."),
        (CredentialsRejected(), "Invalid apikey"),
    ],
)
def test_an_api_key_that_does_not_count_is_a_401_in_plain_json(error, told):
    reply = refused_json2(error)

    assert (reply.status, reply.headers) == (401, (*JSON, (b"WWW-Authenticate", b"bearer")))
    assert reply.body.decode() == (
        f'{{"name": "werkzeug.exceptions.Unauthorized", "message": "{told}", "arguments": ["{told}", 401], '
        f'"context": {{}}, "debug": "werkzeug.exceptions.Unauthorized: {told}\\n"}}'
    )


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (errors.Forbidden(), 403, "odoo.exceptions.AccessError"),
        (errors.NotFound(), 404, "werkzeug.exceptions.NotFound"),
        (errors.MethodNotAllowed(allow=("POST",)), 405, "werkzeug.exceptions.MethodNotAllowed"),
        (errors.StoreUnavailable(), 503, "werkzeug.exceptions.ServiceUnavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_there_statuses_are_those_of_http(error, status, name):
    reply = refused_json2(error)

    told = json.loads(reply.body)
    assert (reply.status, told["name"]) == (status, name)
    assert told["arguments"] == ([told["message"], status] if name.startswith("werkzeug") else [told["message"]])
    assert not told["message"].startswith(str(status))
    assert header(reply, "Allow") == (", ".join(error.allow) or None)
