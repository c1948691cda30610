"""Configurations that load, for tests to add one mistake to."""

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g"
WEAK_HASH = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g"

MINIMAL = """\
upstreams:
  odoo: {servers: ["http://127.0.0.1:8069"]}
routes:
  - {name: all, path: /**, upstream: odoo}
"""

USERS = f"""\
identity_providers:
  staff:
    type: users
    users:
      - {{username: GardenAdmin, password_hash: "{HASH}", id: 101, roles: [sales], scopes: [rest-api]}}
logins:
  native: {{dialect: native, path: /auth, identity_provider: staff}}
"""

FULL = f"""\
server:
  listen: 127.0.0.1:9080
  public_url: https://erp.example.com/api
  workers: 1
  trusted_proxies: [10.0.0.0/8, 192.0.2.1]
  tls: {{certificate_file: cert.pem, private_key_file: key.pem}}
  timeouts: {{header: 5s, body: 30s, idle: 90s, drain: 500ms}}
  limits: {{header_bytes: 16KiB, body_bytes: 1GiB, connections: 500, connections_per_address: 10, verified_tokens: 1000}}
  forward_auth: {{failure_status: 403, injected_credential: true, rewritten_uri: false}}
admin:
  listen: 127.0.0.1:9081
  token: "0123456789abcdef0123456789abcdef"
  hosts: [admin.example.com]
logs: {{access: stderr, audit: /var/log/gateway/audit.log, level: debug}}
store:
  url: rediss+sentinel://10.0.0.5,10.0.0.6:26380/gate/1
  username: gw
  password: hush
  tls_ca_file: ca.pem
  sentinel_username: watcher
  sentinel_password: hush too
  key_prefix: "erp:"
  timeout: 250ms
  encryption_key: "abcdef0123456789abcdef0123456789"
  min_replicas: 0
  when_down: deny
  max_staleness: 30s
signing_keys:
  - {{kid: k2, algorithm: HS512, secret: "fedcba9876543210fedcba9876543210"}}
identity_providers:
  staff:
    type: users
    users:
      - username: GardenAdmin
        password_hash: "{HASH}"
        id: 101
        locked: true
        type: application
        roles: [sales]
        scopes: [rest-api]
        tenants:
          - id: 11
            name: GardenWorld
            language: en_US
            roles:
              - id: 102
                name: GardenWorld Admin
                type: WS
                organizations: [{{id: 11, name: HQ, warehouses: [{{id: 103, name: HQ Warehouse}}]}}]
clients:
  - {{id: portal, secret_hash: "{HASH}", grants: [password], roles: [sales], scopes: [rest-api], logins: [oauth2]}}
api_keys:
  - id: scanner-1
    hash: "sha256:{"5a" * 32}"
    user: scanner
    roles: [sales]
    scopes: [rest-api]
    routes: [partners]
    expires: 2027-01-01
    blocked: false
logins:
  native: {{dialect: native, path: /auth, identity_provider: staff}}
  oauth2:
    dialect: oauth2
    path: /oauth2
    identity_provider: staff
    hosts: [erp.example.com]
    token_format: opaque
    access_ttl: 5m
    refresh_ttl: 1d
    absolute_ttl: 7d
    signing_key: k2
    refresh: {{rotate: true, grace: 5s, revoke_access: false}}
    protection: {{max_failures: 3, window: 5m, ban: 1h}}
    cors: {{origins: ["https://app.example.com"], methods: [GET], headers: [X-Zone], credentials: true, max_age: 1h}}
upstreams:
  odoo:
    servers: ["https://127.0.0.1:8069", "https://odoo.internal"]
    balance: least_connections
    health_check: {{path: /web/health, interval: 2s}}
    timeouts: {{connect: 1s, response: 20s, idle: 40s}}
    preserve_host: false
    tls: {{ca_file: ca.pem, verify: true, server_name: odoo.internal, certificate_file: cert.pem, private_key_file: key.pem}}
    identity_headers: {{user: X-U, user_id: X-I, roles: X-R, scopes: X-S, tenant: X-T, login: X-L, method: X-M}}
    assertion: {{header: X-Assertion, audience: odoo, ttl: 30s}}
    injector: {{basic: {{username: gateway, password: hush}}}}
routes:
  - name: partners
    path: /erp/partners/**
    methods: [GET, POST]
    hosts: [erp.example.com]
    upstream: odoo
    credentials: [bearer, api_key, access_token, cookie]
    logins: [native]
    anonymous: ["GET /erp/partners/public/**", "/erp/partners/ping"]
    public: false
    foreign_credentials: pass
    on_foreign: pass
    require: {{roles: [sales], scopes: [rest-api], tenants: [GardenWorld]}}
    errors: native
    cors: {{origins: ["https://app.example.com"], methods: [GET], headers: [X-Zone], credentials: true, max_age: 1h}}
    rate_limit: {{requests: 50, per: 10s, by: address}}
    timeouts: {{response: 120s}}
    limits: {{body_bytes: 2GiB}}
    request_headers: {{set: {{X-Zone: inner}}, remove: [X-Debug]}}
    response_headers: {{set: {{X-Frame-Options: DENY}}, remove: [Server]}}
    allow_underscore_headers: [API_KEY]
    allow_encoded: [slash]
    access_token_methods: [GET, HEAD]
    access_token_in_form: false
    strip_prefix: /erp
"""
"""Every key of the contract that this version supports, each with a value that is not its default."""

FULL_FILES = {"cert.pem": "certificate", "key.pem": "key", "ca.pem": "authority"}
"""What FULL names; a load checks only that the files can be read."""
