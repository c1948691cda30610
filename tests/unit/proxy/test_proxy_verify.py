"""Verdicts for other proxies: what is asked, who may ask, and what a 200 tells them."""

from ipaddress import ip_network

import pytest
from fakes.presented import verified
from fakes.transports import StillTransport
from fakes.waiting import eventually
from fakes.wired_gate import Wired, erp_key

from gateway.authn.session_cookies import OwnCookies
from gateway.dialects.replies import refusal
from gateway.errors import CredentialsRejected, Forbidden, StoreUnavailable
from gateway.model import CredentialReading, ErpSession, Reply
from gateway.proxy.cors import Cors
from gateway.proxy.forward_auth import ForwardAuth
from gateway.proxy.headers import HeaderActions, fold
from gateway.proxy.route import RefuseByRequest, Requirements
from gateway.upstream.erp_credential import Credential

PROXIES = (ip_network("192.0.2.0/24"),)
WARM = b"Authorization: Bearer warm"
OPEN = {"anonymous": ("GET /orders/open",)}


def asking(routes=({},), *, forward_auth=None, **options):
    return Wired(routes, trusted=PROXIES, forward_auth=forward_auth or ForwardAuth(), **options)


def ask(*lines, uri=b"/orders/x", method=b"GET", wire=b"GET /_gateway/verify", host=b"erp.example"):
    told = (b"X-Forwarded-Method: " + method, b"X-Forwarded-Host: " + host, b"X-Forwarded-Uri: " + uri)
    return b"\r\n".join((wire + b" HTTP/1.1", b"Host: gate", *told, *lines)) + b"\r\n\r\n"


def read(heard):
    head, _, body = heard.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    fields = [tuple(line.split(b": ", 1)) for line in lines]
    assert len({name.lower() for name, _ in fields}) == len(fields), fields
    return int(status.split()[1]), {name.decode().lower(): value.decode() for name, value in fields}, body


def verdict(wired, request=None):
    client = wired.client()
    client.says(ask(WARM) if request is None else request)
    return read(client.hears())


async def cold_verdict(wired, request):
    client = wired.client()
    client.says(request)
    return read(await eventually(client.hears))


def test_a_warm_verdict_is_told_before_data_received_returns_and_the_erp_hears_nothing():
    wired = asking()

    status, headers, body = verdict(wired)

    assert (status, body) == (200, b"")
    assert headers["x-auth-user"] == "ada"
    assert headers["x-gateway-uri"] == "/orders/x"
    assert headers["cache-control"] == "no-store"
    assert wired.erp.take() == b""


@pytest.mark.parametrize("climbing", [b"/../../auth/x", b"/%2e%2E/%2e%2e/auth/x", b"/..;/..;/auth/x", b"//x", b"/.."])
@pytest.mark.parametrize("wire", [b"GET /_gateway/verify", b"GET http://gate/_gateway/refusal"])
def test_a_question_that_is_another_path_to_the_proxy_is_a_clients_own(wire, climbing):
    status, headers, _ = verdict(asking(), ask(WARM, b"Cookie: a=b", wire=wire + climbing))

    assert status in {400, 403}
    assert not {"x-auth-user", "cookie", "x-gateway-uri"} & headers.keys()


def test_the_log_tells_of_the_request_that_was_asked_about():
    wired = asking()

    verdict(wired, ask(WARM, method=b"POST", uri=b"/orders/%78?secret=1"))

    ((_, method, path, route, status, *_),) = wired.lines
    assert (method, path, route, status) == ("POST", "/orders/x", "route-0", 200)


async def test_a_cold_token_is_looked_up():
    status, headers, _ = await cold_verdict(asking(), ask(b"Authorization: Bearer cold"))

    assert (status, headers["x-auth-user"]) == (200, "bob")


@pytest.mark.parametrize(("failure", "status"), [(503, 503), (403, 403)])
async def test_an_outage_is_told_as_the_configuration_says(failure, status):
    wired = asking(forward_auth=ForwardAuth(failure_status=failure))
    wired.tokens.away = True

    told, headers, body = await cold_verdict(wired, ask(b"Authorization: Bearer cold"))

    assert told == status
    assert headers["retry-after"] == "1"
    assert b"store" in body or b"unavailable" in body


def test_for_a_stranger_there_is_nothing_there():
    wired = asking(({"path": "/**", "anonymous": ("/**",)},))
    client = wired.client(transport=StillTransport(("198.51.100.1", 5000)))

    client.says(ask(WARM), ask(WARM))

    assert client.hears().count(b"HTTP/1.1 404") == 2
    assert wired.erp.take() == b""


@pytest.mark.parametrize("untold", [b"X-Auth-User-Id", b""])
def test_what_only_the_erp_is_to_see_is_told_where_the_configuration_speaks_of_it(untold):
    wired = asking(forward_auth=ForwardAuth(untold=frozenset({fold(untold)})))

    client = wired.client()
    client.says(ask(WARM))

    told = client.hears()
    assert told.startswith(b"HTTP/1.1 200")
    assert b"X-Auth-User: ada\r\n" in told
    assert (b"X-Auth-User-Id:" in told) == (not untold)


def test_cookies_are_told_where_the_configuration_speaks_of_it():
    """A script of a page that asks by way of a careless proxy would read there what HttpOnly hides from it."""
    cookie = b"Cookie: erp=secret"

    assert verdict(asking(), ask(WARM, cookie))[1]["cookie"] == "erp=secret"
    silent = asking(forward_auth=ForwardAuth(untold=frozenset({b"cookie"})))
    assert "cookie" not in verdict(silent, ask(WARM, cookie))[1]


@pytest.mark.parametrize("wire", [b"http://gate/_gateway/verify", b"/_gateway/%76erify", b"/_gateway/verify?x"])
def test_another_spelling_of_the_address_teaches_the_gate_nothing_about_it(wire):
    """If a stranger's request were remembered as a path of the ERP's, the next verdict would be the ERP's 200."""
    wired = asking(({"path": "/**", "anonymous": ("/**",)},))
    wired.client(transport=StillTransport(("198.51.100.1", 5000))).says(
        b"GET " + wire + b" HTTP/1.1\r\nHost: gate\r\n\r\n"
    )
    wired.erp.take()

    assert verdict(wired)[1]["x-auth-user"] == "ada"
    assert verdict(wired, ask(uri=b"/../x"))[0] == 403


@pytest.mark.parametrize(
    "request_",
    [
        ask(WARM, uri=b"/orders/../x"),
        ask(WARM, uri=b"/orders/%2e%2e/x"),
        ask(WARM, uri=b"/orders//x"),
        ask(WARM, uri=b"/orders/x#/open"),
        ask(WARM, uri=b"/orders/x y"),
        ask(WARM, uri=b"/orders/x, /orders/open"),
        ask(WARM, uri=b"orders/x"),
        ask(WARM, uri=b"*"),
        ask(WARM, uri=b"http://other/orders/x"),
        ask(WARM, uri=b"https://erp.example@other/orders/x"),
        ask(WARM, uri=b"/nowhere"),
        ask(WARM, uri=b"/_gateway/verify"),
        ask(WARM, host=b"a, b"),
        ask(WARM, host=b"erp.example/"),
        ask(WARM, method=b"TRACE"),
        ask(WARM, b"X-Original-URI: /orders/open"),
        ask(WARM, b"X-Forwarded-Uri: /orders/x"),
        ask(WARM, WARM),
        ask(WARM, b"X-API-Key: k", b"X-API-Key: k"),
        ask(WARM, b"X_Auth_User: root"),
        ask(WARM, b"X.Auth.User: root"),
        ask(WARM, b"X_Forwarded_For: 10.0.0.1"),
        b"GET /_gateway/verify HTTP/1.1\r\nHost: gate\r\n" + WARM + b"\r\n\r\n",
        ask(WARM, wire=b"OPTIONS /_gateway/verify", uri=b"/nowhere"),
    ],
)
def test_what_means_two_things_or_leads_nowhere_is_a_403(request_):
    wired = asking(({**OPEN},))

    assert verdict(wired, request_)[0] == 403
    assert wired.erp.take() == b""


@pytest.mark.parametrize(
    ("header", "status"),
    [(b"X-Session: abc", 403), (b"x-session: a;b", 403), (b"X_Session: abc", 403), (b"X-S: a", 200)],
)
def test_a_header_that_stands_for_a_cookie_would_be_shown_to_the_erp(header, status):
    wired = asking()
    object.__setattr__(wired.gate.rules, "request_actions", HeaderActions(sessions={b"x-session": b"sid"}))

    assert verdict(wired, ask(WARM, header))[0] == status


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (ask(), 401),
        (ask(b"Authorization: Bearer unknown"), 401),
        (ask(uri=b"/orders/open"), 200),
        (ask(uri=b"/orders/open", method=b"POST"), 401),
        (ask(b"Authorization: Bearer unknown", uri=b"/orders/open"), 401),
        (ask(WARM, uri=b"/orders/x", method=b"DELETE"), 403),
    ],
)
async def test_the_credential_is_judged_as_for_a_request_of_the_gateways_own(request_, status):
    wired = asking(({"methods": frozenset({"GET", "POST"}), **OPEN},))

    told, headers, _ = await cold_verdict(wired, request_)

    assert told == status
    assert ("www-authenticate" in headers) is (status == 401)


def test_a_dialect_that_refuses_with_a_200_lets_nobody_in():
    wired = asking(({"refuse": lambda error, _: Reply(200, str(error.status).encode())},))

    assert verdict(wired, ask())[::2] == (401, b"401")


def test_the_refusal_alone_has_the_dialects_own_status_and_never_lets_anybody_in():
    wired = asking(({"refuse": lambda error, _: Reply(422, str(error.status).encode())},))
    refusal = {"wire": b"GET /_gateway/refusal"}

    assert verdict(wired, ask(**refusal))[::2] == (422, b"401")
    status, headers, body = verdict(wired, ask(WARM, **refusal))
    assert (status, body) == (422, b"503")
    assert "x-auth-user" not in headers


def test_a_dialect_that_asks_is_told_of_the_original_request_but_only_where_its_own_status_goes_through():
    told = []
    refuse = RefuseByRequest(lambda _, call: told.append(call) or Reply(303))
    wired = asking(({"refuse": refuse},))

    assert verdict(wired, ask(uri=b"/orders/x?a=1", method=b"POST", wire=b"GET /_gateway/refusal"))[0] == 303
    assert verdict(wired, ask())[0] == 401
    assert [(call.method, call.path, call.query) if call else None for call in told] == [
        ("POST", "/orders/x", "a=1"),
        None,
    ]


def test_the_dialect_spells_the_refusal_and_the_proxy_that_sends_heads_gets_no_body():
    wired = asking()

    status, headers, body = verdict(wired, ask())
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert body.startswith(b'{"error":"unauthorized"')

    for request in (ask(method=b"HEAD"), ask(wire=b"HEAD /_gateway/verify")):
        status, headers, body = verdict(wired, request)
        assert (status, headers["content-length"], body) == (401, "0", b"")


def test_requirements_are_met_or_it_is_a_403():
    wired = asking(({"requirements": Requirements(roles=frozenset({"boss"}))},))

    assert verdict(wired)[0] == 403


def test_an_anonymous_caller_has_no_identity_and_no_credential_of_the_erps():
    wired = asking(({**OPEN},), injector=erp_key(), forward_auth=ForwardAuth(injected_credential=True))

    status, headers, _ = verdict(wired, ask(b"Authorization: Basic eDp5", uri=b"/orders/open"))

    assert status == 200
    assert not [name for name in headers if name.startswith("x-auth") or name in {"x-erp-key", "authorization"}]
    assert headers["x-envoy-auth-headers-to-remove"] == "authorization,x-api-key,cookie,referer"


@pytest.mark.parametrize(("told", "expected"), [(False, None), (True, "k")])
def test_the_injectors_credential_is_told_only_where_the_configuration_says_so(told, expected):
    wired = asking(injector=erp_key(), forward_auth=ForwardAuth(injected_credential=told))

    _, headers, _ = verdict(wired)

    assert headers.get("x-erp-key") == expected
    assert headers["x-auth-user"] == "ada"


@pytest.mark.parametrize("name", [b"X_ERP_Key", b"x-erp-key", b"X.ERP-Key"])
def test_the_injectors_header_is_for_no_client(name):
    """The gate drops it on its way; here only the asking proxy could, and it may know nothing of it."""
    wired = asking(injector=erp_key())

    assert verdict(wired, ask(WARM, name + b": mine"))[0] == 403


def test_what_the_erp_may_get_of_cookies_and_referer_is_named_without_what_is_ours():
    own = OwnCookies([b"session_id"], lambda token: token.startswith(b"gwa_"))
    wired = asking(own_cookies=own)
    lines = (b"Cookie: a=1; session_id=gwa_x; b=2", b"Referer: http://erp.example/x?access_token=warm&y=1")

    _, headers, _ = verdict(wired, ask(WARM, *lines))

    assert headers["cookie"] == "a=1; b=2"
    assert headers["referer"] == "http://erp.example/x?y=1"
    assert headers["x-envoy-auth-headers-to-remove"] == "authorization,x-api-key"


def test_a_url_token_counts_and_is_cut_from_the_uri_that_is_sent():
    wired = asking(({"credentials": ("bearer", "access_token")},))

    status, headers, _ = verdict(wired, ask(uri=b"/orders/x?a=1&%61ccess_token=warm&b=2"))

    assert (status, headers["x-gateway-uri"]) == (200, "/orders/x?a=1&b=2")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-auth-method"] == "access_token"


@pytest.mark.parametrize(
    ("uri", "status"),
    [(b"/orders/x?a=1", 200), (b"/orders/x?access_token=warm", 403), (b"/orders/x?access_token=f", 200)],
)
def test_a_proxy_that_keeps_the_uri_gets_none_with_a_token_of_ours_in_it(uri, status):
    wired = asking(forward_auth=ForwardAuth(rewritten_uri=False))

    told, headers, _ = verdict(wired, ask(WARM, uri=uri))

    assert told == status
    assert "x-gateway-uri" not in headers


def test_the_stripped_path_and_the_routes_own_headers_are_named():
    route = {"path": "/erp/**", "strip_prefix": b"/erp", "set_headers": (b"X-Zone", b": ", b"inner", b"\r\n")}
    wired = asking((route,))

    status, headers, _ = verdict(wired, ask(WARM, uri=b"/erp/x?"))

    assert (status, headers["x-gateway-uri"], headers["x-zone"]) == (200, "/x?", "inner")
    assert verdict(wired, ask(WARM, uri=b"/erp/%2Fx"))[0] == 403


def test_on_a_public_route_foreign_credentials_stay_and_ours_go():
    wired = asking(({"public": True},))

    status, headers, _ = verdict(wired, ask(b"Authorization: Basic eDp5", b"X-API-Key: foreign"))
    assert (status, headers["authorization"], headers["x-api-key"]) == (200, "Basic eDp5", "foreign")
    assert "x-auth-user" not in headers

    status, headers, _ = verdict(wired, ask(WARM))
    assert status == 200
    assert "authorization" not in headers


def test_a_foreign_credential_goes_on_where_the_route_passes_it():
    wired = asking(({"foreign": True},))

    status, headers, _ = verdict(wired, ask(b"Authorization: Bearer foreign"))

    assert (status, headers["authorization"]) == (200, "Bearer foreign")
    assert "x-auth-user" not in headers


def test_a_preflight_is_no_way_in():
    """The gateway answers preflights with a 204, which an asking proxy would take for a yes."""
    cors = Cors(origins=["https://app.example"])
    wired = asking(({"path": "/**", "cors": cors},), has_cors=True)
    preflight = (b"Origin: https://app.example", b"Access-Control-Request-Method: GET")

    assert verdict(wired, ask(*preflight, wire=b"OPTIONS /_gateway/verify", method=b"OPTIONS"))[0] == 401
    assert verdict(wired, ask(*preflight, method=b"OPTIONS"))[0] == 401


def test_an_endpoint_of_a_login_is_not_for_the_erp():
    async def login(call):
        return Reply(200)

    wired = asking(({"path": "/**", "anonymous": ("/**",)},), endpoints={b"/auth/login": [(None, {"POST": login})]})

    assert verdict(wired, ask(uri=b"/auth/login", method=b"POST"))[0] == 403
    assert verdict(wired, ask(uri=b"/auth/login", method=b"GET"))[0] == 403
    assert verdict(wired, ask(uri=b"/auth/other"))[0] == 200


def test_a_credential_in_a_body_cannot_be_judged():
    wired = asking(({"form_tokens": True, "anonymous": ("/orders/**",)},))

    assert verdict(wired, ask(b"Content-Type: Application/x-www-form-urlencoded ; charset=x", method=b"POST"))[0] == 403
    assert verdict(wired, ask(b"Content-Type: application/json", method=b"POST"))[0] == 200


@pytest.mark.parametrize("framing", [b"Content-Length: 3", b"Transfer-Encoding: chunked", b"Content-Length: 9999999"])
def test_a_body_is_never_waited_for(framing):
    wired = asking()
    client = wired.client()

    client.says(ask(WARM, framing, wire=b"POST /_gateway/verify"))

    assert client.hears().startswith(b"HTTP/1.1 200")


def test_questions_may_be_pipelined_and_a_small_body_between_them_is_none():
    wired = asking()
    client = wired.client()

    client.says(ask(WARM, b"Content-Length: 3") + b"abc" + ask() + ask(WARM))

    heard = client.hears()
    assert [part[:3] for part in heard.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401", b"200"]


async def test_an_upgrade_that_is_asked_about_is_no_upgrade_here():
    wired = asking()
    client = wired.client()

    client.says(ask(WARM, b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x", method=b"POST"))

    assert read(client.hears())[0] == 200
    assert wired.erp.take() == b""


class StillErp:
    """An upstream where each caller has a session of its own."""

    owns_cookies = frozenset({b"erp_session"})

    def __init__(self, held=None, refuses=None):
        self.held = held
        self.refuses = refuses

    def ready(self, identity):
        return self.held

    async def fetch(self, identity):
        if self.refuses is not None:
            raise self.refuses
        return Credential(ErpSession((("X-Erp", "1"),), (("erp_session", "s"),)), "v")


@pytest.mark.parametrize("told", [True, False])
async def test_the_callers_session_in_the_erp_is_fetched_and_told_where_it_may_be(told):
    wired = asking(forward_auth=ForwardAuth(injected_credential=told))
    wired.upstream.erp = StillErp()

    status, headers, _ = await cold_verdict(wired, ask(WARM, b"Cookie: a=1; erp_session=mine"))

    assert status == 200
    assert headers.get("x-erp") == ("1" if told else None)
    assert headers["cookie"] == ("a=1; erp_session=s" if told else "a=1")


@pytest.mark.parametrize(("error", "status"), [(StoreUnavailable(), 503), (Forbidden(), 403)])
async def test_a_session_in_the_erp_that_is_not_to_be_had_lets_nobody_in(error, status):
    wired = asking()
    wired.upstream.erp = StillErp(refuses=error)

    assert (await cold_verdict(wired, ask(WARM)))[0] == status


async def test_one_that_the_erp_has_ended_is_refused_with_the_text_of_the_token_where_the_dialect_tells_it():
    told = []
    reading = CredentialReading(tells_token=True)
    wired = asking(({"reading": reading, "refuse": lambda error, _: told.append(error) or refusal(error)},))
    wired.upstream.erp = StillErp(refuses=CredentialsRejected("it is over"))

    status, _, _ = await cold_verdict(wired, ask(WARM))

    assert (status, [error.presented for error in told]) == (401, ["warm"])


async def test_a_proxy_that_has_gone_is_told_nothing():
    wired = asking()
    client = wired.client()
    client.says(ask(b"Authorization: Bearer cold"))
    task = client.connection._serving.task

    client.connection.connection_lost(None)
    await eventually(task.done)

    assert client.hears() == b""


def test_an_identity_of_many_roles_is_told_as_the_erp_would_be():
    wired = asking()
    wired.tokens.warm[b"warm"] = verified(roles=frozenset({"a,b", "c"}))

    assert verdict(wired)[1]["x-auth-roles"] == "a%2Cb,c"
