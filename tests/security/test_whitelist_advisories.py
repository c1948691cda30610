"""One test per published whitelist bypass of a peer, as far as the path alone decides."""

from dataclasses import dataclass, field

import pytest

from gateway.errors import NotFound, UnsafePath
from gateway.routing.paths import split_target, strip_prefix
from gateway.routing.patterns import AnonymousRules, Pattern, PatternError
from gateway.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Route:
    pattern: Pattern
    anonymous: AnonymousRules = field(default_factory=AnonymousRules)
    allow_encoded: frozenset[str] = frozenset()
    methods: frozenset[str] | None = None
    hosts: frozenset[bytes] | None = None


TABLE = RouteTable(
    [
        Route(Pattern("/internal/admin/**")),
        Route(Pattern("/api/**"), AnonymousRules(["GET /api/public/**", "/api/ping"])),
        Route(Pattern("/{section}/**"), AnonymousRules(["/public/**"])),
    ]
)


def judge(raw, method="GET", host=b"erp.example"):
    path, _ = split_target(raw, host)
    return TABLE.select(TABLE.resolve(path), method, host)


@pytest.mark.parametrize(
    "raw",
    [
        b"/secret?x=/public/",  # oauth2-proxy GHSA-7rh7-c77v-6434: the rule saw path and query
        b"/secret?/public/x",
        b"/secret?https://erp.example/public/x",
        b"/public../secret",  # nginx alias off by a slash
        b"/publicsecret",
        b"/api/publicity",
        b"/PUBLIC/x",  # case-sensitive
        b"/api/pingpong",
        b"/api/ping/x",
        b"/secret/public/x",
    ],
)
def test_what_only_resembles_a_whitelisted_path_needs_a_credential(raw):
    _, anonymous = judge(raw)

    assert not anonymous


@pytest.mark.parametrize(
    "raw",
    [
        b"/secret;/public/",  # servlet path parameters
        b"/secret#/public/",  # oauth2-proxy GHSA-pxq7-h93f-9jrg, HAProxy CVE-2023-45539
        b"/public/x#y",
        b"/public/x?q#y",
        b"//internal/admin",  # Envoy CVE-2021-29492, APISIX CVE-2021-43557
        b"//evil.example/public/x",  # OPA-Envoy CVE-2026-26205
        b"/public//../internal/admin",
        b"/public/%2e%2e/internal/admin",  # Envoy CVE-2019-9901, Apache CVE-2021-41773
        b"/public/%%32%65%%32%65/internal/admin",  # Apache CVE-2021-42013
        b"/public/.%2e/internal/admin",
        b"/public%2f..%2finternal",  # Traefik CVE-2025-66490
        b"/public/..;/internal/admin",  # Tomcat behind a proxy
        b"/public/x%0a",  # Spring CVE-2022-22978: `.` does not match a line end
        b"/public/x%0d%0a",
        b"/internal/admin%0a",
        b"/public/..%c0%af",
        b"/public/x%00.png",
        b"/x%20HTTP/1.1%0d%0aX-Auth-User:%20root%0d%0a",  # Apache CVE-2023-25690: decoded data in the request line
        b"/x HTTP/1.1\r\nX-Auth-User: root\r\n",
    ],
)
def test_what_a_back_end_could_take_for_another_path_is_refused(raw):
    with pytest.raises(UnsafePath):
        judge(raw)


@pytest.mark.parametrize(
    "target",
    [b"*", b"erp.example:443", b"http://evil.example/public/x", b"http://erp.example@evil/public/x", b"public/x", b""],
)
def test_a_target_that_is_no_path_of_ours_is_refused(target):
    """Asterisk-form, authority-form and absolute-form (Traefik 04d36f28e4; RFC 9112, section 3.2)."""
    with pytest.raises(UnsafePath):
        judge(target)


def test_absolute_form_of_our_own_authority_is_judged_as_its_path():
    assert judge(b"http://erp.example/public/x") == judge(b"/public/x")
    assert judge(b"http://erp.example/secret?/public/x") == judge(b"/secret")


def test_a_whitelisted_method_frees_no_other_method():
    assert judge(b"/api/public/x", "GET")[1]
    assert not any(judge(b"/api/public/x", method)[1] for method in ("POST", "DELETE", "HEAD", "OPTIONS", "get"))


def test_what_no_route_names_does_not_exist():
    with pytest.raises(NotFound):
        judge(b"/")


@pytest.mark.parametrize("raw", [b"/api/%62c", b"/api/b%2dc", b"/api/caf%c3%a9/%24x", b"/api/a%20b", b"/%61pi/x"])
def test_the_judged_path_is_the_sent_path(raw):
    """APISIX CVE-2021-43557: judged raw, forwarded normalised."""
    sent = TABLE.resolve(raw).path

    assert TABLE.resolve(sent).path == sent
    assert TABLE.resolve(sent).readings == TABLE.resolve(raw).readings
    assert b"%62" not in sent
    assert b"%2D" not in sent


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b"/api/x", b"/x"),
        (b"/%61pi/%62c", b"/bc"),  # cut in the canonical path, not at the encoded length
        (b"/api..", None),
        (b"/apix", None),
        (b"/api/../x", None),
        (b"/api%2Fx", None),
        (b"/api//x", None),
        (b"/api/%2e%2e/x", None),
    ],
)
def test_a_stripped_prefix_leaves_the_judged_path_or_nothing(raw, sent):
    """Traefik GHSA-6jwx-7vp4-9847: stripped first, changed afterwards."""
    if sent is None:
        with pytest.raises(UnsafePath):
            strip_prefix(TABLE.resolve(raw).path, b"/api")
    else:
        assert strip_prefix(TABLE.resolve(raw).path, b"/api") == sent


@pytest.mark.parametrize(
    "entry", ["^/public/.*$", "/public/.*", "/public/(?i)x", "GET ^/x", r"/x\.png", "~ /x", "regex:/x", "*", "**"]
)
def test_another_pattern_language_refuses_to_load(entry):
    """Spring CVE-2023-34034: a pattern that means something else than its author thinks."""
    with pytest.raises(PatternError):
        AnonymousRules([entry])
