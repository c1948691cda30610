"""Every request that iDempiere's documentation prints, sent as printed (host aside) to a running gateway; then its routes."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.plain_client import PlainClient, bearer

CONFIG = """\
server: {{public_url: "http://erp.example"}}
logs: {{access: ./access.log, audit: ./audit.log}}
identity_providers:
  staff:
    type: users
    users:
      - username: GardenAdmin
        password_hash: "{admin}"
        id: 101
        tenants:
          - id: 11
            name: GardenWorld
            roles:
              - {{id: 2000001, name: GardenWorld WebService, type: WS, organizations: [{{id: 11, name: HQ, warehouses: [{{id: 103, name: HQ Warehouse}}]}}]}}
              - {{id: 102, name: GardenWorld Admin, organizations: [{{id: 11, name: HQ}}, {{id: 12, name: Store Central}}]}}
              - {{id: 0, name: System Administrator, type: SYS, organizations: [{{id: 0, name: "*"}}]}}
      - username: GardenUser
        password_hash: "{user}"
        id: 102
        tenants:
          - {{id: 11, name: GardenWorld, roles: [{{id: 103, name: GardenWorld User, organizations: [{{id: 11, name: HQ}}]}}]}}
api_keys:
  - {{id: server-1, hash: "sha256:{key}", user: Sync, roles: [GardenWorld WebService]}}
  - {{id: server-2, hash: "sha256:{blocked}", user: Sync, blocked: true}}
  - {{id: server-3, hash: "sha256:{expired}", user: Sync, expires: 2020-01-01}}
logins:
  idempiere: {{dialect: idempiere, path: /api/v1/auth, identity_provider: staff}}
upstreams:
  idempiere: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: presigned, path: /api/v1/files/**, upstream: idempiere, errors: idempiere, public: true}}
  - {{name: oidc, path: /api/v1/models/oidc, upstream: idempiere, errors: idempiere, foreign_credentials: pass}}
  - {{name: admin, path: /api/v1/processes/**, upstream: idempiere, errors: idempiere, require: {{roles: [GardenWorld WebService]}}}}
  - {{name: api, path: /api/**, upstream: idempiere, errors: idempiere, anonymous: ["GET /api/v1/health", "POST /api/v1/webhooks/*", "OPTIONS /api/**"]}}
"""
ONE_STEP = b"""{
"userName": "GardenAdmin",
"password": "GardenAdmin",
"parameters": {
"clientId": 11,
"roleId": 2000001,
"organizationId": 11,
"warehouseId": 103,
"language": "en_US"
}
}"""
FIRST_STEP = b"""{
"userName": "GardenAdmin",
"password": "GardenAdmin"
}"""
FINALIZE = b"""{
"clientId": 11,
"roleId": 2000001,
"organizationId": 11,
"warehouseId": 103,
"language": "en_US"
}"""
REFRESH = b"""{
"refresh_token": "%s",
"clientId": 11,
"userId": 101
}"""
LOGOUT = b"""{
"token": "%s"
}"""
JSON = ("Content-Type", "application/json")
SERVER_KEYS = {"key": "a-token-for-a-server", "blocked": "a-token-that-is-blocked", "expired": "a-token-of-long-ago"}
SIGNATURE = "The Token's Signature resulted invalid when verified using the Algorithm: HmacSHA512"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    erp = Erp()
    keys = {name: sha256(key.encode()).hexdigest() for name, key in SERVER_KEYS.items()}
    written = CONFIG.format(admin=password_hash("GardenAdmin"), user=password_hash("GardenUser"), port=erp.port, **keys)
    gateway = GatewayProcess(tmp_path_factory.mktemp("idempiere"), written).start()
    yield erp, PlainClient(gateway.port)
    gateway.stop()
    erp.stop()


@pytest.fixture
def erp(running):
    running[0].forget()
    return running[0]


@pytest.fixture
def client(running):
    return running[1]


def post(client, path, body):
    return client.ask("POST", path, [JSON], body)


@pytest.fixture
def pair(client):
    return post(client, "/api/v1/auth/tokens", ONE_STEP).json


@pytest.fixture
def preauth(client):
    return post(client, "/api/v1/auth/tokens", FIRST_STEP).json["token"]


def test_one_step_login(client, erp):
    answer = post(client, "/api/v1/auth/tokens", ONE_STEP)

    assert answer.status == 200
    assert list(answer.json) == ["userId", "language", "token", "refresh_token"]
    assert (answer.json["userId"], answer.json["language"]) == (101, "en_US")
    assert answer.json["token"].startswith("eyJraWQiOiJpZGVtcGllcmUi")
    assert answer.json["refresh_token"].startswith("eyJraWQiOiJpZGVtcGllcmUi")
    assert client.get("/api/v1/models/c_bpartner", bearer(answer.json["token"])).status == 200
    assert erp.last.one("X-Auth-User") == "GardenAdmin"
    assert erp.last.one("X-Auth-User-Id") == "101"
    assert erp.last.one("X-Auth-Tenant") == "GardenWorld"
    assert erp.last.one("X-Auth-Roles") == "GardenWorld WebService"
    assert erp.last.one("X-Auth-Login") == "idempiere"
    assert not erp.last.all("Authorization")


def test_normal_login_flow(client):
    first = post(client, "/api/v1/auth/tokens", FIRST_STEP)
    assert first.status == 200
    assert list(first.json) == ["clients", "token"]
    assert first.json["clients"] == [{"id": 11, "name": "GardenWorld"}]
    assert first.json["token"].startswith("eyJraWQiOiJpZGVtcGllcmUi")
    token = bearer(first.json["token"])

    assert client.get("/api/v1/auth/roles?client=11", token).json == {
        "roles": [{"id": 2000001, "name": "GardenWorld WebService"}, {"id": 102, "name": "GardenWorld Admin"}]
    }
    assert client.get("/api/v1/auth/organizations?client=11&role=2000001", token).json == {
        "organizations": [{"id": 11, "name": "HQ"}]
    }
    assert client.get("/api/v1/auth/warehouses?client=11&role=2000001&organization=11", token).json == {
        "warehouses": [{"id": 103, "name": "HQ Warehouse"}]
    }
    assert client.get("/api/v1/auth/language?client=11", token).json == {"AD_Language": "en_US"}

    final = client.ask("PUT", "/api/v1/auth/tokens", [JSON, token], FINALIZE)
    assert final.status == 200
    assert list(final.json) == ["userId", "language", "token", "refresh_token"]
    assert client.get("/api/v1/models/c_bpartner", bearer(final.json["token"])).status == 200


def test_language_organization_and_warehouse_are_optional(client, preauth):
    body = b'{"clientId": 11, "roleId": 102}'

    final = client.ask("PUT", "/api/v1/auth/tokens", [JSON, bearer(preauth)], body)

    assert final.status == 200
    assert final.json["organizationId"] == 11
    assert final.json["language"] == "en_US"


def test_the_system_role_is_not_permitted(client, preauth):
    body = b'{"clientId": 11, "roleId": 0, "organizationId": 0}'

    answer = client.ask("PUT", "/api/v1/auth/tokens", [JSON, bearer(preauth)], body)

    assert (answer.status, answer.json["detail"]) == (401, "Invalid roleId")


def test_abbreviated_login(client):
    answer = post(client, "/api/v1/auth/tokens", b'{"userName": "GardenUser", "password": "GardenUser"}')

    assert answer.status == 200
    assert list(answer.json) == [
        "clients",
        "clientId",
        "userId",
        "roleId",
        "organizationId",
        "language",
        "token",
        "refresh_token",
    ]
    assert client.get("/api/v1/models/c_bpartner", bearer(answer.json["token"])).status == 200


def test_refresh(client, pair):
    answer = post(client, "/api/v1/auth/refresh", REFRESH % pair["refresh_token"].encode())

    assert answer.status == 200
    assert list(answer.json) == ["token", "refresh_token"]
    assert client.get("/api/v1/models/c_bpartner", bearer(answer.json["token"])).status == 200
    assert client.get("/api/v1/models/c_bpartner", bearer(pair["token"])).status == 200


def test_the_ids_of_a_refresh_are_optional(client, pair):
    body = json.dumps({"refresh_token": pair["refresh_token"]}).encode()

    assert post(client, "/api/v1/auth/refresh", body).status == 200


def test_reuse_of_a_refresh_token_invalidates_all_related_tokens(client, pair):
    body = REFRESH % pair["refresh_token"].encode()
    second = post(client, "/api/v1/auth/refresh", body).json

    again = post(client, "/api/v1/auth/refresh", body)

    assert (again.status, again.body) == (
        401,
        b'{"title":"Authenticate error","status":401,"detail":"Invalid refresh token"}',
    )
    for token in (pair["token"], second["token"]):
        refused = client.get("/api/v1/models/c_bpartner", bearer(token))
        assert (refused.status, refused.body) == (401, b'{"title":"Token is revoked","status":401}')
    assert post(client, "/api/v1/auth/refresh", REFRESH % second["refresh_token"].encode()).status == 401


def test_logout(client, pair):
    assert client.get("/api/v1/models/c_bpartner", bearer(pair["token"])).status == 200

    answer = post(client, "/api/v1/auth/logout", LOGOUT % pair["token"].encode())

    assert (answer.status, answer.body) == (200, b'{"summary":"OK"}')
    refused = client.get("/api/v1/models/c_bpartner", bearer(pair["token"]))
    assert (refused.status, refused.body) == (401, b'{"title":"Token is revoked","status":401}')
    assert post(client, "/api/v1/auth/refresh", REFRESH % pair["refresh_token"].encode()).status == 401


def test_a_wrong_password_is_refused_in_idempiere_s_words(client):
    answer = post(client, "/api/v1/auth/tokens", b'{"userName": "GardenAdmin", "password": "wrong"}')

    assert answer.status == 401
    assert answer.body == b'{"title":"Authenticate error","status":401,"detail":"Invalid User ID or Password"}'
    assert answer.one("Content-Type") == "application/json"
    assert not answer.all("WWW-Authenticate")
    assert not answer.all("Set-Cookie")


def test_on_the_routes_a_refusal_without_words_is_an_empty_401(client, pair, preauth, erp):
    token = pair["token"]
    for headers in (
        [],
        [("Authorization", "Basic R2FyZGVuQWRtaW46R2FyZGVuQWRtaW4=")],
        [("Authorization", "Bearer")],
        [("Authorization", f"bearer {token}")],
        [bearer(preauth)],
        [bearer(pair["refresh_token"])],
    ):
        refused = client.get("/api/v1/models/c_bpartner", *headers)
        assert (refused.status, refused.body) == (401, b""), headers
        assert not refused.all("WWW-Authenticate")
    assert erp.seen == []


def test_on_the_routes_a_refused_token_is_told_in_the_title(client, pair):
    header, payload, signature = pair["token"].split(".")
    forged = urlsafe_b64encode(urlsafe_b64decode(signature + "==")[::-1]).decode().rstrip("=")
    for token, title in (
        ("garbage", "The token was expected to have 3 parts, but got 1."),
        ("a.b", "The token was expected to have 3 parts, but got 2."),
        (f"{header}.{payload}.{forged}", SIGNATURE),
    ):
        refused = client.get("/api/v1/models/c_bpartner", bearer(token))
        assert (refused.status, refused.json) == (401, {"title": title, "status": 401})
        assert refused.one("Content-Type") == "application/json"


def test_what_a_role_may_not_do_is_an_empty_401(client, erp):
    user = post(client, "/api/v1/auth/tokens", b'{"userName": "GardenUser", "password": "GardenUser"}').json

    refused = client.ask("POST", "/api/v1/processes/x", [JSON, bearer(user["token"])], b"{}")

    assert (refused.status, refused.body) == (401, b"")
    assert erp.seen == []


def test_there_are_no_url_tokens(client, pair):
    assert client.get(f"/api/v1/models/c_bpartner?access_token={pair['token']}").status == 401


def test_what_idempiere_leaves_open_is_opened_by_the_route(client, erp):
    assert client.get("/api/v1/health").status == 200
    assert client.ask("POST", "/api/v1/webhooks/orders", [JSON], b"{}").status == 200
    assert client.ask("POST", "/api/v1/webhooks/orders/more", [JSON], b"{}").status == 401
    assert client.ask("OPTIONS", "/api/v1/models/c_bpartner").status == 200
    assert len(erp.seen) == 3


def test_a_login_is_found_by_its_whole_path_only(client, erp):
    """The ERP looks at how a path ends: whatever ends so would be open."""
    refused = client.ask("POST", "/api/v1/models/x/v1/auth/tokens", [JSON], ONE_STEP)

    assert (refused.status, refused.body) == (401, b"")
    assert erp.seen == []


def test_a_token_for_a_server_is_a_declared_key_that_may_be_blocked(client, erp):
    models = "/api/v1/models/c_bpartner"

    assert client.get(models, bearer(SERVER_KEYS["key"])).status == 200
    assert (erp.last.one("X-Auth-User"), erp.last.one("X-Auth-Method")) == ("Sync", "api_key")
    assert not erp.last.all("Authorization")
    for name, title in (("blocked", b"Token is blocked"), ("expired", b"Token has expired")):
        refused = client.get(models, bearer(SERVER_KEYS[name]))
        assert (refused.status, refused.body) == (401, b'{"title":"%b","status":401}' % title)
        assert refused.one("Content-Type") == "application/json"


def test_a_presigned_address_is_judged_by_idempiere(client, erp):
    address = "/api/v1/files/7?X-ID-CREDENTIAL=u&X-ID-DATE=1&X-ID-EXPIRES=9&X-ID-SIGNATURE=a%2Fb%3D"

    assert client.get(address).status == 200
    assert erp.last.target == address
    assert client.get(address.replace("files", "models")).body == b"", "on other routes it is no credential"


def test_a_token_of_an_identity_service_is_judged_by_idempiere(client, erp, pair):
    """With X-ID-Role and the like, which say what the token does not."""
    foreign = [bearer("eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), ("X-ID-Role", "102"), ("X-ID-Organization", "11")]

    assert client.get("/api/v1/models/oidc", *foreign).status == 200
    assert (erp.last.one("Authorization"), erp.last.one("X-ID-Role")) == (foreign[0][1], "102")
    assert erp.last.all("X-Auth-User") == []
    assert client.get("/api/v1/models/oidc", bearer(pair["token"])).status == 200
    assert erp.last.all("Authorization") == []


def test_a_locale_goes_to_the_erp(client, erp, pair):
    assert client.get("/api/v1/models/c_bpartner?locale=de_DE&$top=1", bearer(pair["token"])).status == 200
    assert erp.last.target == "/api/v1/models/c_bpartner?locale=de_DE&$top=1"


def test_the_key_is_not_shown(client):
    assert client.get("/api/v1/auth/jwk").body == b"{}"
