"""The console of a running gateway: what it does to tokens, keys, bans and configuration, alone and with workers."""

import json

import pytest
from fakes.console import COOKIE, browse
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.log_lines import entries
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import LOGINS, PASSWORD, SCANNER_KEY
from fakes.waiting import eventually

__all__ = ["browse"]

CONFIG = """\
server: {{public_url: "http://erp.example", workers: {workers}, trusted_proxies: [127.0.0.1]}}
logs: {{access: ./access.log, audit: ./audit.log}}
store: {{url: embedded://state, timeout: 10s}}
{logins}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /orders/**, upstream: erp, anonymous: ["GET /orders/open/**"]}}
"""
PAGES = ["/", "/sessions?user_id=101", "/keys", "/bans", "/routes", "/explain", "/reload"]


@pytest.fixture(scope="module")
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two workers"])
def gateway(request, erp, tmp_path_factory):
    config = CONFIG.format(workers=request.param, logins=LOGINS, port=erp.port)
    gateway = GatewayProcess(tmp_path_factory.mktemp("console"), config).start()
    gateway.workers = request.param
    yield gateway
    gateway.stop()


@pytest.fixture
def admin_token(gateway):
    return (gateway.directory / "state" / "admin.token").read_text().strip()


@pytest.fixture
async def operator(gateway, browse, admin_token):
    operator = browse(gateway.admin_url)
    await operator.sign_in(admin_token)
    return operator


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


def login(client, user="ada", password=PASSWORD, address="192.0.2.1"):
    credentials = {"username": user, "password": password}
    return client.post("/auth/login", credentials, ("X-Forwarded-For", address))


def status(client, *headers):
    return client.get("/orders/1", *headers).status


def token_of(client, user="ada"):
    return bearer(login(client, user).json["access_token"])


def audited(gateway, event):
    return [entry for entry in entries(gateway.directory / "audit.log") if entry["event"] == event]


async def test_the_overview_tells_of_every_part(gateway, operator):
    page = await operator.go("/")

    assert page.status == 200
    for said in (
        "Gateway ready",
        "Token store up",
        "Feed of revocations up",
        "config.yaml, in force since",
        "embedded",
    ):
        assert said in page.text
    assert [row[0] for row in page.rows if row[0] == "erp"] == ["erp"]
    assert len([row for row in page.rows if "serving" in row]) == gateway.workers


async def test_one_session_is_ended_and_its_token_is_dead_at_once(gateway, operator, client):
    mine, other = token_of(client), token_of(client)
    page = await operator.go("/sessions?user_id=101")
    kept = {row[5] for row in page.rows[1:]}

    assert [status(client, mine), status(client, other)] == [200, 200]
    for session in kept:
        await operator.send("/sessions/end", id=session)
        assert "The session is ended" in operator.page.text

    assert [status(client, mine), status(client, other)] == [401, 401]
    await eventually(lambda: len(audited(gateway, "session_revoked")) >= len(kept))
    assert audited(gateway, "session_revoked")[-1]["cause"] == "revoked by an operator"


@pytest.mark.parametrize(
    ("which", "typed", "survivors"),
    [
        ("user", {"user": "ada"}, [401, 200]),
        ("user", {"user": "102"}, [200, 401]),
        ("tenant", {"of_tenant": "GardenWorld"}, [401, 200]),
        ("all", {"confirmation": "end all sessions"}, [401, 401]),
    ],
)
async def test_many_sessions_are_ended_at_once(gateway, operator, client, which, typed, survivors):
    tokens = [token_of(client, user) for user in ("ada", "bob")]
    assert [status(client, token) for token in tokens] == [200, 200]
    before = len(audited(gateway, "sessions_ended"))

    await operator.go("/sessions")
    page = await operator.send("/sessions/end", typed, which=which)

    assert "ended." in page.text
    assert [status(client, token) for token in tokens] == survivors
    await eventually(lambda: len(audited(gateway, "sessions_ended")) > before)


async def test_a_user_who_is_not_there_is_told_at_the_form(operator):
    await operator.go("/sessions")
    page = await operator.send("/sessions/end", {"user": "adda"}, which="user")

    assert (page.status, "no such user" in page.text) == (404, True)
    assert dict(page.form("/sessions/end", which="user").fields)["user"] == "adda"


async def test_a_key_is_made_used_and_ended(gateway, operator, client):
    page = await operator.go("/keys")
    assert ["scanner-1", "scanner", "warehouse", "-", "all", "never"] in page.rows

    typed = {"id": f"made-{gateway.workers}", "user": "<b>scanner", "roles": "big, boss", "route": ["images"]}
    page = await operator.send("/keys/make", typed | {"expires": "90d"})
    assert page.status == 201
    (key,) = [word for word in page.text.split() if word.startswith("gwk_")]
    assert status(client, ("X-API-Key", key)) == 200

    page = await operator.go("/keys")
    assert [row[:5] for row in page.rows if row[0] == typed["id"]] == [
        [typed["id"], "<b>scanner", "big, boss", "-", "images"]
    ]
    assert "<b>" not in page.source
    assert key not in page.source
    await operator.send("/keys/end", id=typed["id"])
    assert "is ended on every gateway" in operator.page.text
    assert status(client, ("X-API-Key", key)) == 401
    assert status(client, ("X-API-Key", SCANNER_KEY)) == 200
    await eventually(lambda: audited(gateway, "key_revoked"))
    assert audited(gateway, "key_made")[-1]["user"] == "<b>scanner"


async def test_the_gateway_refuses_a_key_and_the_page_says_why(operator):
    await operator.go("/keys")
    page = await operator.send("/keys/make", {"id": "scanner-1", "user": "x", "expires": "2020-01-01"})

    assert page.status == 400
    assert 'Not done: "scanner-1" is the id of a key in the configuration.' in page.text


async def test_a_ban_is_listed_and_lifted(operator, client):
    while login(client, "bob", "wrong", "192.0.2.9").status == 401:
        pass
    assert login(client, "bob", address="192.0.2.9").status == 429

    page = await operator.go("/bans")
    assert [row[0] for row in page.rows[1:]] == ["192.0.2.9"]
    page = await operator.send("/bans/lift", address="192.0.2.9")

    assert "1 lifted." in page.text
    assert "Nobody is banned." in page.text
    assert login(client, "bob", address="192.0.2.9").status == 200


async def test_routes_are_listed(operator):
    page = await operator.go("/routes")

    assert page.rows[1:] == [
        ["images", "/orders/**", "all", "all", "erp", "bearer, api_key", "all", "GET /orders/open/**"]
    ]


async def test_a_decision_is_explained_as_on_the_command_line(operator, client):
    name, value = token_of(client)
    await operator.go("/explain")

    page = await operator.send("/explain", {"target": "/orders/7?x=1", "headers": f"{name}: {value}"})

    assert "credential bearer: valid" in page.text
    assert "outcome forwarded to erp by route images" in page.text
    assert "user ada" in page.text
    assert value.split()[1] not in page.source
    page = await operator.send("/explain", {"target": "/orders/7", "headers": "Authorization: Bearer nonsense"})
    assert "outcome refused with 401" in page.text
    assert "nonsense" not in page.source


async def test_a_configuration_is_refused_with_its_place_and_taken_once_it_is_mended(gateway, operator):
    file = gateway.directory / "config.yaml"
    good = file.read_text()
    await operator.go("/reload")

    file.write_text(good.replace("upstream: erp,", "upstream: '<b>epr',"))
    page = await operator.send("/reload")
    assert "Refused. The old configuration stays in force" in page.text
    assert "config.yaml:" in page.text
    assert "routes[0].upstream" in page.text
    assert "<b>" not in page.source
    assert "refused; the earlier configuration stays in force" in (await operator.go("/")).text

    file.write_text(good.replace("{name: images, path: /orders/**", "{name: images, path: /orders/*/**"))
    await operator.go("/reload")
    page = await operator.send("/reload")
    assert "The new configuration is in force." in page.text
    assert (await operator.go("/routes")).rows[1][1] == "/orders/*/**"
    file.write_text(good)
    await operator.go("/reload")
    assert "in force" in (await operator.send("/reload")).text


async def test_the_cookie_opens_no_api_and_nothing_secret_is_on_a_page_or_in_a_log(
    gateway, operator, client, admin_token
):
    cookie = operator.cookies()[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    secrets = [admin_token, cookie.value, token_of(client)[1].split()[1], SCANNER_KEY, PASSWORD, "$argon2"]

    shown = "".join([(await operator.go(path)).source for path in PAGES])

    assert (await operator.go("/api/v1/snapshot")).status == 401
    written = [gateway.stdout, gateway.stderr]
    written += [(gateway.directory / name).read_text() for name in ("access.log", "audit.log")]
    for secret in secrets:
        assert secret not in shown
        assert secret not in "".join(written)


async def test_another_sites_page_changes_nothing(gateway, operator, client):
    token = token_of(client)
    await operator.go("/sessions")
    fields = [*operator.page.form("/sessions/end", which="all").fields, ("confirmation", "end all sessions")]
    fields = [(name, value) for name, value in fields if value or name != "confirmation"]

    for headers in ({}, {"Origin": gateway.url}, {"Sec-Fetch-Site": "same-site"}):
        assert (await operator.post("/sessions/end", fields, headers=headers)).status == 403
    without = [(name, value) for name, value in fields if name != "form_token"]
    assert (await operator.post("/sessions/end", without)).status == 403
    assert (await operator.go("/", headers={"Host": "evil.example"})).status == 421

    assert status(client, token) == 200


async def test_a_snapshot_over_the_api_tells_the_same(gateway, admin_token):
    admin = PlainClient(gateway.admin_port, host="localhost")

    found = admin.get("/api/v1/snapshot", bearer(admin_token)).json

    assert found["providers"] == ["staff"]
    assert [key["id"] for key in found["declared_keys"]] == ["scanner-1", "limited-1", "old-1"]
    assert "sha256" not in json.dumps(found)


async def test_a_restart_ends_every_sign_in(erp, browse, tmp_path):
    config = CONFIG.format(workers=1, logins=LOGINS, port=erp.port)
    gateway = GatewayProcess(tmp_path, config).start()
    try:
        operator = browse(gateway.admin_url)
        await operator.sign_in((tmp_path / "state" / "admin.token").read_text().strip())
        assert operator.page.place == "/"
        gateway.stop()
        gateway.start()

        assert (await operator.go("/keys")).place == "/sign-in"
    finally:
        gateway.stop()


def before_an_absent_redis(erp):
    config = CONFIG.format(workers=1, logins=LOGINS, port=erp.port).replace(
        "url: embedded://state", 'url: "redis://127.0.0.1:1/0", encryption_key: "0123456789abcdef0123456789abcdef"'
    )
    return config + 'signing_keys: [{kid: k1, algorithm: HS256, secret: "0123456789abcdef0123456789abcdef"}]\n'


async def test_before_a_redis_without_a_token_the_console_says_what_to_set(erp, browse, tmp_path):
    gateway = GatewayProcess(tmp_path, before_an_absent_redis(erp)).launch()
    try:
        await eventually(lambda: "the admin API is off" in gateway.stderr)
        page = await browse(gateway.admin_url).go("/")

        assert page.status == 403
        assert "GATEWAY_ADMIN_TOKEN" in page.text
    finally:
        gateway.stop()


async def test_a_store_that_is_away_is_told_and_the_overview_stays(erp, browse, tmp_path):
    token = "a-console-token-0123456789abcdef0123456789"
    gateway = GatewayProcess(tmp_path, before_an_absent_redis(erp) + f"admin: {{token: {token}}}\n").launch()
    try:
        await eventually(lambda: "for health, metrics and the admin API" in gateway.stderr)
        operator = browse(gateway.admin_url)
        page = await operator.sign_in(token)
        assert "Token store down" in page.text
        for path in ("/keys", "/bans", "/sessions?user_id=101"):
            page = await operator.go(path)
            assert (page.status, "The token store does not answer" in page.text) == (503, True)
    finally:
        gateway.stop()
