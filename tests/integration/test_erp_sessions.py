"""The gateway signs in to the ERP for the user: every kind of ERP behind a running gateway, failing as ERPs do."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from time import monotonic, sleep

import pytest
from fakes.erp_rig import ERPS
from fakes.fake_tryton import unauthorized
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.jmix import CLIENT, SECRET
from fakes.odoo import DATABASE, error
from fakes.plain_client import PlainClient, bearer

PASSWORD = "correct horse"
KEY = "a-declared-scanner-key-0123"
KINDS = sorted(ERPS)
LOGIN_PATHS = {
    "odoo": "/web/session/authenticate",
    "idempiere": "/api/v1/auth/tokens",
    "itempath": "/api/users/login",
    "jmix": "/oauth/token",
    "tryton": "/erp/rpc/",
}
RENEW_PATHS = {
    "odoo": "/web/session/get_session_info",
    "idempiere": "/api/v1/auth/refresh",
    "itempath": "/api/users/refresh",
    "jmix": "/oauth/token",
    "tryton": "/erp/rpc/",
}


def config(erps):
    def upstream(kind):
        account = "{username: bob, password: correct horse}"
        machine = f", service_account: {account}" if kind != "itempath" else ""
        return f'  {kind}: {{servers: ["{erps[kind].url}"], injector: {{erp_session: {{identity_provider: {kind}{machine}}}}}}}\n'

    options = {
        "odoo": f"database: {DATABASE}",
        "idempiere": "role: '102', organization: HQ",
        "itempath": "roles: [staff]",
        "jmix": f"client_id: {CLIENT}, client_secret: {SECRET}",
        "tryton": "database: erp",
    }
    own = ", ".join(f"native-{kind}" for kind in KINDS)
    return "".join(
        [
            "logs: {access: ./access.log, audit: ./audit.log, level: info}\nidentity_providers:\n",
            *(f"  {kind}: {{type: {kind}, upstream: {kind}, timeout: 2s, {options[kind]}}}\n" for kind in KINDS),
            f'  staff: {{type: users, users: [{{username: ada, id: 1, password_hash: "{password_hash(PASSWORD)}"}}]}}\n',
            f'api_keys: [{{id: scanner, hash: "sha256:{sha256(KEY.encode()).hexdigest()}", user: scanner}}]\n',
            "logins:\n  staff: {dialect: native, path: /staff, identity_provider: staff}\n",
            *(
                f"  native-{kind}: {{dialect: native, path: /{kind}/auth, identity_provider: {kind}}}\n"
                for kind in KINDS
            ),
            "upstreams:\n",
            *map(upstream, KINDS),
            "routes:\n",
            *(
                f"  - {{name: {kind}, path: /{kind}/**, strip_prefix: /{kind}, upstream: {kind}, logins: [{own}, staff],"
                f" anonymous: ['/{kind}/web/login']}}\n"
                for kind in KINDS
            ),
        ]
    )


@pytest.fixture(scope="module")
def erps():
    made = {kind: ERPS[kind]() for kind in KINDS}
    yield made
    for erp in made.values():
        erp.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, erps):
    process = GatewayProcess(tmp_path_factory.mktemp("erp"), config(erps)).start()
    yield process
    process.stop()


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def login(client, where, user="ada"):
    answer = client.post(f"/{where}/login", {"username": user, "password": PASSWORD})
    assert answer.status == 200, answer
    return answer.json


def data(client, kind, token, body=b"{}", path="/api/v1/models"):
    return client.post(f"/{kind}{path}", body, bearer(token), ("Content-Type", "application/json"))


def user_of(answer):
    told = answer.json
    return (told.get("result") or told).get("user")


def test_a_request_reaches_the_erp_in_its_own_users_name(client, erps, kind):
    for user in ("ada", "bob"):
        token = login(client, f"{kind}/auth", user)["access_token"]

        answer = data(client, kind, token)

        assert (answer.status, user_of(answer)) == (200, user)
    assert token not in json.dumps([asked.headers for asked in erps[kind].asked])
    assert "session_id" not in str(answer.headers)


def test_a_wrong_password_is_a_401_and_an_erp_that_is_away_is_none(client, erps, kind):
    wrong = client.post(f"/{kind}/auth/login", {"username": "ada", "password": "wrong"})
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_credentials")
    for failure, status in (("error", 503), ("vanish", 503), ("nonsense", 503), ("huge", 503), ("slow", 504)):
        erps[kind].script(LOGIN_PATHS[kind], failure)
        answer = client.post(f"/{kind}/auth/login", {"username": "ada", "password": PASSWORD})
        assert (answer.status, answer.json["error"]) == (status, "temporarily_unavailable"), failure
        assert answer.one("Retry-After")


def test_a_locked_account_is_told_apart(client, erps, kind):
    erps[kind].locked.add("bob")

    answer = client.post(f"/{kind}/auth/login", {"username": "bob", "password": PASSWORD})

    erps[kind].locked.clear()
    assert (answer.status, answer.json["error"]) == (401, "account_locked")


def expire_access(erp):
    getattr(erp, "expire_access", lambda: None)()


@pytest.mark.parametrize("kind", ["idempiere", "itempath", "jmix"], indirect=True)
@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 65536])
def test_an_expired_session_is_renewed_and_the_request_sent_again(client, erps, kind, body):
    token = login(client, f"{kind}/auth")["access_token"]
    assert data(client, kind, token).status == 200
    expire_access(erps[kind])

    answer = data(client, kind, token, body)

    assert (answer.status, user_of(answer)) == (200, "ada")
    assert answer.json["bytes"] == len(body)


@pytest.mark.parametrize("kind", ["idempiere", "itempath", "jmix"], indirect=True)
def test_a_session_that_ends_soon_after_its_renewal_ends_ours(client, erps, kind):
    token = login(client, f"{kind}/auth")["access_token"]
    expire_access(erps[kind])
    assert data(client, kind, token).status == 200
    erps[kind].expire_all()

    answer = data(client, kind, token)

    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    assert "request_id" in answer.json, "it is the gateway's own"
    assert data(client, kind, token).status == 401


@pytest.mark.parametrize("kind", ["idempiere", "itempath", "jmix"], indirect=True)
def test_a_body_that_was_not_kept_is_a_503_and_the_next_try_succeeds(client, erps, kind):
    token = login(client, f"{kind}/auth")["access_token"]
    data(client, kind, token)
    expire_access(erps[kind])

    answer = data(client, kind, token, b"x" * 65537)

    assert (answer.status, answer.one("Retry-After")) == (503, "1")
    assert data(client, kind, token, b"x" * 65537).status == 200


@pytest.mark.parametrize("kind", ["idempiere", "itempath", "jmix"], indirect=True)
def test_many_requests_share_one_renewal(client, erps, kind):
    token = login(client, f"{kind}/auth")["access_token"]
    data(client, kind, token)
    expire_access(erps[kind])
    before = len(erps[kind].asked_for(RENEW_PATHS[kind]))

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: data(client, kind, token).status, range(32)))

    assert set(answers) == {200}
    assert len(erps[kind].asked_for(RENEW_PATHS[kind])) == before + 1


def test_a_session_that_the_erp_ended_ends_ours(client, erps, kind):
    tokens = login(client, f"{kind}/auth")
    assert data(client, kind, tokens["access_token"]).status == 200
    erps[kind].expire_all()

    answer = data(client, kind, tokens["access_token"])

    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    assert client.post(f"/{kind}/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status == 401


def test_an_erp_that_cannot_renew_now_ends_nothing(client, erps, kind):
    token = login(client, f"{kind}/auth")["access_token"]
    data(client, kind, token)
    if kind in EXPIRED:
        erps[kind].script("/api/v1/models", lambda fake, request: EXPIRED[kind]())
    else:
        expire_access(erps[kind])
    erps[kind].script(RENEW_PATHS[kind], "error")

    assert data(client, kind, token).status == 503
    assert data(client, kind, token).status == 200


EXPIRED = {
    "odoo": lambda: error(1, "odoo.http.SessionExpiredException", "Session expired", 100),
    "tryton": unauthorized,
}
"""What an ERP without short-lived tokens says; the fake still knows the session."""


@pytest.mark.parametrize("kind", ["idempiere", "jmix", "odoo", "tryton"], indirect=True)  # ItemPath has no logout
def test_a_logout_ends_the_session_in_the_erp(client, erps, kind):
    token = login(client, f"{kind}/auth")["access_token"]
    data(client, kind, token)
    ends = {
        "odoo": "/web/session/destroy",
        "idempiere": "/api/v1/auth/logout",
        "jmix": "/oauth/revoke",
        "tryton": "/erp/rpc/",
    }[kind]
    before = len(erps[kind].asked_for(ends))

    client.post(f"/{kind}/auth/logout", None, bearer(token))

    until = monotonic() + 60
    while len(erps[kind].asked_for(ends)) == before and monotonic() < until:
        sleep(0.02)
    assert len(erps[kind].asked_for(ends)) == before + 1
    assert data(client, kind, token).status == 401


def test_users_of_another_provider_and_of_another_erp_are_refused(client, kind):
    staff = login(client, "staff")["access_token"]
    other = login(client, f"{'jmix' if kind == 'odoo' else 'odoo'}/auth")["access_token"]

    assert data(client, kind, staff).status == data(client, kind, other).status == 403


def test_an_api_key_goes_as_the_service_account_or_is_refused(client, kind):
    answer = client.post(f"/{kind}/api/v1/models", b"{}", ("X-API-Key", KEY), ("Content-Type", "application/json"))

    if kind == "itempath":
        assert (answer.status, answer.json["error"]) == (403, "forbidden")
    else:
        assert (answer.status, user_of(answer)) == (200, "bob")


def test_odoos_other_ways_to_say_expired_are_understood(client, erps):
    token = login(client, "odoo/auth")["access_token"]
    assert client.get("/odoo/web/report", bearer(token)).body == b"<p>ada</p>"
    erps["odoo"].expire_all()

    answer = client.get("/odoo/web/report", bearer(token))

    assert answer.status == 401
    assert answer.all("Location") == answer.all("Set-Cookie") == []


def test_a_cookie_that_odoo_rotates_is_kept_from_the_client(client, erps):
    token = login(client, "odoo/auth")["access_token"]
    data(client, "odoo", token)
    erps["odoo"].rotate_next = True

    answers = [data(client, "odoo", token) for _ in range(5)]

    assert [answer.status for answer in answers] == [200] * 5
    assert [user_of(answer) for answer in answers] == ["ada"] * 5
    assert all(answer.all("Set-Cookie") == [] for answer in answers)


def test_a_login_at_odoo_itself_makes_nobody_somebody_else(client, erps):
    """Sent through a route, it would leave a user of ours with the session of another user there."""
    token = login(client, "odoo/auth")["access_token"]
    assert user_of(data(client, "odoo", token)) == "ada"
    params = {"db": "prod", "login": "bob", "password": PASSWORD}

    theirs = client.post(
        "/odoo/web/session/authenticate", {"params": params, "id": 1}, bearer(token), ("Sec-Fetch-Site", "same-origin")
    )

    assert (theirs.json["result"]["username"], theirs.all("Set-Cookie")) == ("bob", [])
    until = time.monotonic() + 30
    while (answer := data(client, "odoo", token)).status == 200:
        assert time.monotonic() < until
    assert answer.status == 401


def test_a_clients_own_session_cookie_never_reaches_odoo(client, erps):
    token = login(client, "odoo/auth")["access_token"]
    cookies = ("Cookie", "theme=dark; session_id=stolen; lang=en")

    client.get("/odoo/web/report", bearer(token), cookies, ("X-Openerp-Session-Id", "stolen"))
    client.get("/odoo/web/login", cookies)

    with_user, anonymous = (asked.headers["cookie"] for asked in erps["odoo"].asked[-2:])
    assert "stolen" not in with_user + anonymous
    assert with_user.startswith("theme=dark; lang=en; session_id=")
    assert not any("x-openerp-session-id" in asked.headers for asked in erps["odoo"].asked)
    assert anonymous == "theme=dark; lang=en"


def test_an_address_names_no_session_of_odoos_either(client, erps):
    """Until 15 Odoo believes it before the cookie that is injected."""
    token = login(client, "odoo/auth")["access_token"]

    client.get("/odoo/web/report?a=1&session_id=stolen&%73ession_id=stolen&b", bearer(token))
    client.get("/odoo/web/login?session_id=stolen", ("Cookie", "lang=en"))

    assert [asked.query for asked in erps["odoo"].asked[-2:]] == ["a=1&b", ""]


def test_an_anonymous_caller_gets_no_session_of_odoos(client):
    answer = client.get("/odoo/web/login")

    assert answer.status == 200
    assert answer.all("Set-Cookie") == []


def test_a_cookie_that_tryton_would_rather_believe_never_reaches_it(client):
    token = login(client, "tryton/auth")["access_token"]
    theirs = ("Cookie", "tryton_session=bob:2:stolen")

    answer = client.post("/tryton/api/v1/models", b"{}", bearer(token), theirs)

    assert (answer.status, user_of(answer)) == (200, "ada")


def test_a_role_that_may_not_is_told_so_and_stays_logged_in(client, erps):
    token = login(client, "idempiere/auth")["access_token"]

    refused = [client.get("/idempiere/api/v1/forbidden", bearer(token)).status for _ in range(3)]

    assert refused == [401] * 3
    assert data(client, "idempiere", token).status == 200
    assert erps["idempiere"].breaches == 0


def test_no_password_and_no_erp_credential_is_written_anywhere(gateway, client, erps, kind):
    token = login(client, f"{kind}/auth")["access_token"]
    data(client, kind, token)

    sent = erps[kind].asked[-1].headers
    credential = (sent.get("authorization") or sent["cookie"]).split()[-1].removeprefix("session_id=")
    for file in gateway.directory.rglob("*"):
        if file.is_file() and file.name != "config.yaml":
            content = file.read_bytes()
            assert PASSWORD.encode() not in content
            assert credential.encode() not in content
