"""A verdict is what would have become of the request itself: asked about and sent, it fares alike."""

from ipaddress import ip_network

import pytest
from fakes.presented import verified
from fakes.waiting import eventually
from fakes.wired_gate import NAMES, Wired, erp_key
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.authn.session_cookies import CookieLogin, CookieUse, OwnCookies
from gateway.model import CookieRule, Reply
from gateway.proxy.forward_auth import ForwardAuth
from gateway.proxy.route import Requirements

FORWARD_AUTH = ForwardAuth(injected_credential=True)
OWN = OwnCookies([b"sid"], lambda token: token in {b"warm", b"cold"} or token.startswith(b"gwa_"))
ALL = ("bearer", "api_key", "access_token")


async def _slide(session):
    return session.expires_at


COOKIES = CookieUse(
    (CookieLogin("native", CookieRule("sid", 60), _slide),), OWN, frozenset({b"https://partner.example"})
)
ROUTES = (
    {"path": "/plain/**", "anonymous": ("GET /plain/open/**",)},
    {"path": "/any/**", "credentials": ALL, "methods": frozenset({"GET", "POST"})},
    {"path": "/host/**", "hosts": frozenset({b"erp.example"})},
    {"path": "/public/**", "public": True},
    {"path": "/foreign/**", "foreign": True, "credentials": ALL, "foreign_url_tokens_pass": True},
    {"path": "/sales/**", "requirements": Requirements(roles=frozenset({"sales"}))},
    {"path": "/scoped/**", "requirements": Requirements(scopes=frozenset({"api"}))},
    {"path": "/strip/**", "strip_prefix": b"/strip", "allow_encoded": frozenset({"slash"})},
    {"path": "/cookie/**", "credentials": (*ALL, "cookie"), "cookies": COOKIES},
)


async def _login(_):
    return Reply(200, b"{}")


def wired():
    made = Wired(
        ROUTES,
        trusted=(ip_network("192.0.2.0/24"),),
        injector=erp_key(),
        own_cookies=OWN,
        endpoints={b"/auth/login": [(None, {"POST": _login})]},
        forward_auth=FORWARD_AUTH,
    )
    made.tokens.warm[b"warm"] = verified(roles=frozenset({"sales"}))
    return made


def head(line, host, lines):
    return b"\r\n".join((line, b"Host: " + host, *lines)) + b"\r\n\r\n"


async def sent(method, target, host, lines):
    """What the ERP gets of the request itself; None where it is refused, with the status."""
    gate = wired()
    client = gate.client()
    client.says(head(method + b" " + target + b" HTTP/1.1", host, lines))
    await eventually(lambda: gate.erp.sent or client.transport.sent)
    return gate.erp.take(), client.hears()


async def asked(method, target, host, lines):
    """The answer to the question about it."""
    gate = wired()
    client = gate.client()
    told = (b"X-Forwarded-Method: " + method, b"X-Forwarded-Host: " + host, b"X-Forwarded-Uri: " + target)
    passed = [line for line in lines if not line.lower().startswith((b"connection:", b"upgrade:"))]
    client.says(head(b"GET /_gateway/verify HTTP/1.1", b"gate", (*told, *passed)))
    await eventually(lambda: client.transport.sent)
    assert gate.erp.take() == b""
    return client.hears()


def fields(message):
    lines = message.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}


COMPARED = (
    *(name.lower().encode() for name in NAMES.values()),
    b"x-erp-key",
    b"authorization",
    b"x-api-key",
    b"cookie",
)
COMPARED += (b"referer",)


async def check(method, target, host, lines):
    forwarded, refusal = await sent(method, target, host, lines)
    verdict = await asked(method, target, host, lines)
    status = int(verdict.split()[1])

    assert (status == 200) is bool(forwarded), (forwarded, refusal, verdict)
    if not forwarded:
        refused = int(refusal.split()[1]) if refusal else 0
        assert status == (401 if refused == 401 else 503 if refused >= 500 else 403), (refusal, verdict)
        return
    to_erp, told = fields(forwarded), fields(verdict)
    assert {name: told.get(name) for name in COMPARED} == {name: to_erp.get(name) for name in COMPARED}
    assert told[b"x-gateway-uri"] == forwarded.split()[1]
    gone = set(told.get(b"x-envoy-auth-headers-to-remove", b"").split(b",")) - {b""}
    assert not gone & to_erp.keys()


TOKENS = st.sampled_from([b"warm", b"cold", b"gwa_dead", b"foreign", b""])
SEGMENTS = [b"plain", b"any", b"host", b"public", b"foreign", b"sales", b"scoped", b"strip", b"cookie", b"auth", b"no"]
RESTS = [
    b"/x",
    b"/open/x",
    b"/login",
    b"/../x",
    b"/%2e%2e/x",
    b"//x",
    b"/%78",
    b"/a%2Fb",
    b"/a%2fb",
    b";x",
    b"/x#y",
    b"/",
]
QUERIES = [
    b"",
    b"?",
    b"?a=1",
    b"?a=1&access_token=%b",
    b"?%%61ccess_token=%b&a",
    b"?access_token=%b&access_token=%b",
    b"?a b",
]


@st.composite
def targets(draw):
    query = draw(st.sampled_from(QUERIES))
    token = draw(TOKENS)
    query = query % ((token,) * query.count(b"%b")) if b"%b" in query else query
    path = b"/" + draw(st.sampled_from(SEGMENTS)) + draw(st.sampled_from(RESTS)) + query
    return draw(st.sampled_from([path, path, path, path, b"http://erp.example" + path, b"http://other" + path]))


HEADERS = st.one_of(
    st.builds(b"Authorization: Bearer %b".__mod__, TOKENS),
    st.just(b"Authorization: Basic eDp5"),
    st.builds(b"X-API-Key: %b".__mod__, TOKENS),
    st.builds(b"Cookie: a=1; sid=%b".__mod__, TOKENS),
    st.builds(b"Referer: http://erp.example/x?access_token=%b&y=1".__mod__, TOKENS),
    st.sampled_from(
        [
            b"X-Auth-User: root",
            b"Sec-Fetch-Site: cross-site",
            b"Sec-Fetch-Site: same-origin",
            b"Origin: https://evil.example",
            b"Origin: https://partner.example",
            b"Origin: http://erp.example",
        ]
    ),
)
METHODS = st.sampled_from([b"GET", b"HEAD", b"POST", b"DELETE", b"OPTIONS", b"PROPFIND", b"TRACE"])
HOSTS = st.sampled_from([b"erp.example", b"ERP.example:8080", b"other.example", b"a/b", b"erp.example."])


@settings(max_examples=600, deadline=None)
@given(METHODS, targets(), HOSTS, st.lists(HEADERS, max_size=3, unique_by=lambda line: line.partition(b":")[0]))
async def test_a_verdict_is_a_200_where_the_request_is_forwarded_with_the_same_headers(method, target, host, lines):
    await check(method, target, host, lines)


WARM = b"Authorization: Bearer warm"
WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Version: 13")


@pytest.mark.parametrize(
    ("method", "target", "lines"),
    [
        (b"GET", b"/plain/x", (WARM,)),
        (b"GET", b"/plain/x", ()),
        (b"GET", b"/plain/x", (WARM, WARM)),
        (b"GET", b"/plain/open/x", (b"Authorization: Bearer gwa_dead",)),
        (b"GET", b"/cookie/x", (b"Cookie: sid=warm", *WEBSOCKET)),
        (b"GET", b"/cookie/x", (b"Cookie: sid=warm", b"Origin: https://evil.example", *WEBSOCKET)),
        (b"GET", b"/cookie/x", (b"Cookie: sid=warm", b"Origin: https://partner.example", *WEBSOCKET)),
        (b"GET", b"/cookie/x", (b"Cookie: sid=warm", b"Origin: http://erp.example", *WEBSOCKET)),
        (b"POST", b"/cookie/x", (b"Cookie: sid=warm", b"Sec-Fetch-Site: cross-site")),
        (b"POST", b"/cookie/x", (b"Cookie: sid=cold", b"Sec-Fetch-Site: same-origin")),
        (b"POST", b"/auth/login", (WARM,)),
        (b"GET", b"/auth/login", (WARM,)),
    ],
)
async def test_what_mattered_once_stays_alike(method, target, lines):
    if b"/auth/login" in target:
        assert b" 403 " in await asked(method, target, b"erp.example", lines)
        return
    await check(method, target, b"erp.example", lines)
