"""Thousands of spellings of one path, read as nine kinds of back end read them: none leaves an anonymous prefix.

The readers are written here once more, naively and each on its own, so that they share nothing with the gateway.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.routing.paths import split_target
from gateway.routing.patterns import AnonymousRules, Pattern
from gateway.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    pattern: Pattern
    anonymous: AnonymousRules = field(default_factory=AnonymousRules)
    allow_encoded: frozenset[str] = frozenset()
    methods: frozenset[str] | None = None
    hosts: frozenset[bytes] | None = None


ANONYMOUS = ["/public/**", "/ping", "GET /img/*.png", "/{tenant}/status"]
EVERYTHING = frozenset({"slash", "percent", "semicolon"})
STRICT = RouteTable([Route("api", Pattern("/**"), AnonymousRules(ANONYMOUS))])
LENIENT = RouteTable([Route("api", Pattern("/**"), AnonymousRules(ANONYMOUS), EVERYTHING)])
TABLES = pytest.mark.parametrize("table", [STRICT, LENIENT], ids=["strict", "allow_encoded"])


def walk(path):
    """Dot segments resolved and empty ones dropped, as a router does last; a slash at the end stays."""
    stack = []
    for segment in path.split("/"):
        if segment == "..":
            del stack[-1:]
        elif segment not in ("", "."):
            stack.append(segment)
    return "/" + "/".join(stack) + ("/" if stack and path.endswith("/") else "")


def decoded(text):
    return unquote_to_bytes(text.encode("latin-1")).decode("latin-1")


def characters(text):
    return text.encode("latin-1").decode("utf-8", "replace")


def rfc_3986(text):
    return walk(decoded(text))


def double_decoding(text):
    return walk(decoded(decoded(decoded(text))))


def tomcat(text):
    return walk(decoded(re.sub(r";[^/]*", "", text)))


def decoded_semicolon(text):
    return walk(re.sub(r";[^/]*", "", decoded(decoded(text))))


def backslash_as_slash(text):
    return walk(decoded(decoded(text)).replace("\\", "/"))


def iis(text):
    text = re.sub(r"%u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    text = text.encode("utf-8").decode("latin-1")
    text = unicodedata.normalize("NFKC", characters(decoded(decoded(text)))).replace("\\", "/")
    text = text.translate({0x2215: "/", 0x2044: "/", 0x2216: "/"})
    cut = [re.sub(r"[. ]+$", lambda tail: ".." if ".." in tail[0] else "", segment) for segment in text.split("/")]
    return walk("/".join(cut))


def overlong_utf8(text):
    data = decoded(text)
    short = re.sub(r"[\xc0-\xc1][\x80-\xbf]", lambda two: chr((ord(two[0][0]) & 1) << 6 | ord(two[0][1]) & 63), data)
    short = re.sub(
        r"\xe0[\x80-\x81][\x80-\xbf]", lambda three: chr((ord(three[0][1]) & 1) << 6 | ord(three[0][2]) & 63), short
    )
    return walk(short.replace("\\", "/"))


def nul_cut(text):
    return walk(decoded(decoded(text)).partition("\0")[0])


def lower_case(text):
    return walk(decoded(text).lower())


NINE = [
    rfc_3986,
    double_decoding,
    tomcat,
    decoded_semicolon,
    backslash_as_slash,
    iis,
    overlong_utf8,
    nul_cut,
    lower_case,
]


def decode_then_split(text):
    return walk(re.split(r"[?#]", decoded(decoded(text)))[0])


def never_decoded(text):
    return walk(text)


READERS = [*NINE, decode_then_split, never_decoded]


def is_public(path):
    """What the whitelist means, in the plainest words."""
    return (
        path == "/public"
        or path.startswith("/public/")
        or path == "/ping"
        or re.fullmatch(r"/img/[^/]*\.png", path) is not None
        or re.fullmatch(r"/[^/]+/status", path) is not None
    )


def sent_without_a_credential(table, raw):
    """The path that the gateway forwards for an anonymous caller, None if it refuses or wants a credential."""
    try:
        path, _ = split_target(raw, b"erp.example")
        target = table.resolve(path)
        _, anonymous = table.select(target, "GET", b"erp.example")
    except GatewayError:
        return None
    return target.path if anonymous else None


def bypasses(table, spellings):
    """Every spelling that passes without a credential and that some reader takes out of the whitelist."""
    return [
        (raw, reader.__name__)
        for raw in spellings
        if (sent := sent_without_a_credential(table, raw)) is not None
        for reader in READERS
        if not is_public(reader(sent.decode("latin-1")))
    ]


HEADS = [
    b"/public",
    b"/public/img",
    b"/%70ublic",
    b"/public;x",
    b"/public%00",
    b"/public%20",
    b"//public",
    b"/./public",
    b"/internal/../public",
    b"/img",
    b"/ping",
    b"http://erp.example/public",
]
DOTS = [
    b"..", b"%2e%2e", b"%2E.", b".%2e", b"%252e%252e", b"%25252e%25252e", b"..;", b"..;a=b", b"..%3b", b"..%253b", b"%u002e%u002e",
    b"%c0%ae%c0%ae", b"%e0%80%ae%e0%80%ae", b"..%00", b".%00.", b"..%20", b"...", b". .", b"..%09", b".%0d.", b"..%c2%a0",
    b"%ef%bc%8e%ef%bc%8e", b"%e2%80%a5", b"..%3f", b"..%23", b".", b"x", b"",
]  # fmt: skip
SLASHES = [
    b"/", b"%2f", b"%2F", b"%252f", b"%25252f", b"\\", b"%5c", b"%255c", b"//", b"/./", b"%c0%af", b"%c1%9c", b"%e0%80%af", b"%u2215",
    b"%u002f", b"%ef%bc%8f", b"%ef%bc%bc", b"%e2%88%95", b";/", b"/;/", b"/;x/", b"%3b/", b"%00/", b"/%20/", b"%2f%2f", b"?/", b"#/", b"%3f/",
]  # fmt: skip
TAILS = [b"internal/secret", b"INTERNAL/secret", b"..%2finternal/x.png", b"status"]


def spellings():
    for head, slash, dots, tail in product(HEADS, SLASHES, DOTS, TAILS):
        yield head + slash + dots + slash + tail
        yield head + b"/" + dots + slash + dots + b"/" + tail


def by_prefix(raw):
    """What a gateway does that compares the raw target with a prefix: the control of this experiment."""
    return any(raw.startswith(prefix) for prefix in (b"/public", b"/ping", b"/img"))


@TABLES
def test_no_spelling_of_a_path_leaves_the_whitelist(table):
    assert bypasses(table, set(spellings())) == []


def test_the_spellings_are_dangerous_and_the_readers_are_fooled_by_them():
    """Without this the test above could pass by asking nothing."""
    dangerous = {
        (raw, reader)
        for raw in set(spellings())
        if by_prefix(raw)
        for reader in NINE
        if not is_public(reader(raw.partition(b"?")[0].decode("latin-1")))
    }

    assert len(set(spellings())) > 10_000
    assert len(dangerous) > 10_000
    assert {reader for _, reader in dangerous} == set(NINE)


@TABLES
def test_ordinary_paths_still_pass(table):
    ordinary = [
        b"/public",
        b"/public/a.b/c-d_e~f",
        b"/%70ublic/%41",
        b"/public/caf%c3%a9",
        b"/public/a%20b",
        b"/ping",
        b"/img/1.png",
        b"/acme/status",
    ]

    assert all(sent_without_a_credential(table, raw) for raw in ordinary)


def test_a_route_that_allows_encoded_delimiters_still_lets_them_through():
    for raw in (b"/public/a%2Fb", b"/public/100%25", b"/public/a;v=1", b"/public/http:%2F%2Fx%2Fy", b"/public/a%252Fb"):
        assert sent_without_a_credential(LENIENT, raw) == raw
        assert sent_without_a_credential(STRICT, raw) is None


UNITS = st.sampled_from(
    sorted(
        {
            *DOTS,
            *SLASHES,
            b"public",
            b"internal",
            b"img",
            b"ping",
            b"status",
            b".png",
            b"a",
            b"%",
            b"%25",
            b"%61",
            b";",
            b"%C3%A9",
        }
    )
)


@TABLES
@settings(max_examples=1500)
@given(pieces=st.lists(UNITS | st.binary(min_size=1, max_size=2), max_size=9), head=st.sampled_from(HEADS))
def test_no_random_spelling_leaves_the_whitelist(table, pieces, head):
    assert bypasses(table, [head + b"".join(pieces)]) == []


GUARDED = RouteTable(
    [
        Route("admin", Pattern("/api/admin/**"), allow_encoded=EVERYTHING),
        Route("report", Pattern("/api/*/report"), allow_encoded=EVERYTHING),
        Route("api", Pattern("/api/**"), AnonymousRules(["/api/**"]), EVERYTHING),
    ]
)
EXACT = [reader for reader in READERS if reader not in (lower_case, iis, never_decoded)]
"""Readers that keep case and the end of a path: `gateway check` warns of the others where a weaker route is behind."""


@settings(max_examples=1500)
@given(st.lists(st.sampled_from(sorted({*DOTS, *SLASHES, b"admin", b"report", b"x", b"api"})), max_size=7))
def test_no_random_spelling_evades_a_stricter_route_before_a_weaker_one(pieces):
    sent = sent_without_a_credential(GUARDED, b"/api/" + b"".join(pieces))
    if sent is None:
        return

    for reader in EXACT:
        path = reader(sent.decode("latin-1"))
        assert path == "/api" or path.startswith("/api/")
        assert path != "/api/admin"
        assert not path.startswith("/api/admin/")
        assert not re.fullmatch(r"/api/[^/]+/report", path)
