"""Tryton behind the gateway: its REST API and its JSON-RPC, with the gateway's logins and the ERP's own credentials."""

import base64
import re
import time
from hashlib import sha256

import pytest
import requests
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.relay import Relay
from fakes.tryton import APPLICATION_KEY, PASSWORD, USER, Tryton

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first run on a machine makes the ERP's database

GATEWAY_KEY = "a-key-of-the-gateway-0123456789"
CONFIG = """\
identity_providers:
  staff:
    type: users
    users:
      - {{username: clerk, id: 7, password_hash: "{password}", roles: [sales]}}
      - {{username: guest, id: 8, password_hash: "{password}"}}
  erp: {{type: tryton, upstream: own, database: erp, roles: [sales]}}
api_keys:
  - {{id: scanner, hash: "sha256:{key_hash}", user: scanner, roles: [sales]}}
logins:
  native: {{dialect: native, path: /auth, identity_provider: staff}}
  erp: {{dialect: native, path: /as-user, identity_provider: erp}}
upstreams:
  rest:
    servers: ["http://127.0.0.1:{port}"]
    injector: {{bearer: {{token: "{application_key}"}}}}
  rpc:
    servers: ["http://127.0.0.1:{port}"]
    injector: {{basic: {{username: "{user}", password: "{erp_password}"}}}}
  own:
    servers: ["http://127.0.0.1:{port}"]
    injector: {{erp_session: {{identity_provider: erp}}}}
  as-it-is:
    servers: ["http://127.0.0.1:{port}"]
routes:
  - {{name: tryton-clients, hosts: [tryton.example.com], path: /**, upstream: as-it-is, public: true}}
  - {{name: rest, path: /erp/rest/**, upstream: rest, logins: [native], require: {{roles: [sales]}}}}
  - {{name: version, path: /rpc/, methods: [POST], upstream: rpc, logins: [native], anonymous: [POST /rpc/]}}
  - {{name: own, path: /own/**, strip_prefix: /own, methods: [POST], upstream: own, logins: [native, erp]}}
  - {{name: rpc, path: /erp/rpc/, methods: [POST], upstream: rpc, logins: [native]}}
"""
PARTIES = "/erp/rest/model/party.party"


@pytest.fixture(scope="module")
def erp(tmp_path_factory):
    erp = Tryton(tmp_path_factory.mktemp("tryton")).start()
    yield erp
    erp.stop()


@pytest.fixture(scope="module")
def relay(erp):
    relay = Relay("127.0.0.1", erp.port)
    yield relay
    relay.close()


@pytest.fixture(scope="module")
def gateway(relay, tmp_path_factory):
    config = CONFIG.format(
        password=password_hash("clerk-password"),
        key_hash=sha256(GATEWAY_KEY.encode()).hexdigest(),
        port=relay.port,
        application_key=APPLICATION_KEY,
        user=USER,
        erp_password=PASSWORD,
    )
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"), config).start()
    yield gateway
    gateway.stop()


class Client:
    """Somebody who logged in to the gateway; `call` goes through it with their access token."""

    rpc_path = "/erp/rpc/"

    def __init__(self, gateway, username, password="clerk-password", login="/auth"):
        self._gateway = gateway
        answer = requests.post(
            f"{gateway.url}{login}/login", json={"username": username, "password": password}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()

    def call(self, method, path, **options):
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}", **options.pop("headers", {})}
        return requests.request(method, self._gateway.url + path, headers=headers, timeout=60, **options)

    def rpc(self, method, *params):
        return self.call("POST", self.rpc_path, json={"id": 1, "method": method, "params": [*params, {}]})


@pytest.fixture(scope="module")
def clerk(gateway):
    return Client(gateway, "clerk")


def test_a_client_that_logged_in_creates_lists_changes_and_deletes_parties(clerk):
    created = clerk.call("POST", PARTIES, json={"name": "Garden Wörld"})

    assert created.status_code == 200
    party = created.json()["id"]
    assert created.json() == {"__name__": "party.party", "id": party, "rec_name": "Garden Wörld"}

    clerk.call("POST", PARTIES, json={"name": "Patio Fun"})
    listed = clerk.call("GET", PARTIES, headers={"Range": "records=0-1"})

    assert len(listed.json()) == 1
    assert listed.headers["Content-Range"] == "records 0-1/2"

    changed = clerk.call("PUT", f"{PARTIES}/{party}", json={"name": "Garden World"})

    assert changed.json()["rec_name"] == "Garden World"

    deleted = clerk.call("DELETE", f"{PARTIES}/{party}")

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert clerk.call("GET", f"{PARTIES}/{party}").status_code == 404


def test_every_one_of_its_models_is_reached(clerk):
    for model in ("company.company", "product.product", "timesheet.work", "sale.sale"):
        answer = clerk.call("GET", f"/erp/rest/model/{model}", params={"s": 5})

        assert (answer.status_code, answer.json()) == (200, []), model


@pytest.mark.parametrize("credential", ["", "Bearer {key}", "Basic {basic}", "Bearer nonsense", "Session {basic}"])
def test_without_a_credential_of_the_gateway_the_erp_is_not_even_asked(gateway, relay, credential):
    """Those of the ERP itself open nothing here."""
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": credential.format(key=APPLICATION_KEY, basic=basic)} if credential else {}
    before = len(relay.bytes_received)

    for path in (PARTIES, "/erp/rpc/"):
        answer = requests.post(gateway.url + path, json={"name": "Nobody"}, headers=headers, timeout=60)

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert len(relay.bytes_received) == before


def test_who_lacks_the_role_is_refused_with_403(gateway):
    assert Client(gateway, "guest").call("GET", PARTIES).status_code == 403


def test_after_logout_the_token_opens_nothing(gateway):
    client = Client(gateway, "clerk")
    assert client.call("GET", PARTIES).status_code == 200

    assert client.call("POST", "/auth/logout").status_code == 204

    assert client.call("GET", PARTIES).status_code == 401


def test_the_erp_sees_the_injected_credential_and_nothing_of_the_gateways(gateway, relay):
    client = Client(gateway, "clerk")
    before = len(relay.bytes_received)

    client.call("GET", PARTIES)
    client.rpc("model.party.party.search_read", [], 0, 5, None, ["name"])
    requests.get(gateway.url + PARTIES, headers={"X-API-Key": GATEWAY_KEY}, timeout=60)
    sent = relay.bytes_received[before:]

    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    assert re.findall(rb"(?im)^authorization: *(.*?)\r$", sent) == [
        b"Bearer " + APPLICATION_KEY.encode(),
        b"Basic " + basic,
        b"Bearer " + APPLICATION_KEY.encode(),
    ]
    assert re.findall(rb"(?im)^x-auth-user: *(.*?)\r$", sent) == [b"clerk", b"clerk", b"scanner"]
    assert b"x-api-key" not in sent.lower()
    for secret in (client.tokens["access_token"], client.tokens["refresh_token"], GATEWAY_KEY):
        assert secret.encode() not in relay.bytes_received


def test_nobody_else_is_told_the_erps_credential(gateway, clerk):
    answer = clerk.call("GET", PARTIES)

    told = answer.text + str(answer.headers) + gateway.stdout + gateway.stderr
    assert APPLICATION_KEY not in told
    assert PASSWORD not in told


def test_an_identity_that_the_client_claims_is_not_passed_on(clerk, relay):
    before = len(relay.bytes_received)

    clerk.call("GET", PARTIES, headers={"X-Auth-User": "admin", "X_Auth_User": "admin", "X-Auth-Roles": "root"})
    sent = relay.bytes_received[before:]

    assert re.findall(rb"(?im)^x[-_]auth[-_]user: *(.*?)\r$", sent) == [b"clerk"]
    assert re.findall(rb"(?im)^x-auth-roles: *(.*?)\r$", sent) == [b"sales"]


def test_json_rpc_goes_through_the_gateway(clerk):
    made = clerk.rpc("model.party.party.create", [{"name": "By JSON-RPC"}])

    (party,) = made.json()["result"]
    read = clerk.rpc("model.party.party.read", [party], ["name"])
    assert read.json() == {"id": 1, "result": [{"id": party, "name": "By JSON-RPC"}]}

    clerk.rpc("model.party.party.delete", [party])

    found = clerk.rpc("model.party.party.search", [["name", "=", "By JSON-RPC"]], 0, None, None)
    assert found.json()["result"] == []


def test_an_error_of_the_erp_reaches_the_client_as_the_erp_spelled_it(clerk):
    answer = clerk.rpc("model.party.party.create", [{"code": "without a name", "addresses": "nonsense"}])

    assert answer.status_code == 200
    assert answer.json()["error"]


def test_an_anonymous_path_needs_no_token_and_borrows_no_credential(gateway, relay):
    before = len(relay.bytes_received)

    answer = requests.post(
        f"{gateway.url}/rpc/", json={"id": 1, "method": "common.server.version", "params": []}, timeout=30
    )

    assert answer.json()["result"] == "8.2"
    assert b"authorization:" not in relay.bytes_received[before:].lower()


def test_a_client_of_the_erp_works_unchanged_on_a_public_route(gateway):
    """How an ERP that already runs is taken over: its own login and its own sessions still count."""
    host = {"Host": "tryton.example.com"}
    login = {"id": 1, "method": "common.db.login", "params": [USER, {"password": PASSWORD}]}
    user, session, _ = requests.post(f"{gateway.url}/erp/rpc/", json=login, headers=host, timeout=60).json()["result"]
    token = base64.b64encode(f"{USER}:{user}:{session}".encode()).decode()

    answer = requests.post(
        f"{gateway.url}/erp/rpc/",
        json={"id": 2, "method": "model.res.user.read", "params": [[user], ["login"], {}]},
        headers={**host, "Authorization": f"Session {token}"},
        timeout=60,
    )

    assert answer.json()["result"] == [{"id": user, "login": USER}]


# -- signed in to for the user ---------------------------------------------------------------------------------------


class ErpUser(Client):
    """Somebody whom Tryton itself knows: the gateway signs in there with what they typed."""

    rpc_path = "/own/erp/rpc/"

    def __init__(self, gateway):
        super().__init__(gateway, USER, PASSWORD, "/as-user")

    def preferences(self):
        return self.rpc("model.res.user.get_preferences", True)


def sent_sessions(sent):
    return re.findall(rb"(?im)^authorization: *session (.*?)\r$", sent)


def still_open(erp, session):
    """Whether Tryton knows the session, asked without the gateway."""
    answer = requests.post(
        f"http://127.0.0.1:{erp.port}/erp/rpc/",
        json={"id": 1, "method": "model.res.user.get_preferences", "params": [True, {}]},
        headers={"Authorization": "Session " + session.decode()},
        timeout=60,
    )
    return answer.status_code == 200


def wait_until_over(erp, session):
    until = time.monotonic() + 60
    while still_open(erp, session):
        assert time.monotonic() < until, "the session outlived the logout"
        time.sleep(0.05)


def test_the_gateway_signs_in_for_the_user_and_out_again(gateway, erp, relay):
    before = len(relay.bytes_received)
    client = ErpUser(gateway)
    made = client.rpc("model.party.party.create", [{"name": "Made by its user"}])

    (session,) = set(sent_sessions(relay.bytes_received[before:]))
    name, user, _ = base64.b64decode(session).decode().rsplit(":", 2)
    (party,) = made.json()["result"]
    author = client.rpc("model.party.party.read", [party], ["create_uid"]).json()["result"][0]["create_uid"]
    assert (name, user) == (USER, str(author))
    assert still_open(erp, session)

    refreshed = requests.post(
        f"{gateway.url}/as-user/refresh", json={"refresh_token": client.tokens["refresh_token"]}, timeout=30
    )
    client.tokens = refreshed.json()
    assert client.preferences().status_code == 200

    assert client.call("POST", "/as-user/logout").status_code == 204

    wait_until_over(erp, session)
    assert client.preferences().status_code == 401


def test_a_session_that_tryton_ended_ends_the_gateways(gateway, erp, relay):
    before = len(relay.bytes_received)
    client = ErpUser(gateway)
    assert client.preferences().status_code == 200
    session = sent_sessions(relay.bytes_received[before:])[-1]
    requests.post(
        f"http://127.0.0.1:{erp.port}/erp/rpc/",
        json={"id": 1, "method": "common.db.logout", "params": []},
        headers={"Authorization": "Session " + session.decode()},
        timeout=60,
    )

    assert client.preferences().status_code == 401

    refreshed = {"refresh_token": client.tokens["refresh_token"]}
    assert requests.post(f"{gateway.url}/as-user/refresh", json=refreshed, timeout=60).status_code == 401


def test_a_method_that_nobody_may_call_ends_nothing(gateway):
    client = ErpUser(gateway)

    assert client.rpc("model.ir.session.search", []).status_code == 403
    assert client.preferences().status_code == 200


def test_a_wrong_password_is_trytons_to_tell(gateway):
    """Once: Tryton makes each further attempt wait longer."""
    wrong = requests.post(f"{gateway.url}/as-user/login", json={"username": USER, "password": "wrong"}, timeout=60)

    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_credentials")


def test_who_is_listed_at_the_gateway_has_no_session_of_trytons(clerk, relay):
    before = len(relay.bytes_received)

    answer = clerk.call("POST", "/own/erp/rpc/", json={"id": 1, "method": "system.listMethods", "params": []})

    assert answer.status_code == 403
    assert len(relay.bytes_received) == before
