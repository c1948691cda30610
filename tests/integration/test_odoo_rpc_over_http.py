"""Odoo's RPC interfaces through the gateway, by the clients that people use: OdooRPC and xmlrpc.client."""

import json
from xmlrpc.client import Fault, ProtocolError, ServerProxy

import odoorpc
import pytest
from fakes.gateway_process import GatewayProcess
from fakes.odoo import Odoo
from fakes.plain_client import PlainClient
from fakes.token_rig import PASSWORD

KEY = "a" * 40
CONFIG = """\
logs: {{access: stdout, audit: ./audit.log}}
identity_providers:
  erp: {{type: odoo, upstream: odoo, database: prod, roles: [staff]}}
logins:
  odoo: {{dialect: odoo, path: /web/session, identity_provider: erp, protection: {{max_failures: 3}}}}
upstreams:
  odoo:
    servers: ["{erp}"]
    injector: {{erp_session: {{identity_provider: erp}}}}
routes:
  - {{name: json2, path: /json/2/**, upstream: odoo, errors: odoo, logins: [odoo], foreign_credentials: pass}}
  - {{name: json, path: /jsonrpc, upstream: odoo, credentials: [jsonrpc], require: {{roles: [staff]}}}}
  - {{name: xml, path: /xmlrpc/**, upstream: odoo, credentials: [xmlrpc]}}
  - name: web
    path: /**
    upstream: odoo
    logins: [odoo]
    errors: odoo
    credentials: [cookie]
    anonymous: [/web/webclient/version_info]
"""


class Site:
    def __init__(self, directory):
        self.erp = Odoo(dict.fromkeys(["ada", "bob", "cid", "dora", "eve", "finn"], PASSWORD) | {"bob": "another one"})
        self._proxies = []
        self.directory = directory
        self.gateway = GatewayProcess(directory, CONFIG.format(erp=self.erp.url)).start()
        self.client = PlainClient(self.gateway.port)

    def call(self, service, method, *args, rpc_id=7):
        params = {"service": service, "method": method, "args": args}
        envelope = {"jsonrpc": "2.0", "method": "call", "params": params, "id": rpc_id}
        return self.client.post("/jsonrpc", envelope)

    def proxy(self, name):
        self._proxies.append(ServerProxy(f"http://127.0.0.1:{self.gateway.port}/xmlrpc/2/{name}"))
        return self._proxies[-1]

    def hang_up(self):
        while self._proxies:
            self._proxies.pop()("close")()

    def stop(self):
        self.gateway.stop()
        self.erp.stop()


@pytest.fixture(scope="module")
def running_site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("odoo-rpc"))
    yield made
    made.stop()


@pytest.fixture
def site(running_site):
    running_site.erp.asked.clear()
    running_site.erp.checked = 0
    yield running_site
    running_site.hang_up()


def test_odoorpc_logs_in_and_executes(site):
    odoo = odoorpc.ODOO("127.0.0.1", port=site.gateway.port, timeout=60)
    odoo.login("prod", "eve", PASSWORD)

    for _ in range(3):
        told = odoo.execute("res.partner", "read", [1], ["name"])

    assert told == {"by": "eve", "model": "res.partner", "method": "read", "args": [[1], ["name"]]}
    # Three calls, and one question of the gateway's own whose answer it keeps.
    assert site.erp.checked == 4


def test_what_reaches_the_erp_is_what_came_with_who_it_was(site):
    body = (
        b'{ "jsonrpc":"2.0","id":null,"params" : {"service":"object","method":"execute_kw","args":'
        b'["prod",2,"%b","res.partner","search",[[]],{}]}}' % PASSWORD.encode()
    )

    answer = site.client.post("/jsonrpc", body, ("X-Auth-User", "bob"), ("Cookie", "session_id=stolen"))

    assert answer.json["result"]["by"] == "ada"
    sent = site.erp.asked_for("/jsonrpc")[-1]
    assert (sent.body, sent.headers["content-length"]) == (body, str(len(body)))
    assert (sent.headers["x-auth-user"], sent.headers["x-auth-method"]) == ("ada", "jsonrpc")
    assert "cookie" not in sent.headers


def test_a_chunked_body_arrives_with_its_length(site):
    body = json.dumps({"id": 1, "params": {"service": "common", "method": "version", "args": []}}).encode()
    head = b"POST /jsonrpc HTTP/1.1\r\nHost: erp.example\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = site.client.send(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    assert answer.json["result"]["server_version"] == "8.0"
    assert site.erp.asked[-1].headers["content-length"] == str(len(body))


def test_xmlrpc_client_logs_in_and_executes_by_password_and_by_key(site):
    common, models = site.proxy("common"), site.proxy("object")
    assert common.version()["server_version"] == "8.0"
    assert "x-auth-user" not in site.erp.asked[-1].headers

    for secret in (PASSWORD, KEY):
        uid = common.authenticate("prod", "ada", secret, {})
        assert common.login("prod", "ada", secret) == uid == 2
        told = models.execute_kw("prod", uid, secret, "res.partner", "search", [[]], {"limit": 1})
        assert told["by"] == "ada"
        assert site.erp.asked[-1].headers["x-auth-user-id"] == "2"


def test_a_wrong_password_is_what_odoos_clients_expect(site):
    assert site.call("common", "login", "prod", "cid", "wrong").json == {"jsonrpc": "2.0", "id": 7, "result": False}
    refused = site.call("object", "execute", "prod", 4, "wrong", "res.partner", "read", [1])
    assert (refused.status, refused.json["id"]) == (200, 7)
    assert refused.json["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"

    assert site.proxy("common").authenticate("prod", "cid", "wrong", {}) is False
    with pytest.raises(Fault) as fault:
        site.proxy("object").execute("prod", 4, "wrong", "res.partner", "read", [1])
    assert (fault.value.faultCode, fault.value.faultString) == (3, "Access Denied")


def test_a_client_that_does_not_look_at_its_failed_login_is_told_by_its_next_call(site):
    refused = site.call("object", "execute_kw", "prod", False, "wrong", "res.partner", "search", [[]])
    assert (refused.status, refused.json["error"]["data"]["name"]) == (200, "odoo.exceptions.AccessDenied")

    with pytest.raises(Fault) as fault:
        site.proxy("object").execute_kw("prod", False, "wrong", "res.partner", "search", [[]])
    assert (fault.value.faultCode, fault.value.faultString) == (3, "Access Denied")


def test_the_old_path_of_xmlrpc_has_faults_in_words(site):
    old = ServerProxy(f"http://127.0.0.1:{site.gateway.port}/xmlrpc/object")
    with old, pytest.raises(Fault) as fault:
        old.execute("prod", 7, "wrong", "res.partner", "read", [1])

    assert (fault.value.faultCode, fault.value.faultString) == ("AccessDenied", "Access Denied")


def test_the_password_of_one_user_opens_no_other(site):
    answer = site.call("object", "execute", "prod", 3, PASSWORD, "res.partner", "read", [1])

    assert answer.json["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"


def test_failures_are_counted_and_the_ban_hides_the_right_password(site):
    site.call("common", "login", "prod", "dora", PASSWORD)
    for _ in range(3):
        site.call("common", "login", "prod", "dora", "wrong")

    banned = site.call("common", "login", "prod", "dora", PASSWORD)
    by_uid = site.call("object", "execute", "prod", 5, "wrong", "res.partner", "read", [1])

    assert banned.json["error"]["data"]["message"].startswith("Too many login failures")
    assert int(banned.one("Retry-After")) > 0
    assert by_uid.json["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"
    assert "banned" in (site.directory / "audit.log").read_text()
    assert PASSWORD not in (site.directory / "audit.log").read_text()


@pytest.mark.parametrize(
    ("service", "method"),
    [("db", "drop"), ("db", "list"), ("report", "render"), ("common", "set_loglevel"), ("object", "exec_workflow")],
)
def test_nothing_else_passes(site, service, method):
    told = site.call(service, method, "prod", 2, PASSWORD).json["error"]["data"]

    assert told["name"] == "odoo.exceptions.AccessError"
    assert site.erp.asked == []


def test_another_database_or_path_does_not_pass(site):
    other = site.call("common", "login", "elsewhere", "ada", PASSWORD)
    assert other.json["error"]["data"]["name"] == "odoo.exceptions.AccessError"
    with pytest.raises(Fault) as fault:
        site.proxy("db").list()
    assert fault.value.faultCode == 4
    assert site.erp.asked == []


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("/jsonrpc", b'{"params":{"service":"common","service":"db","method":"version","args":[]}}', 400),
        ("/jsonrpc", b"", 400),
        ("/jsonrpc?jsonp=x", b'{"params":{"service":"common","method":"version","args":[]}}', 400),
        ("/xmlrpc/2/common", b'<!DOCTYPE x [<!ENTITY a "b">]><methodCall/>', 400),
        ("/jsonrpc", b" " * (16 * 1024 * 1024 + 1), 413),
    ],
)
def test_what_is_ambiguous_or_too_large_is_refused(site, target, body, status):
    assert site.client.post(target, body).status == status
    assert site.erp.asked == []


def test_only_post_is_spoken(site):
    answer = site.client.get("/jsonrpc")

    assert (answer.status, answer.one("Allow")) == (405, "POST")


def test_an_erp_that_is_down_is_an_outage_and_no_wrong_password(site):
    site.erp.script("/jsonrpc", "maintenance", "maintenance")

    answer = site.call("common", "login", "prod", "finn", PASSWORD)
    assert (answer.status, answer.json["id"]) == (503, 7)
    with pytest.raises(ProtocolError, match="503"):
        site.proxy("common").login("prod", "finn", PASSWORD)


def test_a_large_call_passes_whole(site):
    text = "x" * 1_000_000

    told = site.proxy("object").execute("prod", 2, PASSWORD, "res.partner", "write", [1], text)

    assert told["args"] == [[1], text]


def test_a_bearer_key_of_plain_json_goes_to_odoo_which_judges_it(site):
    """Odoo's own keys are none of ours; what is none of either is refused as Odoo does."""
    asked = [("Authorization", f"Bearer {KEY}"), ("X-Odoo-Database", "prod")]
    before = len(site.erp.asked)

    site.client.post("/json/2/res.partner/search_read", {"domain": []}, *asked)
    refused = site.client.post("/json/2/res.partner/search_read", {"domain": []})

    (arrived,) = site.erp.asked[before:]
    assert arrived.headers["authorization"] == f"Bearer {KEY}"
    assert arrived.headers["x-odoo-database"] == "prod"
    assert "cookie" not in arrived.headers
    assert (refused.status, refused.one("WWW-Authenticate")) == (401, "bearer")
    assert refused.json["message"] == "User not authenticated, use an API Key with a Bearer Authorization header."
