"""Any dialect works with any identity provider: one gateway with all of them, each pair once from login to logout."""

import json
from time import monotonic, sleep

import pytest
from aiohttp import web
from fakes.dialect_clients import CLIENT, CLIENTS, SECRET, Native, Refused
from fakes.erp_rig import ERPS, LOGIN_PATHS
from fakes.fake_erp import FakeErp
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.jmix import CLIENT as JMIX_CLIENT
from fakes.jmix import SECRET as JMIX_SECRET
from fakes.plain_client import PlainClient

from gateway.dialects import DIALECTS
from gateway.identity_providers import PROVIDERS

PASSWORD = "correct horse"
ACCOUNT = "the-erp-s-own-account"
OPTIONS = {
    "odoo": "database: prod",
    "idempiere": "role: '102', organization: HQ",
    "itempath": "path: /api/users",
    "jmix": f"client_id: {JMIX_CLIENT}, client_secret: {JMIX_SECRET}",
    "tryton": "database: erp",
}


class ListedUsersErp(FakeErp):
    """What stands behind listed users: it has one account for the gateway, and believes what that says of them."""

    def routes(self):
        return {}

    async def resource(self, request):
        if request.headers.get("Authorization") != f"Bearer {ACCOUNT}":
            return web.Response(status=401)
        return web.json_response({"user": request.headers["X-Auth-User"]})


def provider(name):
    if name == "users":
        return (
            f'  users: {{type: users, users: [{{username: ada, id: 1, password_hash: "{password_hash(PASSWORD)}"}}]}}\n'
        )
    return f"  {name}: {{type: {name}, upstream: {name}, {OPTIONS[name]}}}\n"


def upstream(name, erp):
    service = f"{{username: bob, password: {PASSWORD}}}"
    injector = f"erp_session: {{identity_provider: {name}, service_account: {service}}}"
    if name == "users":
        injector = f"bearer: {{token: {ACCOUNT}}}"
    return f'  {name}: {{servers: ["{erp.url}"], injector: {{{injector}}}}}\n'


def login(name, dialect):
    patient = "protection: {max_failures: 100}"  # all that is wrong here comes from one address
    path = f"/{name}/{dialect}/login"
    return f"  {name}-{dialect}: {{dialect: {dialect}, path: {path}, identity_provider: {name}, {patient}}}\n"


def route(name, dialect):
    where, credential = f"/{name}/{dialect}/erp", "cookie" if dialect == "odoo" else "bearer"
    return (
        f"  - {{name: {name}-{dialect}, path: {where}/**, strip_prefix: {where}, upstream: {name},"
        f" logins: [{name}-{dialect}], errors: {name}-{dialect}, credentials: [{credential}]}}\n"
    )


def config(erps):
    pairs = [(name, dialect) for name in erps for dialect in DIALECTS]
    grants = "[password, refresh_token, client_credentials]"
    return "".join(
        [
            'server: {public_url: "http://erp.example"}\nlogs: {access: ./access.log, audit: ./audit.log}\n',
            "identity_providers:\n",
            *map(provider, erps),
            f'clients: [{{id: {CLIENT}, secret_hash: "{password_hash(SECRET)}", grants: {grants}}}]\n',
            "logins:\n",
            *(login(*pair) for pair in pairs),
            "upstreams:\n",
            *(upstream(name, erp) for name, erp in erps.items()),
            "routes:\n",
            *(route(*pair) for pair in pairs),
        ]
    )


@pytest.fixture(scope="module")
def erps():
    made = {name: ERPS.get(name, ListedUsersErp)() for name in PROVIDERS}
    yield made
    for erp in made.values():
        erp.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, erps):
    process = GatewayProcess(tmp_path_factory.mktemp("matrix"), config(erps)).start()
    yield process
    process.stop()


class Pair:
    """A dialect's client before an ERP."""

    def __init__(self, gateway, erps, name, dialect):
        self.erp, self._where = erps[name], f"/{name}/{dialect}/erp/api/v1/models"
        self.plain = PlainClient(gateway.port)
        self.client = CLIENTS[dialect](self.plain, f"/{name}/{dialect}/login", "ada", PASSWORD)
        self._other = Native(self.plain, f"/{name}/native/login", "ada", PASSWORD)

    def call(self, *headers):
        return self.plain.post(self._where, {"id": 1}, *(headers or [self.client.credential]))

    def user(self):
        """Who the ERP says it was that asked."""
        answer = self.call()
        assert answer.status == 200, answer
        assert self.client.access not in str(self.erp.asked[-1].headers)
        return (answer.json.get("result") or answer.json).get("user")

    def logout(self):
        if self.client.logs_out:
            self.client.logout()
        else:
            self._other.login()
            self._other.end_all()

    def erp_knows(self, asked):
        """Whether what was sent to the ERP then still opens it now."""
        kept = [(name, asked.headers[name]) for name in ("authorization", "cookie") if name in asked.headers]
        answer = PlainClient(self.erp.port).post("/api/v1/models", {"id": 1}, *kept)
        return answer.status == 200 and "error" not in answer.json


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request):
    return request.param


@pytest.fixture(params=sorted(PROVIDERS))
def name(request):
    return request.param


@pytest.fixture
def pair(gateway, erps, name, dialect):
    return Pair(gateway, erps, name, dialect)


def test_every_dialect_has_a_client():
    assert set(CLIENTS) == set(DIALECTS)


def test_a_client_logs_in_calls_refreshes_and_logs_out(pair, name):
    client = pair.client
    who = "ada" if client.is_the_user else CLIENT if name == "users" else "bob"

    client.login()
    assert pair.user() == who
    asked = pair.erp.asked[-1]

    if client.refreshes:
        before = client.access
        client.refresh()
        assert client.access != before
        assert pair.user() == who

    if client.is_the_user:
        has_logout = name not in {"users", "itempath"}  # one has no session in an ERP, the other has no logout
        assert pair.erp_knows(asked) or name == "users"
        pair.logout()
        wait_until(lambda: client.is_refused(pair.call()))
        if has_logout:
            wait_until(lambda: not pair.erp_knows(asked))


@pytest.mark.parametrize(("name", "dialect"), [("idempiere", "idempiere")], indirect=True)
def test_an_abbreviated_login_is_the_erp_s_own_and_ends_there_with_the_session(pair):
    client, before = pair.client, len(pair.erp.asked)
    client.username = "bob"

    client.login()

    assert pair.user() == "bob"
    assert not [each for each in pair.erp.asked[before:] if each.method == "PUT"], "a second session nobody would end"
    asked = pair.erp.asked[-1]
    client.logout()
    wait_until(lambda: not pair.erp_knows(asked))


@pytest.mark.parametrize(("name", "dialect"), [("idempiere", "idempiere")], indirect=True)
def test_a_language_is_for_the_erp_to_know(pair):
    chosen = {"clientId": 11, "roleId": 102, "organizationId": 11, "language": "es_CO"}
    body = {"userName": "ada", "password": PASSWORD, "parameters": chosen}

    answer = pair.plain.post(f"{pair.client.path}/tokens", body)

    assert (answer.status, answer.json["language"]) == (200, "es_CO")
    assert (pair.erp.asked[-1].method, json.loads(pair.erp.asked[-1].body)["language"]) == ("PUT", "es_CO")


@pytest.mark.parametrize(("name", "dialect"), [("itempath", "itempath")], indirect=True)
def test_an_application_token_of_the_erp_s_own_stands_behind_one_of_ours(pair):
    client = pair.client
    client.login()

    def ask():
        return pair.plain.post(
            f"{client.path}/application-token", {}, ("Authorization", f"Bearer {client.refresh_token}")
        )

    assert ask().status == 403
    pair.erp.applications.add("ada")
    client.access = ask().json["token"]
    pair.erp.expire_all()

    assert pair.user() == "ada"


def test_without_a_credential_the_dialect_says_so_and_the_erp_is_not_asked(pair):
    before = len(pair.erp.asked)

    assert pair.client.is_refused(pair.call(("X-Nothing", "here")))

    assert len(pair.erp.asked) == before


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"jdx"}), indirect=True)  # only clients log in there
def test_a_wrong_password_is_told_in_the_dialect(pair):
    pair.client.password = "wrong"

    with pytest.raises(Refused) as refused:
        pair.client.login()

    assert refused.value.answer.status == pair.client.wrong_password


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"jdx"}), indirect=True)
@pytest.mark.parametrize("name", sorted(ERPS), indirect=True)
def test_an_erp_that_is_down_is_a_503_in_every_dialect(pair, name):
    pair.erp.script(LOGIN_PATHS[name], "error")

    with pytest.raises(Refused) as refused:
        pair.client.login()

    assert refused.value.answer.status == 503
    assert refused.value.answer.one("Retry-After")


def wait_until(holds):
    until = monotonic() + 60
    while not holds():
        assert monotonic() < until
        sleep(0.02)
