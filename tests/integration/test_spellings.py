"""One login of each ERP, asked in every spelling that its clients have used: none of them notices the gateway."""

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.plain_client import PlainClient

CONFIG = """\
logs: {{access: ./access.log, audit: ./audit.log}}
identity_providers:
  staff: {{type: users, users: [{{username: ada, id: 2, password_hash: "{secret}", type: application}}]}}
clients:
  - {{id: client, secret_hash: "{secret}", grants: [client_credentials, password, refresh_token]}}
logins:
  idempiere: {{dialect: idempiere, path: /api/v1/auth, identity_provider: staff}}
  jdx: {{dialect: jdx, path: /restapi/1.0/common/oauth2, identity_provider: staff}}
  odoo: {{dialect: odoo, path: /web/session, identity_provider: staff}}
  itempath: {{dialect: itempath, path: /api/users, identity_provider: staff}}
  jmix: {{dialect: jmix, path: /oauth, identity_provider: staff}}
  servlet: {{dialect: jmix, path: /servlet/oauth, identity_provider: staff, parameters_in_query: true}}
  jmix2: {{dialect: jmix, path: /oauth2, identity_provider: staff, generation: 2}}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{path: /rest/**, upstream: erp, errors: jmix, logins: [jmix], credentials: [bearer]}}
  - {{path: /api/**, upstream: erp, errors: idempiere, logins: [idempiere]}}
"""
BASIC = "Basic " + b64encode(b"client:secret").decode()
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
USER = {"username": "ada", "password": "secret"}
GRANT = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "secret"}
CALL = {"jsonrpc": "2.0", "method": "call", "params": {"db": "prod", "login": "ada", "password": "secret"}}
LOGINS = {
    "idempiere": ("/api/v1/auth/tokens", JSON, json.dumps({"userName": "ada", "password": "secret"}), {}),
    "itempath": ("/api/users/login", JSON, json.dumps(USER), {}),
    "odoo": ("/web/session/authenticate", JSON, json.dumps(CALL), {}),
    "jdx": ("/restapi/1.0/common/oauth2/token", FORM, urlencode(GRANT), {}),
    "jmix": ("/oauth/token", FORM, urlencode({"grant_type": "password", **USER}), {"Authorization": BASIC}),
    "jmix2": ("/oauth2/token", FORM, urlencode({"grant_type": "password", **USER}), {"Authorization": BASIC}),
}
"""Path, content type, body and headers of a login."""
IN_JSON, IN_A_FORM = ("idempiere", "itempath", "odoo"), ("jdx", "jmix", "jmix2")
SLASH_MAKES_NO_DIFFERENCE = ("idempiere", "odoo", "jdx")
each_login = pytest.mark.parametrize("name", LOGINS)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    erp = Erp()
    written = CONFIG.format(secret=password_hash("secret"), port=erp.port)
    gateway = GatewayProcess(tmp_path_factory.mktemp("spellings"), written).start()
    yield PlainClient(gateway.port)
    gateway.stop()
    erp.stop()


def log_in(client, name, *, path=None, kind=None, body=None, more=(), line="HTTP/1.1", host="Host: erp.example\r\n"):
    """The login, written as told."""
    at, usual, text, headers = LOGINS[name]
    raw = text.encode() if body is None else body
    lines = "".join(f"{key}: {value}\r\n" for key, value in [*headers.items(), *more])
    kind = f"Content-Type: {usual}\r\n" if kind is None else kind
    head = f"POST {path or at} {line}\r\n{host}{kind}{lines}Content-Length: {len(raw)}\r\n\r\n"
    return client.send(head.encode() + raw)


def succeeded(answer):
    """Odoo says whether by the cookie, the others by their token."""
    return answer.status == 200 and (b"oken" in answer.body or answer.all("Set-Cookie") != [])


@each_login
@pytest.mark.parametrize(
    "parameter", ["; charset=utf-8", ";charset=UTF-8", '; charset="utf-8"', "; charset=ISO-8859-1", ";"]
)
def test_a_content_type_may_have_a_charset(client, name, parameter):
    assert succeeded(log_in(client, name, kind=f"Content-Type: {LOGINS[name][1]}{parameter}\r\n"))


@each_login
@pytest.mark.parametrize("written", ["content-type: {}\r\n", "CONTENT-TYPE:{}\r\n", "Content-type:   {}  \r\n"])
def test_header_names_have_no_case(client, name, written):
    kind = LOGINS[name][1]

    assert succeeded(log_in(client, name, kind=written.format(kind)))
    assert succeeded(log_in(client, name, kind=written.format(kind.upper())))


@each_login
@pytest.mark.parametrize(
    "header",
    [
        ("Accept", "*/*"),
        ("Accept", "application/xml"),
        ("Accept", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Expect", ""),
        ("Connection", "close"),
        ("Connection", "Keep-Alive"),
        ("User-Agent", "Java/1.8.0_292"),
        ("Cookie", "JSESSIONID=5C46; session_id=nobody's; lang=en"),
        ("Origin", "null"),
        ("Cache-Control", "no-cache"),
        ("X-Requested-With", "XMLHttpRequest"),
    ],
    ids=lambda header: f"{header[0]}: {header[1][:20]}",
)
def test_other_headers_make_no_difference(client, name, header):
    assert succeeded(log_in(client, name, more=[header]))


@pytest.mark.parametrize("name", [*IN_JSON, "jdx"])
@pytest.mark.parametrize("stale", ["Bearer an-old-token", "Bearer", "Negotiate YII="])
def test_a_stale_authorization_makes_no_difference(client, name, stale):
    assert succeeded(log_in(client, name, more=[("Authorization", stale)]))


@each_login
def test_http_1_0_is_spoken(client, name):
    """Also without a Host, which it may leave out."""
    for host in ("Host: erp.example\r\n", ""):
        assert succeeded(log_in(client, name, line="HTTP/1.0", host=host))


@each_login
def test_a_body_may_come_in_chunks(client, name):
    path, kind, text, headers = LOGINS[name]
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    chunks = "".join(f"1\r\n{letter}\r\n" for letter in text)
    raw = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: {kind}\r\n{lines}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"

    assert succeeded(client.send(raw.encode()))


@each_login
def test_a_query_that_means_nothing_makes_no_difference(client, name):
    assert succeeded(log_in(client, name, path=LOGINS[name][0] + "?_=1700000000&locale=en_US"))


@each_login
def test_a_slash_at_the_end_makes_a_difference_where_the_erp_makes_one(client, name):
    answer = log_in(client, name, path=LOGINS[name][0] + "/")

    assert succeeded(answer) == (name in SLASH_MAKES_NO_DIFFERENCE)
    assert answer.status in {200, 401, 404}


@pytest.mark.parametrize("name", IN_JSON)
def test_json_may_be_spread_over_lines_escaped_and_ordered_otherwise(client, name):
    members = json.loads(LOGINS[name][2])
    turned = dict(reversed(members.items()))
    escaped = LOGINS[name][2].replace("ada", "\\u0061d\\u0061")

    for body in (json.dumps(turned, indent="\t\r\n"), escaped, f"\r\n {LOGINS[name][2]}\n"):
        assert succeeded(log_in(client, name, body=body.encode()))


@pytest.mark.parametrize("name", IN_JSON)
def test_a_byte_order_mark_is_what_the_erp_makes_of_it(client, name):
    answer = log_in(client, name, body=b"\xef\xbb\xbf" + LOGINS[name][2].encode())

    assert succeeded(answer) == (name != "odoo")
    if name == "odoo":
        assert (answer.status, answer.body) == (400, b"Invalid JSON data")


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("idempiere", 415, b'{"title":"Unsupported Media Type","status":415,"detail":"This endpoint does not read this content type."}'),
        ("itempath", 415, b'{"msg":"This endpoint does not read this content type."}\n'),
        ("odoo", 400, b"<!doctype html>"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["", f"Content-Type: {FORM}\r\n", "Content-Type: text/plain\r\n"])
def test_json_without_its_content_type_is_refused(client, name, status, body, kind):
    """No page of another site can send that content type unasked."""
    answer = log_in(client, name, kind=kind)

    assert (answer.status, answer.body[: len(body)]) == (status, body)


@pytest.mark.parametrize("name", IN_JSON)
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_of_json_is_a_400(client, name, body):
    answer = log_in(client, name, body=body)

    assert answer.status == 400
    assert answer.all("Set-Cookie") == []


@pytest.mark.parametrize("name", IN_A_FORM)
def test_a_form_may_be_ordered_and_escaped_otherwise(client, name):
    pairs = LOGINS[name][2].split("&")

    for body in (
        "&".join(reversed(pairs)),
        LOGINS[name][2].replace("secret", "s%65cret"),
        f"{LOGINS[name][2]}&&scope=",
    ):
        assert succeeded(log_in(client, name, body=body.encode()))


@pytest.mark.parametrize("name", IN_A_FORM)
def test_a_form_in_json_is_a_400(client, name):
    """RFC 6749 knows one content type; Spring sees no parameter in another one."""
    answer = log_in(client, name, kind=f"Content-Type: {JSON}\r\n", body=b'{"grant_type":"password"}')

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["jdx", "jmix", "jmix2"])
def test_credentials_in_the_address_are_not_read(client, name):
    path, _, text, _ = LOGINS[name]

    answer = log_in(client, name, path=f"{path}?{text}", body=b"")

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_by_the_switch_jmix_reads_them_as_a_servlet_does(client):
    path, _, text, headers = LOGINS["jmix"]
    pair = client.ask("POST", f"/servlet{path}?{text}", headers.items()).json

    again = f"/servlet{path}?" + urlencode({"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]})
    assert client.ask("POST", again, headers.items()).json["refresh_token"] == pair["refresh_token"]
    revoked = client.ask(
        "POST", "/servlet/oauth/revoke?" + urlencode({"token": pair["refresh_token"]}), headers.items()
    )
    assert (revoked.status, revoked.body) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("framing", [[], [("Content-Length", "0")], [("Content-Type", JSON), ("Content-Length", "0")]])
def test_a_refresh_needs_no_body_where_its_token_is_the_bearer(client, method, framing):
    token = client.post("/api/users/login", USER).json["refreshToken"]

    answer = client.ask(method, "/api/users/refresh", [("authorization", f"Bearer {token}"), *framing])

    assert (answer.status, list(answer.json)) == (200, ["accessToken"])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_case_of_the_scheme_counts_where_it_does_in_the_erp(client, scheme):
    jmix = log_in(client, "jmix").json["access_token"]
    idempiere = log_in(client, "idempiere").json["token"]

    assert client.get("/rest/x", ("AUTHORIZATION", f"{scheme} {jmix}")).status == 200
    answer = client.get("/api/v1/models/x", ("authorization", f"{scheme} {idempiere}"))
    assert answer.status == (200 if scheme == "Bearer" else 401)


@each_login
def test_a_wrong_method_is_told_which_is_right(client, name):
    answer = client.ask("PATCH", LOGINS[name][0])

    assert answer.status == 405
    assert "POST" in answer.one("Allow")
