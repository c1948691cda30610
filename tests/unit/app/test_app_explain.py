import pytest
from fakes.presented import verified
from fakes.wired_gate import Wired

from gateway.app.explain import explain
from gateway.authn.sources import BODY_SOURCES
from gateway.errors import StoreUnavailable
from gateway.proxy.cors import Cors
from gateway.proxy.route import Requirements
from gateway.proxy.rpc_surface import RpcSurface

WARM = [("Authorization", "Bearer warm")]
ROUTES = [
    {"name": "open", "path": "/open/**", "anonymous": ["GET /open/**"]},
    {"name": "public", "path": "/public/**", "public": True},
    {"name": "strict", "path": "/strict/**", "requirements": Requirements(roles=frozenset({"boss"})), "foreign": True},
    {"name": "stripped", "path": "/erp/**", "strip_prefix": b"/erp"},
    {"name": "images", "path": "/images/**", "credentials": ("access_token",)},
]


@pytest.fixture
def wired():
    return Wired(ROUTES)


async def ask(wired, method, target, headers=()):
    return await explain(wired.gate, method, target, headers)


@pytest.mark.parametrize(
    ("method", "target", "headers", "outcome"),
    [
        ("GET", "/open/x", [], ("forward", 0)),
        ("POST", "/open/x", [], ("refuse", 401)),
        ("POST", "/open/x", WARM, ("forward", 0)),
        ("GET", "/open/x", [*WARM, *WARM], ("refuse", 400)),
        ("GET", "/open/x", [("Content-Length", "x")], ("refuse", 400)),
        ("GET", "/open/x", [("Host", "a b")], ("refuse", 400)),
        ("GET", "/public/x", [("Authorization", "Basic x")], ("forward", 0)),
        ("GET", "/strict/x", [("Authorization", "Basic x")], ("refuse", 403)),
        ("GET", "/strict/x", WARM, ("refuse", 403)),
        ("GET", "/images/x?access_token=warm", [], ("forward", 0)),
        ("GET", "/images/x?access_token=warm&access_token=warm", [], ("refuse", 400)),
        ("GET", "/nowhere", [], ("refuse", 404)),
        ("GET", "/open/../x", [], ("refuse", 400)),
        ("CONNECT", "/open/x", [], ("refuse", 405)),
    ],
)
async def test_outcomes(wired, method, target, headers, outcome):
    said = await ask(wired, method, target, headers)

    assert (said.outcome, said.status) == outcome
    assert wired.erp.take() == b""


async def test_the_steps_name_what_decided_and_no_credential(wired):
    said = await ask(wired, "GET", "/erp/%61?x=1", [("Authorization", "Bearer cold")])

    assert [(step.part, step.verdict) for step in said.steps] == [
        ("path", "judged and sent as /erp/a"),
        ("route", "stripped (/erp/**) is the first that matches"),
        ("credential", "bearer: valid"),
        ("upstream", "GET http://10.0.0.1:8069/a"),
    ]
    assert (said.route, said.upstream, said.identity["user"]) == ("stripped", "erp", "bob")


@pytest.fixture
def rpc():
    surface = RpcSurface(BODY_SOURCES["jsonrpc"], None, None)
    require = Requirements(roles=frozenset({"boss"}))
    return Wired([{"name": "rpc", "path": "/**", "rpc": surface, "requirements": require}])


async def test_a_password_in_the_body_is_judged_when_it_comes(rpc):
    said = await ask(rpc, "POST", "/jsonrpc")

    assert (said.outcome, said.identity["user"]) == ("forward", "")
    assert [(step.part, step.verdict) for step in said.steps[2:4]] == [
        ("credential", "in the body (jsonrpc): the ERP judges the password of each call"),
        ("requirements", "asked of whoever the password belongs to"),
    ]


@pytest.mark.parametrize(
    ("method", "target", "status"), [("GET", "/jsonrpc", 405), ("POST", "/jsonrpc?a=1", 400), ("POST", "/other", 403)]
)
async def test_what_is_no_call_of_the_protocol_is_refused_as_it_would_be(rpc, method, target, status):
    said = await ask(rpc, method, target)

    assert (said.outcome, said.status) == ("refuse", status)


async def test_a_refusal_says_why(wired):
    said = await ask(wired, "GET", "/strict/x", WARM)

    assert said.steps[-1].part == "refused"
    assert "roles" in said.steps[-1].verdict


async def test_an_upstream_that_is_down_is_an_answer_and_a_store_that_is_away_is_none(wired):
    wired.server.healthy = False
    assert (await ask(wired, "GET", "/open/x")).status == 503

    wired.tokens.away = True
    with pytest.raises(StoreUnavailable):
        await ask(wired, "GET", "/open/x", [("Authorization", "Bearer cold")])


async def test_requirements_that_are_met_are_told():
    wired = Wired([{"requirements": Requirements(roles=frozenset({"boss"})), "anonymous": ["/orders/open"]}])
    wired.tokens.warm[b"boss"] = verified(roles=frozenset({"boss"}))

    said = await ask(wired, "GET", "/orders/x", [("Authorization", "Bearer boss")])
    assert ("requirements", "met") in [(step.part, step.verdict) for step in said.steps]
    said = await ask(wired, "GET", "/orders/open")
    assert said.outcome == "forward"


@pytest.mark.parametrize(
    ("origin", "outcome"), [("https://a.example", ("endpoint", 204)), ("https://b", ("refuse", 403))]
)
async def test_a_preflight_is_judged_for_the_request_it_announces(origin, outcome):
    wired = Wired(
        [{"name": "api", "methods": frozenset({"PUT"}), "cors": Cors(origins=["https://a.example"])}], has_cors=True
    )
    headers = [("Origin", origin), ("Access-Control-Request-Method", "PUT")]

    said = await ask(wired, "OPTIONS", "/orders/x", headers)

    assert (said.outcome, said.status) == outcome
    assert said.route == "api"
