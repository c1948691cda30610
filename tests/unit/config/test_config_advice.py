import httptools
import pytest
from fakes.configs import HASH, MINIMAL, USERS, WEAK_HASH

from gateway.config.advice import METHODS

KEYS = "signing_keys: [{kid: k, algorithm: HS256, secret: 0123456789abcdef0123456789abcdef}]\n"
TOKEN = "0123456789abcdef0123456789abcdef"


def route(line):
    return MINIMAL.replace("upstream: odoo}", f"upstream: odoo, {line}}}")


def upstream(line):
    return MINIMAL.replace('8069"]', f'8069"], {line}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL + "server: {listen: '0.0.0.0:80', public_url: http://h}\n", "server.listen: 0.0.0.0:80 is plain text"),
        (MINIMAL + "server: {listen: '[::]:80', tls: {certificate_file: c, private_key_file: c}}\n", "server.public_url: is empty, so tokens are issued in the name of https://[::]:80"),
        (
            MINIMAL + USERS + KEYS + f"store: {{url: redis://127.0.0.1, encryption_key: {TOKEN}}}\nadmin: {{token: {TOKEN}}}\n",
            "server.public_url: is empty: a gateway on this store that listens elsewhere than 127.0.0.1:8080 refuses",
        ),
        (MINIMAL + "server: {trusted_proxies: [0.0.0.0/0]}\n", "server.trusted_proxies[0]: believes forwarding headers from everyone"),
        (MINIMAL + "server: {forward_auth: {}}\n", "server.forward_auth: has no effect: trusted_proxies is empty"),
        (MINIMAL + f"admin: {{listen: '0.0.0.0:81', token: {TOKEN}}}\n", "admin.listen: 0.0.0.0:81 is plain text"),
        (MINIMAL + "admin: {token: short}\n", "admin.token: is shorter than 32 characters"),
        (MINIMAL + KEYS + f"store: {{url: redis://127.0.0.1, encryption_key: {TOKEN}}}\n", "admin.token: is empty, so the admin API is off"),
        (MINIMAL + KEYS + f"store: {{url: redis://10.0.0.5, encryption_key: {TOKEN}}}\nadmin: {{token: {TOKEN}}}\n", "store.url: reaches another machine without TLS"),
        (MINIMAL + USERS.replace(HASH, WEAK_HASH), "identity_providers.staff.users[0].password_hash: has weak argon2 parameters"),
        (MINIMAL + USERS.replace("path: /auth", "path: /auth, refresh: {grace: 5m}"), "logins.native.refresh.grace: is long"),
        (MINIMAL + USERS.replace("path: /auth", "path: /auth, refresh_ttl: 2d, absolute_ttl: 1d"), "logins.native.refresh_ttl: is longer than absolute_ttl"),
        (MINIMAL.replace("routes:", "  jmix: {servers: [http://h]}\nroutes:"), "upstreams.jmix: no route uses it"),
        (upstream("tls: {verify: true}"), "upstreams.odoo.tls: has no effect: no server of this upstream is https"),
        (upstream("tls: {verify: false}").replace("http://", "https://"), "upstreams.odoo.tls.verify: is false"),
        (route("public: true, credentials: [bearer]"), "routes[0].credentials: has no effect on a public route"),
        (route("public: true, anonymous: ['/a']"), "routes[0].anonymous: has no effect on a public route"),
        (MINIMAL + f"api_keys: [{{id: k, hash: 'sha256:{'0' * 64}', user: u, expires: 2020-01-01}}]\n", "api_keys[0].expires: is over: the key is refused"),
        (route("methods: [GET, GETT]"), 'routes[0].methods[1]: no request can have the method GETT; did you mean "GET"?'),
        (route("on_foreign: pass"), "routes[0].on_foreign: has no effect: access_token is not among"),
        (route("access_token_in_form: true"), "routes[0].access_token_in_form: has no effect"),
        (route("require: {roles: [], scopes: []}"), "routes[0].require: asks for nothing"),
        (route("require: {roles: [slaes]}") + USERS, 'routes[0].require.roles[0]: no listed user, client or key has "slaes"; did you mean "sales"?'),
        (route("require: {tenants: [GardenWorld]}") + USERS, 'routes[0].require.tenants[0]: no listed user, client or key has "GardenWorld"'),
    ],
)  # fmt: skip
def test_what_is_unsafe_or_without_effect_is_warned_of(warned, text, expected):
    warnings = warned(text, files={"c": "x"})

    assert len(warnings) == 1, warnings
    assert expected in warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        MINIMAL + USERS,
        MINIMAL + f"admin: {{token: {TOKEN}}}\n",
        route("require: {roles: [sales], scopes: [rest-api]}") + USERS,
        route("credentials: [access_token], on_foreign: pass, access_token_methods: [GET]"),
        route("public: true"),
    ],
)
def test_what_is_safe_is_passed_over_in_silence(warned, text):
    assert warned(text) == []


def test_roles_of_an_erps_users_are_known_and_its_tenants_are_its_own(load_text):
    erp = "identity_providers: {erp: {type: idempiere, upstream: odoo, roles: [staff]}}\n"
    login = "logins: {native: {dialect: native, path: /auth, identity_provider: erp}}\n"
    required = "odoo, require: {roles: [staff, boss], tenants: [GardenWorld]}}"

    warnings = load_text(MINIMAL.replace("odoo}", required) + erp + login).warnings

    about = [str(warning) for warning in warnings if "routes[0].require" in str(warning)]
    assert len(about) == 1
    assert 'has "boss"' in about[0]


class Silent:
    """Hears of a request, and does nothing."""


def is_taken(method):
    try:
        httptools.HttpRequestParser(Silent()).feed_data(f"{method} * HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    except httptools.HttpParserUpgrade:
        return True  # CONNECT
    except httptools.HttpParserError:
        return False
    return True


def test_every_method_that_is_no_misspelling_is_one_that_the_parser_takes():
    assert {method for method in METHODS if not is_taken(method)} <= {"SOURCE"}  # of ICE, and of HTTP in some versions
    assert not is_taken("GETT")
