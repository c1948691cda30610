"""One test per header that opened a peer, through a running gateway to an ERP that keeps every byte."""

import pytest
from fakes.erp import answer
from fakes.log_lines import line_with
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import SCANNER_KEY

IDENTITY = [
    "X-Auth-User",
    "X-Auth-User-Id",
    "X-Auth-Roles",
    "X-Auth-Scopes",
    "X-Auth-Tenant",
    "X-Auth-Login",
    "X-Auth-Method",
]
OURS = [*IDENTITY, "X-Gateway-Assertion", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-User", "X-Real-IP"]
SPELLINGS = [str.lower, str.upper, lambda name: name.replace("-", "_"), lambda name: name.replace("-", ".")]
PATHS = ["/mixed/open/x", "/mixed/x", "/public/x", "/takeover/x", "/asserted/x"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_alias_of_an_asserted_header_passes(shop, client, erp, path, spelling):
    """oauth2-proxy CVE-2025-64484, Traefik CVE-2026-39858, Caddy CVE-2026-52845: `_` and `.` are folded by ERPs."""
    forged = [(spelling(name), "root") for name in OURS]

    client.get(path, *forged, *([] if path in {"/mixed/open/x", "/public/x"} else [shop.bearer("bob")]))

    assert "root" not in erp.last.head.decode()


@pytest.mark.parametrize("path", ["/mixed/x", "/asserted/x"])
def test_the_erp_sees_exactly_one_of_each_and_it_is_ours(shop, client, erp, path):
    """Traefik 51f6b0435f: the client's value stood beside the proxy's."""
    client.get(path, *[(name, "root") for name in IDENTITY], shop.bearer("ada"))

    folded = [name.lower().replace("_", "-").replace(".", "-") for name, _ in erp.last.headers]
    for name in ("X-Auth-User", "X-Auth-User-Id", "X-Auth-Roles", "X-Auth-Method", "X-Request-Id"):
        assert folded.count(name.lower()) == 1


def test_an_anonymous_caller_has_none(client, erp):
    """Caddy CVE-2026-30851, APISIX CVE-2026-31908: the client's value passed where authentication sent none."""
    client.get("/mixed/open/x", *[(name, "root") for name in IDENTITY])

    assert not [name for name, _ in erp.last.headers if name.lower().startswith("x-auth")]


def test_connection_removes_nothing_that_we_add(shop, client, erp):
    """Apache CVE-2022-31813, Traefik CVE-2024-45410, Fabio CVE-2025-48865."""
    named = "close, X-Auth-User, x-auth-user-id, X-Forwarded-For, X-ERP-Key, Authorization, Host, X-Own"

    client.get("/keyed/x", ("Connection", named), ("X-Own", "1"), shop.bearer())

    assert erp.last.one("X-Auth-User") == "ada"
    assert erp.last.one("X-Auth-User-Id") == "101"
    assert erp.last.one("X-Forwarded-For") == "127.0.0.1"
    assert erp.last.one("X-ERP-Key")
    assert erp.last.all("X-Own") == []


@pytest.mark.parametrize(
    "doubled",
    [
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("X-API-Key", SCANNER_KEY), ("X-API-Key", SCANNER_KEY)],
        [("Host", "erp.example")],
        [("Content-Length", "0"), ("Content-Length", "0")],
        [("Content-Length", "0"), ("Transfer-Encoding", "chunked")],
        [bearer("x"), ("X-API-Key", SCANNER_KEY)],
    ],
)
def test_what_stands_there_twice_is_refused(client, erp, doubled):
    """Envoy CVE-2021-32777, aiohttp CVE-2026-34525; RFC 6750, section 2."""
    assert client.get("/mixed/open/x", *doubled).status == 400
    assert erp.seen == []


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-Uri",
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "X-Envoy-Original-Path",
        "X-Forwarded-Prefix",
    ],
)
def test_no_header_replaces_the_path(client, erp, name):
    """oauth2-proxy CVE-2026-40575, Envoy CVE-2023-27487."""
    assert client.get("/mixed/x", (name, "/mixed/open/x")).status == 401
    assert client.get("/mixed/open/x", (name, "/mixed/x")).status == 200
    assert erp.last.all(name) == []


@pytest.mark.parametrize(
    "name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X_HTTP_Method_Override"]
)
def test_no_header_replaces_the_method(client, erp, name):
    client.get("/mixed/open/x", (name, "DELETE"))

    assert "DELETE" not in erp.last.head.decode()


@pytest.mark.parametrize("agent", ["kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0"])
def test_no_user_agent_is_let_in(client, agent):
    """oauth2-proxy GHSA-5hvv-m4w4-gf6v."""
    assert client.get("/mixed/x", ("User-Agent", agent)).status == 401


@pytest.mark.parametrize("name", ["X-Middleware-Subrequest", "X-Internal", "X-Gateway-Assertion", "X-Auth-Method"])
def test_no_header_switches_authentication_off(client, name):
    """Next.js CVE-2025-29927."""
    assert client.get("/mixed/x", (name, "1")).status == 401


def test_forwarding_headers_of_strangers_count_for_nothing(shop, client, erp):
    """Oathkeeper 36a676e4, APISIX CVE-2022-24112: neither the log nor the scheme nor the ERP believes them."""
    claims = [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("X-Real-IP", "1.2.3.4")]
    claims += [("Forwarded", "for=1.2.3.4"), ("X-Forwarded-Host", "evil.example"), ("X-Request-Id", "claims-1")]

    client.get("/mixed/open/x", *claims)

    assert "1.2.3.4" not in erp.last.head.decode()
    assert "evil.example" not in erp.last.head.decode()
    assert erp.last.one("X-Forwarded-Proto") == "http"
    assert '"client":"127.0.0.1"' in line_with(shop.directory / "access.log", "claims-1")


@pytest.mark.parametrize("byte", [b"\r", b"\n", b"\x00", b"\x7f", b"\x0b"])
def test_control_bytes_in_a_header_never_reach_the_erp(client, erp, byte):
    """Envoy CVE-2019-9900, HAProxy CVE-2023-25725."""
    found = client.send(b"GET /mixed/open/x HTTP/1.1\r\nHost: h\r\nX-A: a" + byte + b"X-Auth-User: root\r\n\r\n")

    assert found.status == 400 or byte not in erp.last.head.replace(b"\r\n", b"")
    assert not [seen for seen in erp.seen if seen.all("X-Auth-User")]


def test_the_upstreams_reason_phrase_is_not_passed_on(shop, client, erp):
    """aiohttp CVE-2026-34519."""
    erp.answers["/mixed/open/x"] = answer().replace(b"Whatever", b"Evil <alert>")

    with client.connect() as conversation:
        conversation.send(b"GET /mixed/open/x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert conversation._stream.readline() == b"HTTP/1.1 200 OK\r\n"


def test_the_host_that_is_judged_is_the_host_that_is_sent(client, erp):
    """LiteLLM CVE-2026-49468: a URL rebuilt from Host was judged."""
    for host in ("erp.example/mixed/open/x?", "erp.example#", "user@erp.example", "erp.example\\"):
        assert client.get("/mixed/x", host=host).status == 400
    assert erp.seen == []


def test_an_answer_of_ours_names_no_server_and_reflects_nothing(shop):
    found = PlainClient(shop.gateway.port).send(
        b"GET /<alert> HTTP/1.1\r\nHost: h\r\nX-Evil: <alert>\r\nbroken\r\n\r\n"
    )

    assert found.all("Server") == []
    assert b"alert" not in found.body
