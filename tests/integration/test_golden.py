"""The exchanges of tests/golden over a running gateway: every byte of every answer."""

import socket
from hashlib import sha256

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.golden import GOLDEN, recorded
from fakes.odoo import Odoo

FILES = sorted(path.stem for path in GOLDEN.glob("*.http"))
CONFIG = """\
server: {{public_url: "http://erp.example"}}
logs: {{access: ./access.log, audit: ./audit.log}}
identity_providers:
  staff:
    type: users
    users:
      - username: GardenAdmin
        password_hash: "{secret}"
        id: 101
        tenants: &garden
          - id: 11
            name: GardenWorld
            roles:
              - {{id: 102, name: GardenWorld Admin, organizations: [{{id: 11, name: HQ, warehouses: [{{id: 103, name: HQ Warehouse}}]}}, {{id: 12, name: Store}}]}}
              - {{id: 2000001, name: GardenWorld WebService, type: WS, organizations: [{{id: 11, name: HQ, warehouses: [{{id: 103, name: HQ Warehouse}}]}}]}}
              - {{id: 0, name: System Administrator, type: SYS, organizations: [{{id: 0, name: "*"}}]}}
      - username: GardenUser
        password_hash: "{secret}"
        id: 102
        tenants: [{{id: 11, name: GardenWorld, roles: [{{id: 103, name: User, organizations: [{{id: 11, name: HQ}}]}}]}}]
      - {{username: ada, id: 2, password_hash: "{secret}"}}
      - {{username: robot, id: 3, password_hash: "{secret}", type: application}}
      - {{username: locked, id: 4, password_hash: "{secret}", locked: true}}
  odoo-users: {{type: odoo, upstream: rpc, database: prod}}
clients:
  - {{id: client, secret_hash: "{secret}", grants: [client_credentials, password, refresh_token], scopes: [rest-api]}}
  - {{id: plain, secret_hash: "{secret}", grants: [client_credentials]}}
api_keys:
  - {{id: server-1, hash: "sha256:{key}", user: server}}
  - {{id: server-2, hash: "sha256:{blocked}", user: server, blocked: true}}
logins:
  idempiere: {{dialect: idempiere, path: /api/v1/auth, identity_provider: staff}}
  jdx: {{dialect: jdx, path: /restapi/1.0/common/oauth2, identity_provider: staff, database: prod}}
  odoo: {{dialect: odoo, path: /web/session, identity_provider: staff, databases: [prod]}}
  itempath: {{dialect: itempath, path: /api/users, identity_provider: staff}}
  jmix: {{dialect: jmix, path: /oauth, identity_provider: staff}}
  jmix2: {{dialect: jmix, path: /oauth2, identity_provider: staff, generation: 2}}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
  rpc: {{servers: ["{rpc}"]}}
routes:
  - {{path: /api/v1/denied, upstream: erp, errors: idempiere, logins: [idempiere], require: {{roles: [nobody]}}}}
  - {{path: /api/v1/**, upstream: erp, errors: idempiere, credentials: [bearer, api_key]}}
  - {{path: /api/**, upstream: erp, errors: itempath}}
  - {{path: /restapi/1.0/denied, upstream: erp, errors: jdx, require: {{roles: [nobody]}}}}
  - {{path: /restapi/**, upstream: erp, errors: jdx}}
  - {{path: /rest/denied, upstream: erp, errors: jmix, require: {{roles: [nobody]}}}}
  - {{path: /rest/**, upstream: erp, errors: jmix, credentials: [bearer, access_token], anonymous: [/rest/services/productService/**]}}
  - {{path: /rest2/denied, upstream: erp, errors: jmix2, require: {{roles: [nobody]}}}}
  - {{path: /rest2/**, upstream: erp, errors: jmix2}}
  - {{path: /web/denied, upstream: erp, errors: odoo, logins: [odoo], credentials: [cookie], require: {{roles: [nobody]}}}}
  - {{path: /jsonrpc, upstream: rpc, credentials: [jsonrpc]}}
  - {{path: /xmlrpc/2/*, upstream: rpc, credentials: [xmlrpc]}}
  - {{path: /**, upstream: erp, errors: odoo, logins: [odoo], credentials: [cookie], anonymous: [/web/webclient/version_info, /web/database/list]}}
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    erp, rpc = Erp(), Odoo({"ada": "secret", "bob": "other"})
    keys = {
        "key": sha256(b"a-token-for-a-server").hexdigest(),
        "blocked": sha256(b"a-token-that-is-blocked").hexdigest(),
    }
    written = CONFIG.format(secret=password_hash("secret"), port=erp.port, rpc=rpc.url, **keys)
    gateway = GatewayProcess(tmp_path_factory.mktemp("golden"), written).start()
    yield gateway.port
    gateway.stop()
    erp.stop()
    rpc.stop()


def answer_to(port, raw):
    """All bytes that come back until the other side has closed."""
    with socket.create_connection(("127.0.0.1", port), 30) as sock:
        sock.sendall(raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()


@pytest.mark.parametrize("name", FILES)
def test_every_recorded_exchange_is_answered_to_the_byte(port, name):
    known = {}

    for exchange in recorded(name):
        heard = answer_to(port, exchange.raw(known)).replace("Connection: close\r\n", "")
        matched = exchange.expected(known).fullmatch(heard)
        assert matched, f"{name}: {exchange.title}\n{heard}\n--- instead of\n{exchange.answer}"
        known |= matched.groupdict()
        head, _, body = heard.partition("\r\n\r\n")
        assert f"\r\nContent-Length: {len(body.encode())}" in head, exchange.title


def test_there_is_a_record_of_every_dialect_of_an_erp():
    assert FILES == ["idempiere", "itempath", "jdx", "jmix", "jmix2", "odoo", "odoo-rpc"]
    assert all(len(list(recorded(name))) >= 10 for name in FILES)
