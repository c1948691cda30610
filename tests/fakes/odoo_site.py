"""One gateway in front of a fake Odoo, as clients of Odoo's web session meet them."""

import pytest
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.odoo import Odoo, rpc
from fakes.plain_client import PlainClient

HASH = password_hash("password")
CONFIG = """\
server: {{public_url: "http://erp.example"}}
logs: {{access: stdout, audit: ./audit.log, level: debug}}
identity_providers:
  staff:
    type: users
    users:
      - {{username: username, id: 2, password_hash: "{hash}", roles: [base.group_erp_manager]}}
      - {{username: other, id: 3, password_hash: "{hash}"}}
logins:
  odoo: {{dialect: odoo, path: /web/session, identity_provider: staff}}
  native: {{dialect: native, path: /auth, identity_provider: staff}}
upstreams:
  odoo: {{servers: ["{erp}"]}}
routes:
  - name: mixed
    path: /mixed/**
    upstream: odoo
    logins: [odoo, native]
    credentials: [bearer, cookie, access_token]
    anonymous: [/mixed/open]
  - {{name: machines, path: /machines/**, upstream: odoo, logins: [odoo]}}
  - {{name: takeover, path: /takeover/**, upstream: odoo, credentials: [bearer, cookie], foreign_credentials: pass}}
  - {{name: public, path: /public/**, upstream: odoo, public: true}}
  - name: web
    path: /**
    upstream: odoo
    logins: [odoo]
    errors: odoo
    credentials: [cookie]
    anonymous: [/web/webclient/version_info, /web/database/list, "GET /web/login"]
"""


class OpenOdoo(Odoo):
    """An Odoo that leaves it to the gateway who asks: it answers what it was sent, under a session of its own."""

    def routes(self):
        return {where: handler for where, handler in super().routes().items() if where[1] != "/jsonrpc"}

    async def resource(self, request):
        asked = await request.json() if await request.read() else {}
        who = {name: request.headers.get(f"X-Auth-{name}") for name in ("User", "User-Id", "Method", "Login")}
        told = {
            "who": who,
            "path": request.path,
            "cookie": request.headers.get("Cookie"),
            "params": asked.get("params"),
        }
        return self._with_cookie(rpc(asked.get("id"), result=told), "an-odoo-session-of-its-own")


class OdooSite:
    def __init__(self, directory):
        self.erp = OpenOdoo()
        self.gateway = GatewayProcess(directory, CONFIG.format(hash=HASH, erp=self.erp.url)).start()
        self.client = PlainClient(self.gateway.port)
        self.directory = directory

    def call(self, path, params=None, *headers, method="POST", rpc_id=1):
        """One JSON-RPC call; `rpc_id` ... leaves the id out."""
        envelope = {"jsonrpc": "2.0", "method": "call", "params": params or {}}
        if rpc_id is not ...:
            envelope["id"] = rpc_id
        return self.client.post(path, envelope, *headers)

    def login(self, user="username", *headers):
        """The cookie of a session, as a header."""
        params = {"db": "odoo_production", "login": user, "password": "password"}
        answer = self.call("/web/session/authenticate", params, *headers)
        return ("Cookie", answer.one("Set-Cookie").partition(";")[0])

    def stop(self):
        self.gateway.stop()
        self.erp.stop()


@pytest.fixture(scope="session")
def running_odoo_site(tmp_path_factory):
    site = OdooSite(tmp_path_factory.mktemp("odoo-site"))
    yield site
    site.stop()


@pytest.fixture
def site(running_odoo_site):
    running_odoo_site.erp.asked.clear()
    return running_odoo_site
