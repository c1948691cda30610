"""Two real gateways before upstreams that a test scripts: a steady one, and a hasty one whose time-outs are short."""

import contextlib
import hashlib
import json
import urllib.request

from fakes.gateway_process import GatewayProcess, password_hash
from fakes.ports import free_port

API_KEY = "wire-test-key-0123456789abcdef"

UPSTREAMS = ("upstream", "second", "dead")
"""Names of the ports that tests script; nothing ever listens on `dead`."""

CONFIG = """\
server:
  timeouts: {{header: {client}, body: {client}, idle: {client}, drain: 2s}}
logs: {{level: info}}
identity_providers:
  staff:
    type: users
    users:
      - {{username: clerk, password_hash: "{password}", id: 7}}
api_keys:
  - {{id: wire, hash: "sha256:{key}", user: scanner, roles: [warehouse]}}
logins:
  native: {{dialect: native, path: /auth, identity_provider: staff}}
upstreams:
  up: {{servers: ["http://127.0.0.1:{upstream}"], timeouts: {{response: {erp}, idle: {erp}}}}}
  own-name: {{servers: ["http://127.0.0.1:{upstream}"], preserve_host: false}}
  injected: {{servers: ["http://127.0.0.1:{upstream}"], injector: {{basic: {{username: erp, password: secret}}}}}}
  pair: {{servers: ["http://127.0.0.1:{upstream}", "http://127.0.0.1:{second}"]}}
  half: {{servers: ["http://127.0.0.1:{dead}", "http://127.0.0.1:{upstream}"]}}
  half-post: {{servers: ["http://127.0.0.1:{dead}", "http://127.0.0.1:{upstream}"]}}
  dead: {{servers: ["http://127.0.0.1:{dead}"]}}
routes:
  - {{name: private, path: /private/**, upstream: up, credentials: [bearer, api_key, access_token]}}
  - {{name: small, path: /small/**, upstream: up, anonymous: [/small/**], limits: {{body_bytes: 16}}}}
  - {{name: own-name, path: /own-name/**, upstream: own-name, anonymous: [/own-name/**]}}
  - {{name: injected, path: /injected/**, upstream: injected, anonymous: [/injected/open/**]}}
  - {{name: foreign, path: /foreign/**, upstream: up, foreign_credentials: pass, anonymous: [/foreign/**]}}
  - {{name: shop, path: /shop/**, upstream: up, anonymous: [/shop/**], strip_prefix: /shop}}
  - {{name: encoded, path: /encoded/**, upstream: up, anonymous: [/encoded/**], allow_encoded: [slash]}}
  - {{name: legacy, path: /legacy/**, upstream: up, anonymous: [/legacy/**], allow_underscore_headers: [api_version]}}
  - {{name: pair, path: /pair/**, upstream: pair, anonymous: [/pair/**]}}
  - {{name: half, path: /half/**, upstream: half, anonymous: [/half/**]}}
  - {{name: half-post, path: /half-post/**, upstream: half-post, anonymous: [/half-post/**]}}
  - {{name: dead, path: /dead/**, upstream: dead, anonymous: [/dead/**]}}
  - name: dressed
    path: /dressed/**
    upstream: up
    anonymous: [/dressed/**]
    request_headers: {{set: {{X-Zone: inner}}, remove: [X-Debug]}}
    response_headers: {{set: {{X-Frame-Options: DENY}}, remove: [Server]}}
  - {{name: all, path: /**, upstream: up, anonymous: [/**]}}
"""


class WireGateways:
    """Both processes and the ports that tests put their upstreams on."""

    def __init__(self, directory):
        self.ports = {name: free_port() for name in UPSTREAMS}
        self.steady = self._make(directory / "steady", client="60s", erp="60s")
        self.hasty = self._make(directory / "hasty", client="500ms", erp="500ms")

    def token(self):
        """A token of the steady gateway's own, in a shape that it knows in URLs."""
        login = urllib.request.Request(
            f"{self.steady.url}/auth/login",
            b'{"username": "clerk", "password": "clerk"}',
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(login, timeout=60) as answer:
            return json.load(answer)["access_token"]

    @property
    def all(self):
        return (self.steady, self.hasty)

    def _make(self, directory, **timeouts):
        directory.mkdir()
        key = hashlib.sha256(API_KEY.encode()).hexdigest()
        return GatewayProcess(
            directory, CONFIG.format(**self.ports, **timeouts, key=key, password=password_hash("clerk"))
        )


@contextlib.contextmanager
def wire_gateways(directory):
    """Started, and stopped whatever happens; a gateway that does not end cleanly fails the tests."""
    gateways = WireGateways(directory)
    try:
        for gateway in gateways.all:
            gateway.start()
        yield gateways
    finally:
        for gateway in gateways.all:
            if gateway.process is not None:
                gateway.stop()
