"""Each recipe of deploy/in-front/forward-auth, for real: between clients and the demo ERP, asking a real gateway."""

import json
import socket
import subprocess
from hashlib import sha256

import pytest
import websockets
from fakes.asking_fronts import ASKING, HOST, RECIPES
from fakes.demo_upstream import DemoUpstream
from fakes.fronts import replaced
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.plain_client import Conversation, PlainClient, bearer, request
from fakes.ports import free_port
from fakes.waiting import eventually

KEY = "a-declared-key-0123456789"
SIGNING_KEYS = 'signing_keys: [{kid: k1, algorithm: HS256, secret: "fedcba9876543210fedcba9876543210"}]\n'
STRANGER = "127.0.0.9"
ROUTES = """\
routes:
  - {name: readers, path: /readers/**, methods: [GET, HEAD], upstream: erp, strip_prefix: /readers, logins: [native]}
  - {name: nobody, path: /readers/**, upstream: erp, logins: [native], require: {roles: [nobody]}}
  - {name: sales, path: /sales/**, upstream: erp, strip_prefix: /sales, logins: [native], require: {roles: [sales]}}
  - {name: other-host, path: /other-host/**, hosts: [open.example], upstream: erp, strip_prefix: /other-host, public: true}
  - {name: keyed, path: /keyed/**, upstream: keyed, strip_prefix: /keyed, logins: [native], anonymous: ["HEAD /keyed/**", "OPTIONS /keyed/**"]}
  - {name: open, path: /open/**, upstream: erp, strip_prefix: /open, public: true}
  - {name: takeover, path: /takeover/**, upstream: erp, strip_prefix: /takeover, logins: [native], foreign_credentials: pass}
  - {name: web, path: /web/**, upstream: erp, strip_prefix: /web, logins: [odoo], errors: native, credentials: [cookie]}
  - {name: calls, path: /calls/**, upstream: erp, strip_prefix: /calls, logins: [odoo], credentials: [bearer]}
"""


def configuration(erp_port, *, store="", failure_status=403):
    """What ships, with one route of each kind more."""
    hashed = password_hash("change-me")
    text = replaced(
        (RECIPES / "gateway.yaml").read_text(),
        ("http://127.0.0.1:9000", f"http://127.0.0.1:{erp_port}"),
        ("store: {url: embedded://state}\n", store or "store: {url: embedded://state, timeout: 10s}\n" + SIGNING_KEYS),
        ("{failure_status: 403}", f"{{failure_status: {failure_status}, injected_credential: true}}"),
        (
            "upstreams:\n",
            f"upstreams:\n  keyed: {{servers: ['http://127.0.0.1:{erp_port}'], injector: {{bearer: {{token: erp-token}}}}}}\n",
        ),
        ("routes:\n", ROUTES),
        (
            "    credentials: [bearer, api_key, access_token]\n",
            "    credentials: [bearer, api_key, access_token]\n    logins: [native]\n",
        ),
        (
            "logins:\n",
            "logins:\n  odoo: {dialect: odoo, path: /web/session, identity_provider: staff, access_ttl: 20m}\n",
        ),
    )
    key = f"api_keys: [{{id: scanner, user: scanner, hash: 'sha256:{sha256(KEY.encode()).hexdigest()}'}}]\n"
    start = text.index('        password_hash: "') + len('        password_hash: "')
    return text[:start] + hashed + text[text.index('"', start) :] + key


@pytest.fixture(scope="module")
def upstream():
    upstream = DemoUpstream().start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, upstream):
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"), configuration(upstream.port)).start()
    yield gateway
    gateway.stop()


def started(kind, directory, gateway_port, erp_port):
    front = ASKING[kind](directory, gateway_port, erp_port)
    try:
        return front.start()
    except BaseException:
        front.stop()
        raise


@pytest.fixture(scope="module", params=ASKING)
def front(request, tmp_path_factory, gateway, upstream):
    front = started(request.param, tmp_path_factory.mktemp(request.param), gateway.port, upstream.port)
    yield front
    front.stop()


@pytest.fixture
def client(front):
    return front.client


def login(front):
    answer = front.client.post("/auth/login", {"username": "me", "password": "change-me"})
    assert answer.status == 200, answer
    return answer.json["access_token"]


@pytest.fixture(scope="module")
def token(front):
    return login(front)


@pytest.fixture(scope="module")
def cookie(gateway):
    """Of a session of Odoo's, from the gateway itself."""
    asked = {"jsonrpc": "2.0", "params": {"db": "odoo", "login": "me", "password": "change-me"}}
    answer = PlainClient(gateway.port, host=HOST).post("/web/session/authenticate", asked)
    return answer.one("Set-Cookie").partition(";")[0]


def told(answer):
    """What the ERP says it was told: names in lower case, each with all its values."""
    assert answer.status == 200, answer
    headers = {}
    for name, value in answer.json["headers"]:
        headers.setdefault(name.lower().replace("_", "-"), []).append(value)
    return headers


def identity(headers):
    return {name: values for name, values in headers.items() if name.startswith("x-auth-")}


ME = {"x-auth-user": ["me"], "x-auth-user-id": ["1"], "x-auth-login": ["native"], "x-auth-method": ["bearer"]}
CREDENTIALS = ("authorization", "x-api-key", "cookie", "referer")


def test_a_bearer_is_judged_and_stays_here(client, token):
    headers = told(client.get("/whoami", bearer(token)))

    assert identity(headers) == ME
    assert not [name for name in CREDENTIALS if name in headers]
    assert headers["host"] == [HOST]


def test_an_api_key_is_judged_and_stays_here(client):
    headers = told(client.get("/whoami", ("X-API-Key", KEY)))

    assert headers["x-auth-user"] == ["scanner"]
    assert not [name for name in CREDENTIALS if name in headers]


def test_a_url_token_is_judged_and_cut_wherever_it_stands(client, token, upstream):
    referer = ("Referer", f"http://{HOST}/page?a=1&access_token={token}")

    answer = client.get(f"/whoami?a=%2F&%61ccess_token={token}&b=2", referer, ("Cookie", "theme=dark"))

    headers = told(answer)
    assert identity(headers) == ME | {"x-auth-method": ["access_token"]}
    assert upstream.requests[-1] == ("GET", "/whoami?a=%2F&b=2")
    assert headers["referer"] == [f"http://{HOST}/page?a=1"]
    assert headers["cookie"] == ["theme=dark"]
    assert answer.all("Cache-Control") == ["private"]
    assert answer.all("Referrer-Policy") == ["no-referrer"]


def test_a_shared_cache_keeps_no_picture_that_a_url_token_opened(client, token):
    answer = client.get(f"/products/1.png?access_token={token}")
    assert (answer.status, answer.all("Cache-Control")) == (200, ["private"])

    answer = client.get("/products/1.png", bearer(token))
    assert (answer.status, answer.all("Cache-Control")) == (200, ["public, max-age=60"])


def test_a_session_cookie_is_judged_and_stays_here(client, cookie):
    headers = told(client.get("/web/whoami", ("Cookie", f"theme=dark; {cookie}; b=2")))

    assert headers["x-auth-method"] == ["cookie"]
    assert headers["cookie"] == ["theme=dark; b=2"]


@pytest.mark.parametrize(
    "credential",
    [("Authorization", "Bearer wrong"), ("X-API-Key", "wrong"), ("Authorization", "Basic eDp5"), ("X-Nothing", "1")],
)
def test_without_a_good_credential_the_client_hears_what_the_gateway_would_say(client, gateway, upstream, credential):
    before = len(upstream.requests)

    answer = client.get("/whoami?x=1", credential)

    own = PlainClient(gateway.port, host=HOST).get("/whoami?x=1", credential)
    assert answer.status == own.status == 401
    assert answer.all("WWW-Authenticate") == own.all("WWW-Authenticate")
    assert {**answer.json, "request_id": 0} == {**own.json, "request_id": 0}
    assert len(upstream.requests) == before


def test_an_invalid_credential_is_refused_on_an_open_path_too(client):
    assert client.get("/public/ping", bearer("wrong")).status == 401
    assert client.get("/public/ping").status == 200


SPOOFS = [
    ("X-Auth-User", "root"),
    ("x-auth-roles", "sales"),
    ("X-Auth-Tenant", "other"),
    ("X-Gateway-Assertion", "eyJ"),
    ("X-Gateway-Uri", "/other"),
    ("X-Forwarded-User", "root"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Forwarded-Scheme", "gopher"),
    ("Forwarded", "for=10.0.0.1;host=evil.example"),
    ("X-Real-IP", "10.0.0.1"),
    ("X-Envoy-Original-Path", "/other"),
    ("X-HTTP-Method", "DELETE"),
    ("X-Method-Override", "DELETE"),
    ("X-Rewrite-URL", "/other"),
]


def test_what_a_client_says_about_itself_never_arrives(client, token):
    assert identity(told(client.get("/whoami", *SPOOFS, bearer(token)))) == ME
    headers = told(client.get("/open/whoami", *SPOOFS))
    assert not {name.lower() for name, _ in SPOOFS} & headers.keys()


@pytest.mark.parametrize("name", ["X_Auth_User", "X-Auth_User", "X.Auth.User"])
def test_nor_in_a_spelling_that_an_erp_may_take_for_it(client, token, name):
    answer = client.get("/open/whoami", (name, "root"))

    assert answer.status in {400, 403} or identity(told(answer)) == {}
    answer = client.get("/whoami", (name, "root"), bearer(token))
    assert answer.status in {400, 403} or identity(told(answer)) == ME


@pytest.mark.parametrize("listed", ["X-Auth-User", "X-Forwarded-Uri, X-Forwarded-Method", "Host, X-Request-Id"])
def test_connection_removes_nothing_of_what_is_said_of_the_client(client, token, listed):
    answer = client.get("/whoami", ("Connection", listed), bearer(token))

    assert answer.status == 400 or identity(told(answer)) == ME


@pytest.mark.parametrize("upgrades", [["h2c"], ["h2c, websocket"], ["websocket", "h2c"]], ids=", ".join)
def test_nobody_leaves_http_for_what_was_not_asked_about(client, token, upgrades):
    """h2c smuggling: in a connection that the ERP has upgraded, requests would pass without a verdict."""
    asked = [("Upgrade", upgrade) for upgrade in upgrades]
    settings = [("Connection", "Upgrade, HTTP2-Settings, X-Auth-User"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")]

    answer = client.get("/whoami", *asked, *settings, bearer(token))

    if answer.status not in {400, 403}:
        headers = told(answer)
        assert not any("h2c" in value for value in headers.get("upgrade", []))
        assert "x-auth-user" not in ", ".join(headers.get("connection", [])).lower()


@pytest.mark.parametrize("name", ["X-Forwarded-Uri", "X-Original-URI", "X-Original-URL", "X-Rewrite-URL"])
@pytest.mark.parametrize("value", ["/public/ping", f"http://{HOST}/public/ping"])
def test_no_header_replaces_the_path(client, upstream, name, value):
    before = len(upstream.requests)

    assert client.get("/whoami", (name, value)).status == 401
    assert len(upstream.requests) == before


@pytest.mark.parametrize("name", ["X-Forwarded-Method", "X-Original-Method", "X-HTTP-Method-Override"])
def test_no_header_replaces_the_method(client, token, name):
    assert client.ask("POST", "/readers/whoami", [(name, "GET"), bearer(token)], b"x").status == 403


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Original-Host"])
def test_no_header_replaces_the_host(client, token, name):
    headers = told(client.get("/whoami", (name, "evil.example"), bearer(token)))

    assert headers["host"] == [HOST]
    assert headers["x-forwarded-host"] == [HOST]


@pytest.mark.parametrize(
    "host",
    [
        f"{HOST},open.example",
        f"open.example,{HOST}",
        f"open.example@{HOST}",
        f"{HOST}:80@open.example",
        f"{HOST} open.example",
        f"{HOST}/open.example",
    ],
)
def test_no_host_is_judged_that_the_erp_is_not_told(client, upstream, host):
    before = len(upstream.requests)

    client.ask("GET", "/other-host/whoami", [("Connection", "close")], host=host)

    assert len(upstream.requests) == before


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 403), ("DELETE", 403), ("OPTIONS", 403)]
)
def test_a_route_of_some_methods_is_none_of_others(client, token, method, status):
    assert client.ask(method, "/readers/whoami", [bearer(token)]).status == status


def test_requirements_of_a_route_hold(client, token):
    answer = client.get("/sales/whoami", bearer(token))

    assert (answer.status, answer.json["error"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "target",
    [
        "/public/../whoami",
        "/public/%2e%2e/whoami",
        "/public/..;/whoami",
        "/public//ping",
        "/public%2fping",
        "/public/ping%00",
        "/public\\ping",
        "/whoami#/public/ping",
        "//evil.example/public/ping",
    ],
)
def test_a_path_that_could_be_read_in_two_ways_opens_nothing(client, upstream, target):
    before = len(upstream.requests)

    assert client.get(target).status in {400, 403}
    assert len(upstream.requests) == before


@pytest.mark.parametrize("target", ["http://evil.example/public/ping", f"http://{HOST}/whoami", "*", "evil.example:80"])
def test_another_form_of_the_target_opens_nothing(client, target):
    answer = client.send(request("GET", target, [("Connection", "close")], host=HOST))

    assert answer.status >= 400 or (answer.body in {b"", b'{"ping": "pong"}'} and "whoami" not in target)


def test_the_path_is_sent_as_it_was_judged(client, upstream, token):
    assert client.get("/wh%6fami?x=%2e%2E;/?", bearer(token)).status == 200
    assert upstream.requests[-1] == ("GET", "/whoami?x=%2e%2E;/?")
    assert client.get("/whoami?a&&b=%zz&", bearer(token)).status == 200
    assert upstream.requests[-1] == ("GET", "/whoami?a&&b=%zz&")
    assert client.get("/readers/wh%6fami?", bearer(token)).status == 200
    assert upstream.requests[-1] in {("GET", "/whoami?"), ("GET", "/whoami")}


def test_what_looks_like_a_variable_is_only_text(front, client, upstream, token):
    """HOME is where the proxy keeps its key; what a verdict names goes through the proxy's own templates."""
    variables = "{env.HOME}%[env(HOME)]$http_authorization%ENVIRONMENT(HOME)%{http.request.header.Authorization}"
    path = "/{env.HOME}$http_authorization"

    answer = client.get(
        f"/readers/whoami?{variables}",
        ("Cookie", f"a={variables}"),
        ("Referer", f"http://{HOST}/{variables}"),
        bearer(token),
    )
    assert told(answer)["cookie"] == [f"a={variables}"]
    assert told(answer)["referer"] == [f"http://{HOST}/{variables}"]
    assert upstream.requests[-1][1].replace("%7B", "{").replace("%7D", "}") == f"/whoami?{variables}"
    assert client.get(f"/readers{path}", bearer(token)).status == 404
    assert upstream.requests[-1][1].replace("%7B", "{").replace("%7D", "}") == path
    assert str(front.directory) not in repr(upstream.requests)


@pytest.mark.parametrize(
    "target", ["/_gateway/verify", "/_gateway/verify?x", "/_gateway/refusal", "/_gateway/verify/x"]
)
def test_no_client_asks_for_a_verdict(client, token, target):
    asked = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/whoami"), ("X-Forwarded-Host", HOST), bearer(token)]

    answer = client.get(target, *asked)

    assert answer.status == 404
    assert not answer.all("X-Auth-User")


@pytest.mark.parametrize(
    "target",
    [
        "/auth/../_gateway/verify",
        "/%5fgateway/verify",
        "//_gateway/verify",
        "/auth/%2e%2e/_gateway/verify",
        "/_gateway/verify/../../auth/login",
        "/_gateway/verify/%2e%2e/%2e%2e/auth/login",
        "/_gateway/verify//..//../auth/login",
    ],
)
def test_nor_by_another_spelling(client, token, target):
    asked = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/whoami"), ("X-Forwarded-Host", HOST), bearer(token)]

    answer = client.get(target, *asked)

    assert answer.status in {400, 403, 404}
    assert not answer.all("X-Auth-User")


def test_for_a_stranger_there_are_no_verdicts(gateway, token):
    asked = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/public/ping"),
        ("X-Forwarded-Host", HOST),
        bearer(token),
    ]
    with Conversation(
        socket.create_connection(("127.0.0.1", gateway.port), 10, source_address=(STRANGER, 0))
    ) as stranger:
        assert stranger.ask("GET", "/_gateway/verify", asked).status == 404
    assert PlainClient(gateway.port).get("/_gateway/verify", *asked).status == 200


def test_foreign_credentials_pass_where_the_route_says_so_and_ours_do_not(client, token):
    headers = told(client.get("/takeover/whoami", bearer("foreign"), ("Cookie", "a=1")))
    assert (headers["authorization"], headers["cookie"]) == (["Bearer foreign"], ["a=1"])
    assert identity(headers) == {}

    headers = told(client.get("/open/whoami", ("Authorization", "Basic eDp5"), ("X-API-Key", "foreign")))
    assert (headers["authorization"], headers["x-api-key"]) == (["Basic eDp5"], ["foreign"])

    assert "authorization" not in told(client.get("/open/whoami", bearer(token)))
    assert identity(told(client.get("/takeover/whoami", bearer(token)))) == ME


def test_the_erps_own_credential_is_for_those_who_have_proved_who_they_are(client, token):
    answer = client.get("/keyed/whoami", bearer(token))

    assert told(answer)["authorization"] == ["Bearer erp-token"]
    assert not answer.all("Authorization")
    assert "authorization" not in told(client.ask("OPTIONS", "/keyed/whoami"))
    assert "authorization" not in told(client.ask("OPTIONS", "/keyed/whoami", [("Authorization", "Basic eDp5")]))


async def test_a_session_that_lives_on_gets_its_cookie_again(front, cookie):
    """Its use is written down when a hundredth of its life is over."""
    answer = await eventually(
        lambda: (got := front.client.get("/web/whoami", ("Cookie", cookie))).all("Set-Cookie") and got, seconds=60
    )

    assert answer.status == 200
    assert answer.one("Set-Cookie").startswith(f"{cookie}; ")


def test_a_token_that_was_revoked_is_refused_at_once(front, client):
    token = login(front)
    assert client.get("/whoami", bearer(token)).status == 200

    assert client.post("/auth/logout", {}, bearer(token)).status in {200, 204}

    assert client.get("/whoami", bearer(token)).status == 401


def test_a_cookie_changes_nothing_for_another_site(client, cookie):
    cookie = ("Cookie", cookie)

    def post(*headers):
        return client.ask("POST", "/web/whoami", [cookie, *headers], b"{}").status

    assert post(("Sec-Fetch-Site", "cross-site")) == 403
    assert post(("Origin", "https://evil.example")) == 403
    assert post(("Sec-Fetch-Site", "same-origin")) == 200
    assert post() == 200


def websocket(front, path, *headers, **options):
    return websockets.connect(
        f"wss://{HOST}{path}",
        host="127.0.0.1",
        port=front.port,
        ssl=front.context,
        additional_headers=headers,
        **options,
    )


async def test_a_websocket_passes_both_ways(front, token):
    async with websocket(front, "/ws", bearer(token)) as socket_:
        for message in ("hello", b"\x00" * 100_000, "é" * 70_000):
            await socket_.send(message)
            assert await socket_.recv() == message


async def test_a_websocket_needs_a_credential_and_no_page_of_another_site_opens_one(front, cookie):
    cookie = ("Cookie", cookie)
    for headers, options in (((), {}), ((cookie,), {"origin": "https://evil.example"})):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websocket(front, "/web/ws" if headers else "/ws", *headers, **options)
        assert refused.value.response.status_code in {401, 403}
    async with websocket(front, "/web/ws", cookie, origin="https://erp.example.com") as socket_:
        await socket_.send("hello")
        assert await socket_.recv() == "hello"


def test_bodies_pass_and_the_gateway_does_not_see_them(client, token):
    answer = client.ask("POST", "/upload", [bearer(token)], bytes(4 * 1024 * 1024))

    assert (answer.status, answer.json) == (200, {"bytes": 4 * 1024 * 1024})
    assert client.ask("POST", "/upload", [], bytes(16 * 1024)).status == 401


def curl(front, *words):
    """Over HTTP/2: the body, the status and the version."""
    command = [
        "curl",
        "-sS",
        "--http2",
        "--cacert",
        front.directory / "ca.pem",
        "--max-time",
        "60",
        "-H",
        f"Host: {HOST}",
    ]
    command += ["--resolve", f"{HOST}:{front.port}:127.0.0.1", "-w", "\n%{http_code} %{http_version}", *words]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    body, _, told_of = shown.rpartition("\n")
    status, version = told_of.split()
    return body, int(status), version


def test_http_2_is_asked_about_alike(front, token, upstream):
    url = f"https://{HOST}:{front.port}/whoami?a=1&access_token={token}"

    body, status, version = curl(front, "-H", "X-Auth-User: root", "-H", "X-Forwarded-Uri: /public/ping", url)

    assert (status, version) == (200, "2")
    assert {name.lower(): [value] for name, value in json.loads(body)["identity"].items()} == ME | {
        "x-auth-method": ["access_token"]
    }
    assert upstream.requests[-1] == ("GET", "/whoami?a=1")
    # Envoy ends the stream of who is still sending when it refuses; Debian's curl then forgets the answer.
    sent = [] if front.kind == "envoy" else ["-d", "{}"]
    body, status, version = curl(front, "-X", "POST", *sent, url.partition("?")[0])
    assert (json.loads(body)["error"], status, version) == ("unauthorized", 401, "2")


@pytest.mark.parametrize("framing", ["Content-Length: {}", "Transfer-Encoding: chunked"])
def test_the_body_of_a_refused_request_is_no_request(client, upstream, framing):
    hidden = request("GET", "/public/hidden", host=HOST)
    body = hidden if "Length" in framing else b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
    head = f"POST /whoami HTTP/1.1\r\nHost: {HOST}\r\n{framing.format(len(hidden))}\r\n\r\n".encode()
    with client.connect() as conversation:
        conversation.send(head + body + request("GET", "/public/ping", host=HOST))

        assert conversation.receive().status == 401
        assert conversation.receive().status == 200
    assert ("GET", "/public/hidden") not in upstream.requests


def test_no_log_holds_a_token(front, client, gateway, token):
    referer = ("Referer", f"http://{HOST}/page?access_token={token}")
    assert client.get(f"/whoami?marked=1&access_token={token}", referer).status == 200
    assert client.get("/whoami?access_token=a-wrong-one", ("X-API-Key", "another")).status in {401, 403}
    assert client.get("/products", bearer(token)).status == 200

    logs = front.written("/products")

    assert "/whoami" in logs
    for secret in (token, "access_token=", "marked=1", "a-wrong-one", "another"):
        assert secret not in logs
        assert secret not in gateway.stdout + gateway.stderr


def test_the_gateways_log_tells_of_the_request_and_of_the_client(client, gateway, token):
    client.ask("POST", "/readers/logged", [bearer(token)])

    entry = gateway.logged("/readers/logged")

    assert (entry["method"], entry["status"], entry["client"]) == ("POST", 403, "127.0.0.1")


async def test_an_outage_is_a_503_and_lets_nobody_in(front, tmp_path, upstream, token):
    """Of the store, then of the gateway. The token was issued by a gateway with the same keys."""
    store = f"store: {{url: 'redis://127.0.0.1:{free_port()}', encryption_key: '{'k' * 32}'}}\n"
    directory = tmp_path / "gateway"
    directory.mkdir()
    status = 403 if front.kind == "nginx" else 503
    config = configuration(upstream.port, store=store + SIGNING_KEYS, failure_status=status)
    gateway = GatewayProcess(directory, config).launch()
    asking = ASKING[front.kind](tmp_path, gateway.port, upstream.port)
    try:
        asking.start()
        await eventually(lambda: asking.client.get("/public/ping").status == 200, seconds=60)
        before = len(upstream.requests)
        answer = asking.client.get("/whoami", bearer(token))
        assert answer.status == 503
        assert answer.all("Retry-After") == ([] if front.kind == "envoy" else ["1"])  # Envoy's own 503
        assert asking.client.get("/whoami", bearer("wrong")).status == 401

        gateway.stop()
        assert asking.client.get("/whoami", bearer(token)).status in {500, 502, 503}
        assert asking.client.get("/public/ping").status in {500, 502, 503}
        assert len(upstream.requests) == before
        assert token not in asking.logs
    finally:
        asking.stop()
        gateway.stop()
