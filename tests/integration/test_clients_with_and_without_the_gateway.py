"""Clients as they are published do the same at an ERP and at the gateway before it: so the fake ERPs are what they play."""

import gc
import warnings

import odoolib
import odooly
import odoorpc
import pytest
import requests
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.idempiere import Idempiere
from fakes.itempath import ItemPath
from fakes.jmix import CLIENT, SECRET, Jmix
from fakes.odoo import DATABASE, Odoo
from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

PASSWORD = "correct horse"
CONFIG = """\
logs: {{access: ./access.log, audit: ./audit.log}}
clients: [{{id: {client}, secret_hash: "{secret_hash}", grants: [password, refresh_token]}}]
identity_providers:
  odoo: {{type: odoo, upstream: odoo, database: {database}}}
  idempiere: {{type: idempiere, upstream: idempiere}}
  itempath: {{type: itempath, upstream: itempath}}
  jmix: {{type: jmix, upstream: jmix, client_id: {client}, client_secret: {secret}}}
  jmix2: {{type: jmix, upstream: jmix2, client_id: {client}, client_secret: {secret}, path: /oauth2}}
logins:
  odoo: {{dialect: odoo, path: /web/session, identity_provider: odoo}}
  idempiere: {{dialect: idempiere, path: /api/v1/auth, identity_provider: idempiere}}
  itempath: {{dialect: itempath, path: /api/users, identity_provider: itempath}}
  jmix: {{dialect: jmix, path: /oauth, identity_provider: jmix}}
  jmix2: {{dialect: jmix, path: /oauth2, identity_provider: jmix2, generation: 2}}
upstreams:
  odoo: {{servers: ["{odoo}"], injector: {{erp_session: {{identity_provider: odoo}}}}}}
  idempiere: {{servers: ["{idempiere}"], injector: {{erp_session: {{identity_provider: idempiere}}}}}}
  itempath: {{servers: ["{itempath}"], injector: {{erp_session: {{identity_provider: itempath}}}}}}
  jmix: {{servers: ["{jmix}"], injector: {{erp_session: {{identity_provider: jmix}}}}}}
  jmix2: {{servers: ["{jmix2}"], injector: {{erp_session: {{identity_provider: jmix2}}}}}}
routes:
  - {{name: models, path: /api/v1/models/**, upstream: idempiere, logins: [idempiere]}}
  - {{name: stations, path: /api/stations, upstream: itempath, logins: [itempath]}}
  - {{name: rest, path: /oauth/rest/**, upstream: jmix, logins: [jmix]}}
  - {{name: rest2, path: /oauth2/rest/**, upstream: jmix2, logins: [jmix2]}}
  - {{name: calls, path: /jsonrpc, upstream: odoo, credentials: [jsonrpc]}}
  - {{name: xml, path: /xmlrpc/**, upstream: odoo, credentials: [xmlrpc]}}
  - name: web
    path: /**
    upstream: odoo
    logins: [odoo]
    credentials: [cookie]
    anonymous: [/web/webclient/version_info, /web/database/list]
"""


@pytest.fixture(scope="module")
def erps():
    made = {
        "odoo": Odoo(),
        "idempiere": Idempiere(),
        "itempath": ItemPath(),
        "/oauth": Jmix(),
        "/oauth2": Jmix(path="/oauth2"),
    }
    yield made
    for erp in made.values():
        erp.stop()


@pytest.fixture(scope="module")
def gateway(erps, tmp_path_factory):
    config = CONFIG.format(
        client=CLIENT,
        secret=SECRET,
        secret_hash=password_hash(SECRET),
        database=DATABASE,
        odoo=erps["odoo"].url,
        idempiere=erps["idempiere"].url,
        itempath=erps["itempath"].url,
        jmix=erps["/oauth"].url,
        jmix2=erps["/oauth2"].url,
    )
    process = GatewayProcess(tmp_path_factory.mktemp("clients"), config).start()
    yield process
    process.stop()


@pytest.fixture(params=["at the ERP", "at the gateway"])
def there(request, erps):
    """The port of an ERP, or of what stands before it."""
    if request.param == "at the gateway":
        port = request.getfixturevalue("gateway").port
        return lambda _: port
    return lambda erp: erps[erp].port


# -- Odoo: OdooRPC ---------------------------------------------------------------------------------------------------


@pytest.fixture
def odoo(there):
    return odoorpc.ODOO("127.0.0.1", port=there("odoo"), timeout=60)


def test_odoorpc_lists_databases_before_it_logs_in(odoo):
    assert odoo.version == "8.0"
    assert odoo.json("/web/database/list", {})["result"] == [DATABASE]


def test_odoorpc_logs_in_executes_and_logs_out(odoo):
    odoo.login(DATABASE, "ada", PASSWORD)
    assert (odoo.env.uid, odoo.env.context["lang"]) == (2, "en_US")

    called = odoo.json("/web/dataset/call_kw", {"model": "res.partner", "method": "read", "args": [[1]], "kwargs": {}})
    assert called["result"] == {
        "user": "ada",
        "params": {"model": "res.partner", "method": "read", "args": [[1]], "kwargs": {}},
    }
    told = odoo.execute("res.partner", "read", [1], ["name"])
    assert told == {"by": "ada", "model": "res.partner", "method": "read", "args": [[1], ["name"]]}

    assert odoo.logout()
    with pytest.raises(odoorpc.error.RPCError, match=r"[Ss]ession [Ee]xpired"):
        odoo.json("/web/dataset/call_kw", {})


def test_odoorpc_is_told_a_wrong_password(odoo):
    with pytest.raises(odoorpc.error.RPCError, match="Access Denied") as refused:
        odoo.login(DATABASE, "ada", "wrong")

    assert refused.value.info["data"]["name"] == "odoo.exceptions.AccessDenied"


def test_odoorpc_stays_logged_in_while_odoo_rotates_the_session(odoo, erps):
    odoo.login(DATABASE, "ada", PASSWORD)
    erps["odoo"].rotate_next = True

    for _ in range(3):
        assert odoo.json("/web/dataset/call_kw", {})["result"]["user"] == "ada"


def test_odoorpc_puts_the_password_into_each_call_where_odoo_is_newer(there):
    odoo = odoorpc.ODOO("127.0.0.1", port=there("odoo"), version="18.0", timeout=60)
    with pytest.raises(odoorpc.error.RPCError, match="Wrong login ID or password"):
        odoo.login(DATABASE, "ada", "wrong")

    odoo.login(DATABASE, "ada", PASSWORD)

    assert (odoo.env.uid, odoo.env.context["tz"]) == (2, "Europe/Brussels")
    assert odoo.execute("res.partner", "read", [1])["by"] == "ada"
    assert odoo.logout()


# -- Odoo: odoo-client-lib, Odoo's own, and Odooly --------------------------------------------------------------------


@pytest.fixture
def no_matter_what_stays_open():
    """odoo-client-lib leaves its XML-RPC connections to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def odoolib_at(port, protocol, password=PASSWORD):
    return odoolib.get_connection(
        hostname="127.0.0.1", port=port, protocol=protocol, database=DATABASE, login="ada", password=password
    )


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("protocol", ["xmlrpc", "jsonrpc"])
def test_odoo_client_lib_calls_by_password_and_by_key(there, no_matter_what_stays_open, protocol):
    for secret in (PASSWORD, "a" * 40):
        connection = odoolib_at(there("odoo"), protocol, secret)

        assert connection.get_user_context()["tz"] == "Europe/Brussels"
        assert connection.get_model("res.partner").search([])["by"] == "ada"


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("protocol", ["xmlrpc", "jsonrpc"])
def test_odoo_client_lib_is_told_a_wrong_password(there, no_matter_what_stays_open, protocol):
    with pytest.raises(odoolib.tools.AuthenticationError):
        odoolib_at(there("odoo"), protocol, "wrong").check_login(force=True)


@pytest.mark.parametrize("mode", ["web", "jsonrpc"])
def test_odooly_logs_in_and_calls_in_both_of_its_modes(there, erps, mode, monkeypatch):
    monkeypatch.setattr(erps["odoo"], "version", "18.0")
    client = odooly.Client(f"http://127.0.0.1:{there('odoo')}/{mode}", DATABASE, "ada", PASSWORD)

    told = client.env.execute("res.partner", "search", [])

    assert client.env.uid == 2
    assert (told.get("by") or told.get("user")) == "ada"


# -- Jmix: requests-oauthlib -----------------------------------------------------------------------------------------


class JmixClient:
    """requests-oauthlib at one generation's paths."""

    basic = HTTPBasicAuth(CLIENT, SECRET)

    def __init__(self, session, port, path):
        self.session, self.url = session, f"http://127.0.0.1:{port}{path}"

    def login(self, password=PASSWORD):
        return self.session.fetch_token(f"{self.url}/token", username="ada", password=password, auth=self.basic)

    def refresh(self):
        return self.session.refresh_token(f"{self.url}/token", auth=self.basic)

    def status(self, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        ask = requests.get if token else self.session.get
        return ask(f"{self.url}/rest/entities", headers=headers, timeout=60).status_code


@pytest.fixture(params=["/oauth", "/oauth2"])
def jmix(request, there, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    with OAuth2Session(client=LegacyApplicationClient(CLIENT)) as session:
        session.trust_env = False
        yield JmixClient(session, there(request.param), request.param)


def test_requests_oauthlib_logs_in_calls_and_refreshes(jmix):
    first = jmix.login()
    assert jmix.session.get(f"{jmix.url}/rest/entities", timeout=60).json()["user"] == "ada"

    second = jmix.refresh()

    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert jmix.status() == 200
    assert jmix.status(first["access_token"]) == 401


def test_requests_oauthlib_is_told_a_wrong_password(jmix):
    with pytest.raises(InvalidGrantError):
        jmix.login("wrong")


def test_what_requests_oauthlib_revokes_is_over(jmix):
    token = jmix.login()

    revoked = jmix.session.post(
        f"{jmix.url}/revoke", data={"token": token["refresh_token"]}, auth=jmix.basic, withhold_token=True, timeout=20
    )

    assert revoked.status_code == 200
    assert jmix.status(token["access_token"]) == 401


# -- iDempiere and ItemPath have no client library for Python: their documentation's own requests, by requests --------


class Documented:
    """The steps as the documentation prints them, with what it prints as answers."""

    def __init__(self, port, session):
        self.url, self.session = f"http://127.0.0.1:{port}", session

    def ask(self, method, path, token="", **options):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.session.request(method, self.url + path, headers=headers, timeout=60, **options)


@pytest.fixture
def documented(there):
    with requests.Session() as session:
        session.trust_env = False
        yield lambda erp: Documented(there(erp), session)


def signed_in(idempiere):
    """A login in two steps, everything chosen from what is listed."""
    login = {"userName": "ada", "password": PASSWORD}
    first = idempiere.ask("POST", "/api/v1/auth/tokens", json=login).json()
    assert first["clients"] == [{"id": 11, "name": "GardenWorld"}]
    assert list(first) == ["clients", "token"]

    def listed(what, **query):
        return idempiere.ask("GET", f"/api/v1/auth/{what}", first["token"], params=query).json()[what]

    assert listed("roles", client=11)[0] == {"id": 102, "name": "GardenWorld Admin"}
    assert listed("organizations", client=11, role=102)[0] == {"id": 11, "name": "HQ"}
    assert listed("warehouses", client=11, role=102, organization=11) == [{"id": 103, "name": "HQ Warehouse"}]
    language = idempiere.ask("GET", "/api/v1/auth/language", first["token"], params={"client": 11})
    assert language.json() == {"AD_Language": "en_US"}
    chosen = {"clientId": 11, "roleId": 102, "organizationId": 11, "warehouseId": 103, "language": "en_US"}
    final = idempiere.ask("PUT", "/api/v1/auth/tokens", first["token"], json=chosen)
    assert final.status_code == 200
    assert {"userId", "language", "token", "refresh_token"} <= set(final.json())
    return final.json()


def test_idempieres_two_steps_refresh_and_logout(documented):
    idempiere = documented("idempiere")
    first = signed_in(idempiere)
    assert idempiere.ask("GET", "/api/v1/models/c_order", first["token"]).json()["user"] == "ada"

    asked = {"refresh_token": first["refresh_token"], "clientId": 11, "userId": first["userId"]}
    second = idempiere.ask("POST", "/api/v1/auth/refresh", json=asked).json()
    assert list(second) == ["token", "refresh_token"]
    assert idempiere.ask("GET", "/api/v1/models/c_order", second["token"]).status_code == 200

    out = idempiere.ask("POST", "/api/v1/auth/logout", json={"token": second["token"]})
    assert (out.status_code, out.json()) == (200, {"summary": "OK"})
    refused = idempiere.ask("GET", "/api/v1/models/c_order", second["token"])
    assert (refused.status_code, refused.json()) == (401, {"title": "Token is revoked", "status": 401})


def test_idempieres_second_use_of_a_refresh_token_ends_everything(documented):
    idempiere = documented("idempiere")
    first = signed_in(idempiere)
    asked = {"refresh_token": first["refresh_token"], "clientId": 11, "userId": first["userId"]}
    second = idempiere.ask("POST", "/api/v1/auth/refresh", json=asked).json()

    refused = idempiere.ask("POST", "/api/v1/auth/refresh", json=asked)

    told = {"title": "Authenticate error", "status": 401, "detail": "Invalid refresh token"}
    assert (refused.status_code, refused.json()) == (401, told)
    assert idempiere.ask("GET", "/api/v1/models/c_order", second["token"]).status_code == 401


def test_idempieres_wrong_password_and_missing_token(documented):
    idempiere = documented("idempiere")

    wrong = idempiere.ask("POST", "/api/v1/auth/tokens", json={"userName": "ada", "password": "wrong"})
    nobody = idempiere.ask("GET", "/api/v1/models/c_order")

    told = {"title": "Authenticate error", "status": 401, "detail": "Invalid User ID or Password"}
    assert (wrong.status_code, wrong.json()) == (401, told)
    assert (nobody.status_code, nobody.content) == (401, b"")


def test_itempaths_login_use_and_refresh(documented):
    itempath = documented("itempath")
    assert itempath.ask("POST", "/api/users/login", json={"username": "ada", "password": "wrong"}).status_code == 404
    told = itempath.ask("POST", "/api/users/login", json={"username": "ada", "password": PASSWORD}).json()
    assert told["login"] is True

    assert itempath.ask("GET", "/api/stations", told["accessToken"]).json()["user"] == "ada"
    again = itempath.ask("POST", "/api/users/refresh", told["refreshToken"]).json()
    assert itempath.ask("GET", "/api/stations", again["accessToken"]).status_code == 200
    confused = itempath.ask("GET", "/api/stations", told["refreshToken"])
    assert (confused.status_code, confused.json()) == (422, {"msg": "Only non-refresh tokens are allowed"})
