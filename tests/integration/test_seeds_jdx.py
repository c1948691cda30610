"""Every OAuth2 and API key request that JDX's documentation prints, sent as printed (host and credentials aside).

Its session requests are those of Odoo's web client: test_seeds_odoo.py.
"""

import json
import subprocess
import time
from base64 import urlsafe_b64decode
from hashlib import sha256
from urllib.parse import unquote

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.plain_client import PlainClient, bearer
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

CLIENT, SECRET = "YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET"
KEY, LIMITED_KEY, OLD_KEY = "a-key-made-in-odoo-0123", "a-key-for-elsewhere-0123", "a-key-of-long-ago-0123"
PARTNERS, TOKEN = "/restapi/1.0/object/res.partner", "/restapi/1.0/common/oauth2/token"
CONFIG = """\
server: {{public_url: "http://erp.example"}}
logs: {{access: ./access.log, audit: ./audit.log}}
identity_providers:
  staff: {{type: users, users: [{{username: ada, id: 101, password_hash: "{secret}"}}]}}
clients:
  - {{id: YOUR_CLIENT_ID, secret_hash: "{secret}", grants: [client_credentials, refresh_token], roles: [partners]}}
  - {{id: plain, secret_hash: "{secret}", grants: [client_credentials]}}
api_keys:
  - {{id: server-1, hash: "sha256:{key}", user: server, roles: [partners]}}
  - {{id: server-2, hash: "sha256:{limited}", user: elsewhere, routes: [ping]}}
  - {{id: server-3, hash: "sha256:{old}", user: server, roles: [partners], expires: 2020-01-01}}
logins:
  jdx: {{dialect: jdx, path: /restapi/1.0/common/oauth2, identity_provider: staff, database: odoo_production}}
  brief: {{dialect: jdx, path: /brief, identity_provider: staff, access_ttl: 1s}}
upstreams:
  odoo: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: files, path: /restapi/1.0/files/**, upstream: odoo, errors: jdx, credentials: [bearer, access_token]}}
  - {{name: ping, path: /restapi/1.0/ping, upstream: odoo, errors: jdx}}
  - {{name: partners, path: /restapi/1.0/object/**, upstream: odoo, errors: jdx, require: {{roles: [partners]}}}}
"""
GET_TOKEN = """\
curl -X POST "https://{your-erp-domain}/restapi/1.0/common/oauth2/token" \\
  -H "Content-Type: application/x-www-form-urlencoded" \\
  -d "grant_type=client_credentials" \\
  -d "client_id=YOUR_CLIENT_ID" \\
  -d "client_secret=YOUR_CLIENT_SECRET"
"""
GET_JWT = GET_TOKEN.rstrip() + ' \\\n  -d "token_format=jwt"\n'
USE_TOKEN = """\
curl -X GET "https://{your-erp-domain}/restapi/1.0/object/res.partner" \\
  -H "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."
"""
USE_KEY = """\
curl -X GET "https://{your-erp-domain}/restapi/1.0/object/res.partner" \\
  -H "X-API-Key: YOUR_API_KEY"
"""
USE_KEY_AS_BEARER = """\
curl -X GET "https://{your-erp-domain}/restapi/1.0/object/res.partner" \\
  -H "Authorization: Bearer YOUR_API_KEY"
"""
REFRESH = """\
curl -X POST "https://{your-erp-domain}/restapi/1.0/common/oauth2/token" \\
  -H "Content-Type: application/x-www-form-urlencoded" \\
  -d "grant_type=refresh_token" \\
  -d "refresh_token=YOUR_REFRESH_TOKEN" \\
  -d "client_id=YOUR_CLIENT_ID" \\
  -d "client_secret=YOUR_CLIENT_SECRET"
"""
PYTHON = """\
import requests

# OAuth2
def get_oauth_token(base_url, client_id, client_secret):
    response = requests.post(
        f"{base_url}/restapi/1.0/common/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret
        }
    )
    return response.json()["access_token"]

# API Key
def get_partners(base_url, api_key):
    response = requests.get(
        f"{base_url}/restapi/1.0/object/res.partner",
        headers={"X-API-Key": api_key},
        params={
            "domain": "[('is_company','=',True)]",
            "fields": "['name','email','phone']",
            "limit": 50
        }
    )
    return response.json()
"""
AXIOS_TOKEN = (
    b"POST /restapi/1.0/common/oauth2/token HTTP/1.1\r\n"
    b"Accept: application/json, text/plain, */*\r\n"
    b"Content-Type: application/x-www-form-urlencoded;charset=utf-8\r\n"
    b"User-Agent: axios/1.21.1\r\n"
    b"Content-Length: 87\r\n"
    b"Accept-Encoding: gzip, compress, deflate, br\r\n"
    b"Host: erp.example\r\n"
    b"Connection: keep-alive\r\n\r\n"
    b"grant_type=client_credentials&client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET"
)
"""What axios 1.21 on Node 20 makes of the JavaScript examples."""
AXIOS_QUERY = (
    "domain=%5B('is_company','%3D',True)%5D&fields=%5B'name','email','phone'%5D&limit=50"  # its own way to escape
)
AXIOS_PARTNERS = (
    f"GET /restapi/1.0/object/res.partner?{AXIOS_QUERY} HTTP/1.1\r\n"
    "Accept: application/json, text/plain, */*\r\n"
    f"X-API-Key: {KEY}\r\n"
    "User-Agent: axios/1.21.1\r\n"
    "Accept-Encoding: gzip, compress, deflate, br\r\n"
    "Host: erp.example\r\n"
    "Connection: keep-alive\r\n\r\n"
).encode()


def digest(key):
    return sha256(key.encode()).hexdigest()


OTHER_KEYS = {"limited": digest(LIMITED_KEY), "old": digest(OLD_KEY)}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    erp = Erp()
    written = CONFIG.format(secret=password_hash(SECRET), port=erp.port, key=digest(KEY), **OTHER_KEYS)
    gateway = GatewayProcess(tmp_path_factory.mktemp("jdx"), written).start()
    yield erp, gateway
    gateway.stop()
    erp.stop()


@pytest.fixture
def erp(running):
    running[0].forget()
    return running[0]


@pytest.fixture
def client(running):
    return PlainClient(running[1].port)


@pytest.fixture
def curl(running):
    def run(printed, **written):
        command = printed.replace("https://{your-erp-domain}", running[1].url)
        for placeholder, value in written.items():
            command = command.replace(placeholder, value)
        told = command.replace("curl ", "curl --silent --show-error --write-out '\\n%{http_code}' ")
        done = subprocess.run(["sh", "-c", told], capture_output=True, text=True, check=True, timeout=60)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    return run


def use(curl, token):
    return curl(USE_TOKEN.replace("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...", token))


def refused(code, description):
    return f'{{"error":"{code}","error_description":"{description}"}}'.encode()


def test_get_and_use_an_access_token(curl, erp):
    status, answer = curl(GET_TOKEN)

    assert status == 200
    assert list(answer) == ["access_token", "token_type", "expires_in", "refresh_token"]
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert use(curl, answer["access_token"])[0] == 200
    assert erp.last.target == PARTNERS
    assert erp.last.one("X-Auth-User") == "YOUR_CLIENT_ID"
    assert erp.last.one("X-Auth-Roles") == "partners"
    assert erp.last.one("X-Auth-Login") == "jdx"
    assert not erp.last.all("Authorization")


def test_get_and_use_a_jwt(curl):
    status, answer = curl(GET_JWT)

    assert status == 200
    assert answer["access_token"].startswith("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.")
    claims = json.loads(urlsafe_b64decode(answer["access_token"].split(".")[1] + "=="))
    assert list(claims) == ["sub", "db", "exp", "iat"]
    assert (claims["sub"], claims["db"], claims["exp"] - claims["iat"]) == (CLIENT, "odoo_production", 3600)
    assert use(curl, answer["access_token"])[0] == 200


def test_the_answer_without_the_refresh_grant_has_the_documented_members_only(curl):
    _, answer = curl(GET_TOKEN, YOUR_CLIENT_ID="plain")

    assert list(answer) == ["access_token", "token_type", "expires_in"]


def test_an_api_key(curl, erp):
    for printed in (USE_KEY, USE_KEY_AS_BEARER):
        status, _ = curl(printed, YOUR_API_KEY=KEY)

        assert status == 200
        assert erp.last.one("X-Auth-User") == "server"
        assert not erp.last.all("X-API-Key")
        assert not erp.last.all("Authorization")


def test_the_python_examples(running, erp):
    printed = {}
    exec(compile(PYTHON, "as printed", "exec"), printed)
    base_url = running[1].url

    token = printed["get_oauth_token"](base_url, CLIENT, SECRET)
    partners = printed["get_partners"](base_url, KEY)

    assert token.startswith("gwa_")
    assert partners == {"line": erp.last.line}
    assert erp.last.target.startswith(PARTNERS + "?domain=")
    assert "('is_company','=',True)" in unquote(erp.last.target)


def test_the_javascript_examples(client, erp):
    token = client.send(AXIOS_TOKEN)
    partners = client.send(AXIOS_PARTNERS)

    assert (token.status, partners.status) == (200, 200)
    assert client.get(PARTNERS, bearer(token.json["access_token"])).status == 200
    assert erp.seen[0].target == f"{PARTNERS}?{AXIOS_QUERY}"


def test_the_query_of_a_domain_arrives_byte_for_byte(client, erp):
    query = "?domain=[('is_company','=',True)]&fields=['name']&limit=50"

    assert client.get(PARTNERS + query, ("X-API-Key", KEY)).status == 200
    assert erp.last.target == PARTNERS + query


def test_refresh(curl):
    _, first = curl(GET_JWT)

    status, second = curl(REFRESH, YOUR_REFRESH_TOKEN=first["refresh_token"])

    assert status == 200
    assert list(second) == ["access_token", "token_type", "expires_in", "refresh_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"].startswith("eyJ")
    for each in (first, second):
        assert use(curl, each["access_token"])[0] == 200


def test_requests_oauthlib_with_basic_and_with_the_body(running, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    url = running[1].url
    for in_body in (None, True):
        session = OAuth2Session(client=BackendApplicationClient(client_id=CLIENT))
        token = session.fetch_token(f"{url}{TOKEN}", client_secret=SECRET, include_client_id=in_body)
        assert session.get(url + PARTNERS).status_code == 200
        session.refresh_token(f"{url}{TOKEN}", client_id=CLIENT, client_secret=SECRET)
        assert session.token["access_token"] != token["access_token"]
        assert session.get(url + PARTNERS).status_code == 200


def test_a_wrong_client_is_401_invalid_client(client):
    answer = client.send(AXIOS_TOKEN.replace(b"CLIENT_SECRET", b"CLIENT_SECREX"))

    assert (answer.status, answer.body) == (401, refused("invalid_client", "Wrong client_id or client_secret"))
    assert answer.one("Content-Type") == "application/json"


def test_an_expired_or_invalid_token_is_401_invalid_token(client, erp):
    body = b"grant_type=client_credentials&client_id=plain&client_secret=YOUR_CLIENT_SECRET&token_format=jwt"
    form = ("Content-Type", "application/x-www-form-urlencoded")
    token = client.ask("POST", "/brief/token", [form], body).json["access_token"]
    time.sleep(2.1)

    expired = client.get(PARTNERS, bearer(token))
    invalid = client.get(PARTNERS, bearer("garbage"))
    missing = client.get(PARTNERS)

    assert (expired.status, expired.body) == (401, refused("invalid_token", "The access token has expired"))
    assert (invalid.status, invalid.body) == (401, refused("invalid_token", "The access token is invalid"))
    assert (missing.status, missing.body) == (401, refused("invalid_token", "The access token is missing"))
    assert erp.seen == []


def test_an_unknown_api_key_is_401_invalid_api_key(client, erp):
    answer = client.get(PARTNERS, ("X-API-Key", "not-a-declared-key-at-all"))

    assert (answer.status, answer.body) == (401, refused("invalid_api_key", "API key not found or revoked"))
    assert erp.seen == []


@pytest.mark.parametrize("header", [("X-API-Key", OLD_KEY), bearer(OLD_KEY)], ids=["X-API-Key", "Bearer"])
def test_a_key_that_has_expired_is_401_invalid_api_key_wherever_it_stands(client, erp, header):
    answer = client.get(PARTNERS, header)

    assert (answer.status, answer.body) == (401, refused("invalid_api_key", "API key not found or revoked"))
    assert erp.seen == []


@pytest.mark.parametrize("token", [KEY, "garbage"])
def test_both_credential_headers_at_once_are_400(client, erp, token):
    """The documentation says of neither that it counts before the other."""
    answer = client.get(PARTNERS, ("X-API-Key", KEY), bearer(token))

    assert (answer.status, answer.body) == (
        400,
        refused("invalid_request", "The request carries more than one credential."),
    )
    assert erp.seen == []


def test_a_token_in_the_address_counts_where_the_route_lists_it_only(client, curl, erp):
    _, pair = curl(GET_TOKEN)
    query = f"?access_token={pair['access_token']}&limit=1"

    assert client.get(PARTNERS + query).status == 401
    assert client.get("/restapi/1.0/files/logo" + query).status == 200
    assert erp.last.target == "/restapi/1.0/files/logo?limit=1"


def test_a_user_without_permission_is_403_access_denied(client, curl, erp):
    _, plain = curl(GET_TOKEN, YOUR_CLIENT_ID="plain")

    for credential in (bearer(plain["access_token"]), ("X-API-Key", LIMITED_KEY)):
        answer = client.get(PARTNERS, credential)
        assert (answer.status, answer.body) == (403, refused("access_denied", "User lacks permission"))
    assert erp.seen == []
