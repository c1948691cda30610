"""One configuration with a route of every kind, and who may log in to it."""

from hashlib import sha256

from fakes.gateway_process import password_hash

PASSWORD = "correct horse"
_HASH = password_hash(PASSWORD)
SCANNER_KEY = "a-declared-scanner-key-0123"
LIMITED_KEY = "a-declared-limited-key-0123"
OLD_KEY = "a-declared-expired-key-0123"
ERP_KEY = "what-the-erp-expects"


def _digest(key):
    return "sha256:" + sha256(key.encode()).hexdigest()


LOGINS = f"""\
identity_providers:
  staff:
    type: users
    users:
      - {{username: ada, id: 101, password_hash: "{_HASH}", roles: [sales, "big, boss"], scopes: [rest-api], tenants: [{{id: 11, name: GardenWorld}}]}}
      - {{username: bob, id: 102, password_hash: "{_HASH}", roles: [warehouse]}}
      - {{username: "Zoë Ünal", id: 103, password_hash: "{_HASH}"}}
clients:
  - {{id: portal, secret_hash: "{_HASH}", grants: [client_credentials, password, refresh_token], roles: [sales], scopes: [rest-api]}}
api_keys:
  - {{id: scanner-1, hash: "{_digest(SCANNER_KEY)}", user: scanner, roles: [warehouse]}}
  - {{id: limited-1, hash: "{_digest(LIMITED_KEY)}", user: limited, routes: [images]}}
  - {{id: old-1, hash: "{_digest(OLD_KEY)}", user: old, expires: 2020-01-01}}
logins:
  native: {{dialect: native, path: /auth, identity_provider: staff}}
  opaque: {{dialect: native, path: /opaque, identity_provider: staff, token_format: opaque}}
  brief: {{dialect: native, path: /brief, identity_provider: staff, access_ttl: 2s}}
  oauth2: {{dialect: oauth2, path: /oauth2, identity_provider: staff}}
"""
ROUTES = """\
routes:
  - {name: mixed, path: /mixed/**, upstream: erp, anonymous: ["GET /mixed/open/**"]}
  - {name: images, path: /images/**, upstream: erp, credentials: [bearer, api_key, access_token], anonymous: ["/images/open/**"]}
  - {name: portal, path: /portal/**, upstream: erp, credentials: [bearer, access_token], on_foreign: pass, anonymous: ["/portal/**"]}
  - {name: forms, path: /forms/**, upstream: erp, credentials: [access_token], access_token_in_form: true, access_token_methods: [GET, POST]}
  - {name: public, path: /public/**, upstream: keyed, public: true}
  - {name: bearer-only, path: /bearer-only/**, upstream: erp, credentials: [bearer]}
  - {name: key-only, path: /key-only/**, upstream: erp, credentials: [api_key]}
  - {name: image-only, path: /image-only/**, upstream: erp, credentials: [access_token], foreign_credentials: pass}
  - {name: takeover, path: /takeover/**, upstream: erp, credentials: [bearer], foreign_credentials: pass}
  - {name: takeover-strict, path: /takeover-strict/**, upstream: keyed, foreign_credentials: pass, require: {roles: [sales]}}
  - {name: sales, path: /sales/**, upstream: erp, require: {roles: [sales, boss]}}
  - {name: scoped, path: /scoped/**, upstream: erp, require: {scopes: [rest-api]}}
  - {name: tenant, path: /tenant/**, upstream: erp, require: {tenants: [GardenWorld]}}
  - {name: native-only, path: /native-only/**, upstream: erp, logins: [native]}
  - {name: keyed, path: /keyed/**, upstream: keyed, anonymous: ["/keyed/open"]}
  - {name: basic, path: /basic/**, upstream: basic}
  - {name: token, path: /token/**, upstream: token, anonymous: ["/token/open"], allow_underscore_headers: [API_KEY]}
  - {name: asserted, path: /asserted/**, upstream: asserted, credentials: [bearer, api_key]}
  - {name: stripped, path: /erp/**, upstream: erp, strip_prefix: /erp, anonymous: ["/erp/**"]}
  - {name: headers, path: /headers/**, upstream: erp, request_headers: {set: {X-Zone: inner}, remove: [X-Debug, Cookie, Referer]}, response_headers: {set: {X-Frame-Options: DENY}, remove: [Server]}, allow_underscore_headers: [X_ZONE, API_KEY]}
  - {name: small, path: /small/**, upstream: erp, limits: {body_bytes: 1KiB}}
  - {name: own-host, path: /own-host/**, upstream: own-host, anonymous: ["/own-host/**"]}
  - {name: closed, path: /closed/**, upstream: closed, anonymous: ["/closed/**"]}
"""


def config(erp_port, *, closed_port=1, server="", extra=""):
    """The whole file; `server` and `extra` are lines of YAML."""
    erp = f'servers: ["http://127.0.0.1:{erp_port}"]'
    return f"""\
server: {{public_url: "http://erp.example", {server}}}
logs: {{access: ./access.log, audit: ./audit.log, level: debug}}
{LOGINS}
upstreams:
  erp: {{{erp}}}
  own-host: {{{erp}, preserve_host: false}}
  keyed: {{{erp}, injector: {{header: {{name: X-ERP-Key, value: {ERP_KEY}}}}}}}
  basic: {{{erp}, injector: {{basic: {{username: gateway, password: hush}}}}}}
  token: {{{erp}, injector: {{bearer: {{token: erp-token}}}}}}
  asserted: {{{erp}, assertion: {{header: X-Gateway-Assertion, audience: odoo, ttl: 60s}}}}
  closed: {{servers: ["http://127.0.0.1:{closed_port}"]}}
{extra}{ROUTES}"""
