"""Every request that Jmix's documentation prints, sent as its IDE sends it to a running gateway; then its routes."""

import json
import re
import shutil
import subprocess
import time
from base64 import b64encode
from urllib.parse import quote, urlencode

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.plain_client import PlainClient, bearer
from fakes.waiting import eventually
from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

CONFIG = """\
server: {{public_url: "http://erp.example"}}
logs: {{access: ./access.log, audit: ./audit.log, level: debug}}
identity_providers:
  staff:
    type: users
    users:
      - {{username: admin, password_hash: "{password}", id: 1, roles: [system-full-access]}}
clients:
  - {{id: client, secret_hash: "{secret}", grants: [password, refresh_token]}}
  - {{id: service, secret_hash: "{secret}", grants: [client_credentials]}}
logins:
  jmix: {{dialect: jmix, path: /oauth, identity_provider: staff, cors: {{origins: ["https://shop.example"]}}}}
  brief: {{dialect: jmix, path: /brief/oauth, identity_provider: staff, access_ttl: 1s}}
  jmix2: {{dialect: jmix, path: /oauth2, identity_provider: staff, generation: 2, cors: {{origins: ["https://shop.example"]}}}}
upstreams:
  jmix: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: denied, path: /rest/denied/**, upstream: jmix, errors: jmix, require: {{roles: [nobody]}}}}
  - {{name: strict, path: /rest/strict/**, upstream: jmix, errors: jmix, credentials: [bearer]}}
  - name: rest
    path: /rest/**
    upstream: jmix
    credentials: [bearer, access_token]
    errors: jmix
    cors: {{origins: ["https://shop.example"]}}
    anonymous: [/rest/services/productService/**, /rest/services/productService/getProductInformation, /rest/entities/Product, /rest/entities/Product/*]
  - {{name: custom, path: /custom/**, upstream: jmix, errors: jmix, anonymous: [/custom/open]}}
  - {{name: both, path: /two/files/**, upstream: jmix, credentials: [bearer, access_token], errors: jmix2, access_token_methods: [GET]}}
  - {{name: two, path: /two/**, upstream: jmix, credentials: [bearer, access_token], errors: jmix2, anonymous: [/two/open/**]}}
"""
BASIC = ("Authorization", "Basic " + b64encode(b"client:secret").decode())
FORM = ("Content-Type", "application/x-www-form-urlencoded")
LOGIN = b"grant_type=password&username=admin&password=admin"
STANDARD_BASE64 = r"[A-Za-z0-9+/]{27}="


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    erp = Erp()
    directory = tmp_path_factory.mktemp("jmix")
    written = CONFIG.format(password=password_hash("admin"), secret=password_hash("secret"), port=erp.port)
    gateway = GatewayProcess(directory, written).start()
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


def token_request(client, body, path="/oauth/token"):
    return client.ask("POST", path, [BASIC, FORM], body)


@pytest.fixture
def pair(client):
    return token_request(client, LOGIN).json


@pytest.fixture
def token(pair):
    return pair["access_token"]


# -- what the documentation prints -----------------------------------------------------------------------------------


def test_authentication_request(client):
    answer = token_request(client, LOGIN)

    assert answer.status == 200
    assert (answer.one("Cache-Control"), answer.one("Pragma")) == ("no-store", "no-cache")
    assert answer.one("Content-Type") == "application/json;charset=UTF-8"
    told = answer.json
    assert list(told) == [
        "access_token", "token_type", "refresh_token", "expires_in", "scope", "OAuth2.SESSION_ID",
    ]  # fmt: skip
    assert re.fullmatch(STANDARD_BASE64, told["access_token"])
    assert re.fullmatch(STANDARD_BASE64, told["refresh_token"])
    assert re.fullmatch(r"[0-9A-F]{32}", told["OAuth2.SESSION_ID"])
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 43199, "rest-api")


def test_refresh_authentication_request(client, pair):
    """The token stands in the form as it is printed."""
    sent = f"grant_type=refresh_token&refresh_token={pair['refresh_token']}".encode()

    answer = token_request(client, sent)

    assert answer.status == 200
    assert answer.json["refresh_token"] == pair["refresh_token"]
    assert answer.json["access_token"] != pair["access_token"]
    assert client.get("/rest", bearer(pair["access_token"])).status == 401
    assert client.get("/rest", bearer(answer.json["access_token"])).status == 200


def test_create_customers_request(client, erp, token):
    body = b'{\n  "name": "Randall Bishop"\n}'
    answer = client.ask("POST", "/rest", [("Authorization", f"Bearer {token}  ")], body)

    assert answer.status == 200
    assert (erp.last.target, erp.last.body) == ("/rest", body)
    assert erp.last.one("X-Auth-User") == "admin"
    assert erp.last.all("Authorization") == []


def test_an_image_by_its_address(client, erp, token):
    answer = client.get(f"/rest/files?fileRef=fs%3A%2F%2F2021%2Fimage.png&access_token={quote(token, safe='')}")

    assert answer.status == 200
    assert erp.last.target == "/rest/files?fileRef=fs%3A%2F%2F2021%2Fimage.png"
    assert erp.last.one("X-Auth-Method") == "access_token"


def test_an_image_by_its_address_with_the_token_as_it_is_printed(client, erp, token):
    assert client.get(f"/rest/files?access_token={token}").status == 200
    assert erp.last.target == "/rest/files"


def test_get_product_information_request(client, erp):
    assert client.get("/rest/services/productService/getProductInformation?productId=123").status == 200
    assert erp.last.all("X-Auth-User") == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/rest/entities/Product", "/rest/entities/Product/123"])
def test_whitelisted_entities_have_no_method_of_their_own(client, method, path):
    assert client.ask(method, path).status == 200


def test_all_other_endpoints_need_a_login(client, erp):
    for path in ("/rest/entities/Customer", "/rest/entities/Product/1/x", "/rest/public/x", "/rest/services/other/x"):
        answer = client.get(path)

        assert answer.status == 401
        assert answer.body == (
            b'{"error":"unauthorized","error_description":"Full authentication is required to access this resource"}'
        )
        assert answer.one("WWW-Authenticate") == (
            'Bearer realm="oauth2-resource", error="unauthorized", '
            'error_description="Full authentication is required to access this resource"'
        )
    assert erp.seen == []


# -- unmodified clients ----------------------------------------------------------------------------------------------


@pytest.fixture
def oauth(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with OAuth2Session(client=LegacyApplicationClient("client")) as session:
        session.trust_env = False
        yield session


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth2/token"])
def test_requests_oauthlib_logs_in_calls_and_refreshes(running, oauth, path):
    url, auth = running[1].url, HTTPBasicAuth("client", "secret")
    routes = "/rest/entities/Customer" if path == "/oauth/token" else "/two/x"

    first = oauth.fetch_token(url + path, username="admin", password="admin", auth=auth)
    assert oauth.get(url + routes).status_code == 200
    second = oauth.refresh_token(url + path, auth=auth)

    assert second["refresh_token"] == first["refresh_token"]
    assert oauth.get(url + routes).status_code == 200
    with pytest.raises(InvalidGrantError, match="Bad credentials"):
        oauth.fetch_token(url + path, username="admin", password="wrong", auth=auth)


def test_curl_logs_in_as_the_documentation_of_later_versions_shows(running):
    curl = shutil.which("curl")
    assert curl, "install curl"
    url = running[1].url
    login = ["--user", "client:secret", "--data", "grant_type=password", "--data", "username=admin"]

    told = json.loads(_output(curl, *login, "--data-urlencode", "password=admin", f"{url}/oauth/token"))
    query = ["--get", "--data-urlencode", f"access_token={told['access_token']}"]

    assert "GET /rest/files HTTP/1.1" in _output(curl, *query, f"{url}/rest/files")


def _output(*command):
    return subprocess.run([*command, "--silent", "--noproxy", "*"], capture_output=True, check=True, text=True).stdout


# -- routes of generation 1 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["bearer {}", "BEARER {}", "Bearer   {}", "Bearer {},whatever", "Bearer {}, a, b"])
def test_the_header_is_read_as_spring_reads_it(client, erp, token, scheme):
    assert client.get("/rest", ("Authorization", scheme.format(token))).status == 200
    assert erp.last.one("X-Auth-User") == "admin"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_the_parameter_counts_with_every_method(client, erp, token, method):
    assert client.ask(method, f"/rest/x?a=1&access_token={quote(token, safe='')}&b=2").status == 200
    assert erp.last.target == "/rest/x?a=1&b=2"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_counts_in_a_form_which_is_forwarded_without_it(client, erp, token, method):
    body = f"a=%C3%A9+1&{urlencode({'access_token': token})}&&b=2".encode()

    assert client.ask(method, "/rest/x", [FORM], body).status == 200
    assert erp.last.body == b"a=%C3%A9+1&&b=2"
    assert erp.last.one("Content-Length") == "15"
    assert erp.last.one("X-Auth-User") == "admin"


def test_the_header_wins_over_the_parameter(client, erp, token):
    other = quote(token_request(client, LOGIN).json["access_token"], safe="")

    assert client.get(f"/rest/x?access_token={other}&a=1", bearer(token)).status == 200
    assert erp.last.target == "/rest/x?a=1"
    assert erp.last.one("X-Auth-Method") == "bearer"
    assert client.get("/rest/x?access_token=theirs", bearer(token)).status == 200
    assert client.get(f"/rest/x?access_token={other}", bearer("dead")).status == 401
    assert client.ask("POST", "/rest/x", [FORM, bearer(token)], f"access_token={other}&a=1".encode()).status == 200
    assert erp.last.body == b"a=1"


def invalid(description, kind="invalid_token"):
    return f'{{"error":"{kind}","error_description":"{description}"}}'.encode()


@pytest.mark.parametrize("path", ["/rest/x", "/rest/entities/Product"], ids=["protected", "anonymous"])
def test_a_bad_token_is_told_even_where_none_is_needed(client, erp, path):
    """An invalid token on an anonymous URL is a 401 all the same."""
    for answer in (client.get(path, bearer("bad+token/=")), client.get(f"{path}?access_token=bad%2Btoken/=")):
        said = "Invalid access token: bad+token/="
        assert (answer.status, answer.body) == (401, invalid(said))
        assert answer.one("WWW-Authenticate") == (
            f'Bearer realm="oauth2-resource", error="invalid_token", error_description="{said}"'
        )
        assert answer.one("Content-Type") == "application/json;charset=UTF-8"
    assert erp.seen == []


def test_a_valid_token_keeps_the_user_where_none_is_needed(client, erp, token):
    assert client.get("/rest/entities/Product", bearer(token)).status == 200
    assert erp.last.one("X-Auth-User") == "admin"


def test_a_refresh_token_opens_nothing(client, pair):
    answer = client.get("/rest/x", bearer(pair["refresh_token"]))

    assert (answer.status, answer.body) == (401, invalid(f"Invalid access token: {pair['refresh_token']}"))


def test_an_expired_token_is_told_as_such(client):
    token = token_request(client, LOGIN, "/brief/oauth/token").json["access_token"]

    while (answer := client.get("/rest/x", bearer(token))).status == 200:
        time.sleep(0.05)

    assert answer.status == 401
    assert answer.body == invalid(f"Access token expired: {token}")


def test_who_has_no_right_is_denied(client, token):
    answer = client.get("/rest/denied/x", bearer(token))

    assert (answer.status, answer.body) == (403, invalid("Access is denied", "access_denied"))


def test_a_route_that_does_not_list_the_parameter_ignores_and_cuts_it(client, erp, token):
    encoded = quote(token, safe="")

    assert client.get(f"/rest/strict/x?access_token={encoded}").status == 401
    assert client.get(f"/rest/strict/x?access_token={encoded}", bearer(token)).status == 200
    assert erp.last.target == "/rest/strict/x"


def test_authenticated_patterns_are_routes_and_anonymous_ones_come_first(client, erp):
    """jmix.rest.authenticated-url-patterns are the paths of routes; what is open is asked before."""
    assert client.get("/custom/open").status == 200
    assert client.get("/custom/x").status == 401
    assert [each.target for each in erp.seen] == ["/custom/open"]


@pytest.mark.parametrize(
    "path", ["/rest/public/x", "/rest/entities/Product/", "/rest/entities/product", "/rest/entities/Product/1/2"]
)
def test_nothing_is_open_that_no_pattern_says(client, erp, path):
    """Neither what Jmix's code opens unasked, nor with another end or case than is written."""
    assert client.get(path).status == 401
    assert erp.seen == []


def test_a_query_makes_no_difference_to_a_pattern(client):
    assert client.get("/rest/entities/Product?limit=1&x=/rest/secret").status == 200


# -- endpoints -------------------------------------------------------------------------------------------------------


def test_tokens_may_be_pasted_into_forms_as_they_are_printed(client):
    """About every third token has a `+`, which stands for a space in a form."""
    pairs = (token_request(client, LOGIN).json for _ in range(200))
    pair = next(pair for pair in pairs if "+" in pair["refresh_token"] and "+" in pair["access_token"])

    fresh = token_request(client, f"grant_type=refresh_token&refresh_token={pair['refresh_token']}".encode())
    assert (fresh.status, fresh.json["refresh_token"]) == (200, pair["refresh_token"])

    gone = client.ask("POST", "/oauth/revoke", [BASIC, FORM], f"token={pair['refresh_token']}".encode())
    assert (gone.status, gone.body) == (200, b"")
    assert client.get("/rest", bearer(fresh.json["access_token"])).status == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_both_at_once(client, pair, kind):
    assert client.get("/rest", bearer(pair["access_token"])).status == 200

    answer = client.ask("POST", "/oauth/revoke", [BASIC, FORM], urlencode({"token": pair[kind]}).encode())

    assert (answer.status, answer.body) == (200, b"")
    assert client.get("/rest", bearer(pair["access_token"])).status == 401
    gone = token_request(client, urlencode({"grant_type": "refresh_token", **pair}).encode())
    assert (gone.status, gone.json["error"]) == (400, "invalid_grant")


def test_a_stale_header_and_a_client_in_the_body_are_no_client(client):
    body = LOGIN + b"&client_id=client&client_secret=secret"
    for headers in ([FORM], [FORM, bearer("dead")]):
        answer = client.ask("POST", "/oauth/token", headers, body)

        assert answer.status == 401
        assert answer.one("WWW-Authenticate") == 'Basic realm="oauth2/client"'
        told = answer.json
        assert list(told) == ["timestamp", "status", "error", "path"]
        assert (told["status"], told["error"], told["path"]) == (401, "Unauthorized", "/oauth/token")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", told["timestamp"])


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/oauth/token"), ("PUT", "/oauth/token"), ("DELETE", "/oauth/revoke")]
)
def test_other_methods_are_405(client, method, path):
    for headers in ([BASIC], [BASIC, FORM], []):
        answer = client.ask(method, path, headers)

        told = invalid(f"Request method '{method}' not supported", "method_not_allowed")
        assert (answer.status, answer.body, answer.one("Allow")) == (405, told, "POST")


async def test_no_word_of_a_token_is_written_anywhere(client, running, pair):
    token = pair["access_token"]
    client.get(f"/rest/x?access_token={quote(token, safe='')}")
    client.get(f"/rest/x?access_token={token}")
    token_request(client, urlencode({"grant_type": "refresh_token", "refresh_token": token}).encode())
    client.get("/rest/x", bearer(pair["refresh_token"]))
    client.get("/rest/x", ("X-Request-Id", "the-last-line"))
    files = [running[1].directory / name for name in ("access.log", "audit.log", "stdout", "stderr")]
    await eventually(lambda: "the-last-line" in files[0].read_text())

    written = "".join(file.read_text() for file in files)

    for secret in (token, quote(token, safe=""), pair["refresh_token"], "access_token="):
        assert secret not in written


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth2/token", "/oauth2/revoke", "/rest/x"])
def test_a_preflight_at_the_endpoints_is_answered_for_a_listed_origin(client, path):
    asked = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")]

    listed = client.ask("OPTIONS", path, [("Origin", "https://shop.example"), *asked])
    other = client.ask("OPTIONS", path, [("Origin", "https://evil.example"), *asked])

    assert (listed.status, listed.one("Access-Control-Allow-Origin")) == (200, "https://shop.example")
    assert (listed.one("Content-Length"), listed.body) == ("0", b"")
    assert listed.one("Access-Control-Allow-Headers") == "authorization"
    assert (other.status, other.all("Access-Control-Allow-Origin")) == (403, [])


# -- generation 2 ----------------------------------------------------------------------------------------------------


@pytest.fixture
def second(client):
    return token_request(client, LOGIN, "/oauth2/token").json


def test_a_login_of_generation_2(second):
    assert list(second) == ["access_token", "refresh_token", "token_type", "expires_in"]
    assert (len(second["access_token"]), second["token_type"], second["expires_in"]) == (128, "Bearer", 299)


def test_routes_of_generation_2_refuse_in_the_header_alone(client):
    for answer, challenge in (
        (client.get("/two/x"), "Bearer"),
        (
            client.get("/two/x", bearer("dead")),
            (
                'Bearer error="invalid_token", error_description="Authorization for provided access token not found", '
                'error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"'
            ),
        ),
    ):
        assert (answer.status, answer.body, answer.one("WWW-Authenticate")) == (401, b"", challenge)


def test_generation_2_reads_no_parameter(client, erp, second):
    token = second["access_token"]

    assert client.get(f"/two/x?access_token={token}").status == 401
    assert client.ask("POST", "/two/x", [FORM], f"access_token={token}".encode()).status == 401
    assert client.get(f"/two/open/x?access_token={token}&a=1").status == 200
    assert erp.last.target == "/two/open/x?a=1"
    assert client.get("/two/x", bearer(token)).status == 200


def test_two_tokens_at_once_are_too_many_where_the_parameter_was_switched_on(client, erp, second):
    token = second["access_token"]

    answer = client.get(f"/two/files/x?access_token={token}", bearer(token))

    assert (answer.status, answer.body) == (400, b"")
    assert answer.one("WWW-Authenticate") == (
        'Bearer error="invalid_request", error_description="Found multiple bearer tokens in the request", '
        'error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"'
    )
    assert client.get(f"/two/files/x?access_token={token}").status == 200
    assert len(erp.seen) == 1


def test_a_refresh_of_generation_2_ends_the_old_access_token(client, second):
    body = urlencode({"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}).encode()

    third = token_request(client, body, "/oauth2/token").json

    assert third["refresh_token"] == second["refresh_token"]
    assert client.get("/two/x", bearer(second["access_token"])).status == 401
    assert client.get("/two/x", bearer(third["access_token"])).status == 200


def test_logout_of_generation_2(client, second):
    answer = client.get("/logout", bearer(second["access_token"]))

    assert (answer.status, answer.one("Location")) == (302, "/")
    assert client.get("/two/x", bearer(second["access_token"])).status == 401


def test_a_client_of_generation_2_logs_in_for_itself(client):
    basic = ("Authorization", "Basic " + b64encode(b"service:secret").decode())

    answer = client.ask("POST", "/oauth2/token", [basic, FORM], b"grant_type=client_credentials")

    assert list(answer.json) == ["access_token", "token_type", "expires_in"]
    assert client.get("/two/x", bearer(answer.json["access_token"])).status == 200
