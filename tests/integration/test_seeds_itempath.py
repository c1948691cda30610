"""Every request that ItemPath's documentation prints, sent as printed (host and credentials aside); then its refusals.

The refusals of a running gateway stand beside those of Flask-JWT-Extended itself.
"""

import json
import subprocess
import time
from base64 import urlsafe_b64decode

import pytest
from fakes.erp import Erp
from fakes.flask_jwt import FlaskItemPath
from fakes.gateway_process import GatewayProcess, password_hash
from fakes.plain_client import PlainClient, bearer

CONFIG = """\
server: {{public_url: "http://erp.example"}}
logs: {{access: ./access.log, audit: ./audit.log}}
identity_providers:
  staff:
    type: users
    users:
      - {{username: username1, id: 7, password_hash: "{hash}", roles: [stations]}}
      - {{username: username, id: 8, password_hash: "{other}", type: application, roles: [stations]}}
logins:
  itempath: {{dialect: itempath, path: /api/users, identity_provider: staff}}
  brief: {{dialect: itempath, path: /brief, identity_provider: staff, access_ttl: 1s, refresh_ttl: 1s}}
  native: {{dialect: native, path: /auth, identity_provider: staff}}
upstreams:
  itempath: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: api, path: /api/**, upstream: itempath, errors: itempath}}
"""
LOGIN = """curl --location --request POST 'http://localhost/api/users/login' \\--header 'Content-Type: application/json' \\--data-raw '{ "username": "username1", "password": "pwdTest"}'"""
LOGIN_OF_THE_DOCS_PAGE = """curl --location --request POST 'https://localhost/api/users/login' \\--header 'Content-Type: application/json' \\--data-raw '{ "username": "username", "password": "password"}'"""
STATIONS = """curl --location --request GET 'http://localhost/api/stations'
--header 'Authorization: Bearer ACCESS'"""
STATIONS_OF_THE_DOCS_PAGE = (
    """curl --location --request GET 'https://localhost/api/stations' --header 'Authorization: Bearer ACCESS'"""
)
APPLICATION_TOKEN = """curl --location --request POST 'http://localhost/api/users/application-token'
--header 'Content-Type: application/json'
--header 'Authorization: Bearer REFRESH'"""
APPLICATION_TOKEN_OF_THE_DOCS_PAGE = """curl --location --request POST 'https://localhost/api/users/application-token' --header 'Content-Type: application/json' --header 'Authorization: Bearer REFRESH'"""
TYP_ALG = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
JSON = ("Content-Type", "application/json")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    erp = Erp()
    written = CONFIG.format(hash=password_hash("pwdTest"), other=password_hash("password"), port=erp.port)
    gateway = GatewayProcess(tmp_path_factory.mktemp("itempath"), written).start()
    yield erp, gateway
    gateway.stop()
    erp.stop()


@pytest.fixture
def erp(running):
    running[0].forget()
    return running[0]


@pytest.fixture
def client(running):
    return PlainClient(running[1].port)


@pytest.fixture
def curl(running):
    def run(printed, **written):
        """The lines of one command are printed without the backslash that would join them."""
        command = printed.replace("\n--", " --")
        for host in ("http://localhost", "https://localhost"):
            command = command.replace(host, running[1].url)
        for placeholder, value in written.items():
            command = command.replace(placeholder, value)
        told = command.replace("curl ", "curl --silent --show-error --write-out '%{http_code}' ", 1)
        done = subprocess.run(["sh", "-c", told], capture_output=True, text=True, check=True, timeout=60)
        body, _, status = (
            done.stdout.rpartition("\n") if "\n" in done.stdout else (done.stdout[:-3], "", done.stdout[-3:])
        )
        return int(status), json.loads(body)

    return run


def sign_in(client, path="/api/users", username="username1", password="pwdTest"):
    body = json.dumps({"username": username, "password": password}).encode()
    answer = client.ask("POST", f"{path}/login", [JSON], body)
    assert answer.status == 200, answer.body
    return answer.json


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_log_in_and_use_the_access_token(curl, erp):
    status, pair = curl(LOGIN)

    assert status == 200
    assert list(pair) == ["login", "accessToken", "refreshToken", "username", "id"]
    assert (pair["login"], pair["username"], pair["id"]) == (True, "username1", 7)
    for name, kind, lives in (("accessToken", "access", 900), ("refreshToken", "refresh", 2_592_000)):
        claims = claims_of(pair[name])
        assert pair[name].startswith(TYP_ALG)
        assert list(claims) == ["fresh", "iat", "jti", "type", "identity", "nbf", "exp"]
        assert (claims["type"], claims["identity"], claims["exp"] - claims["iat"]) == (kind, "username1", lives)

    assert curl(STATIONS, ACCESS=pair["accessToken"])[0] == 200
    assert erp.last.target == "/api/stations"
    assert erp.last.one("X-Auth-User") == "username1"
    assert erp.last.one("X-Auth-User-Id") == "7"
    assert erp.last.one("X-Auth-Login") == "itempath"
    assert not erp.last.all("Authorization")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_refresh_with_the_refresh_token_as_bearer(client, method):
    pair = sign_in(client)

    for _ in range(3):
        answer = client.ask(method, "/api/users/refresh", [bearer(pair["refreshToken"])])
        assert (answer.status, list(answer.json)) == (200, ["accessToken"])
        assert client.get("/api/stations", bearer(answer.json["accessToken"])).status == 200
    assert client.get("/api/stations", bearer(pair["accessToken"])).status == 200


def test_an_application_token(curl, erp):
    _, pair = curl(LOGIN_OF_THE_DOCS_PAGE)
    for printed in (APPLICATION_TOKEN, APPLICATION_TOKEN_OF_THE_DOCS_PAGE):
        status, answer = curl(printed, REFRESH=pair["refreshToken"])

        assert (status, list(answer)) == (200, ["token"])
        assert answer["token"].startswith(TYP_ALG)
        claims = claims_of(answer["token"])
        assert list(claims) == ["fresh", "iat", "jti", "type", "identity", "nbf"]
        assert (claims["type"], claims["identity"]) == ("access", "username")
        assert curl(STATIONS_OF_THE_DOCS_PAGE, ACCESS=answer["token"])[0] == 200
        assert erp.last.one("X-Auth-User") == "username"


def test_an_application_token_is_for_users_of_type_application(curl):
    _, pair = curl(LOGIN)

    status, answer = curl(APPLICATION_TOKEN, REFRESH=pair["refreshToken"])

    assert (status, answer) == (403, {"msg": "Only users of type application can create application tokens"})


def test_wrong_credentials_are_404(client):
    for body in (
        b'{ "username": "username1", "password": "wrong"}',
        b'{ "username": "nobody", "password": "pwdTest"}',
    ):
        answer = client.ask("POST", "/api/users/login", [JSON], body)
        assert (answer.status, answer.body) == (404, b'{"msg":"Bad username or password"}\n')
        assert not answer.all("WWW-Authenticate")


PLACES = {"route": ("GET", "/api/stations"), "refresh": ("POST", "/api/users/refresh")}


@pytest.fixture(scope="module")
def flask():
    return FlaskItemPath()


@pytest.fixture(scope="module")
def tokens(running, flask):
    """Name to a token of the gateway's and one of Flask-JWT-Extended's, which came to the same."""
    client = PlainClient(running[1].port)
    brief = sign_in(client, "/brief")
    pair, revoked = sign_in(client), sign_in(client, username="username", password="password")
    native = client.post("/auth/login", {"username": "username", "password": "password"}).json
    assert client.ask("DELETE", "/auth/sessions", [bearer(native["access_token"])]).status == 204
    theirs = {name: make() for name, make in (("access", flask.access), ("refresh", flask.refresh))}
    ended = {name: make() for name, make in (("access", flask.access), ("refresh", flask.refresh))}
    flask.revoked |= {claims_of(token)["jti"] for token in ended.values()}
    old = {"access": flask.access(1), "refresh": flask.refresh(1)}
    time.sleep(2.1)
    made = {}
    for kind in ("access", "refresh"):
        made[kind] = pair[f"{kind}Token"], theirs[kind]
        made[f"expired {kind}"] = brief[f"{kind}Token"], old[kind]
        made[f"revoked {kind}"] = revoked[f"{kind}Token"], ended[kind]
        made[f"forged {kind}"] = theirs[kind], made[kind][0]
        made[f"unsigned {kind}"] = tuple(token.rpartition(".")[0] + "." for token in made[kind])
        made[f"cut {kind}"] = tuple(token.rpartition(".")[0] for token in made[kind])
    return made


REFUSED = {
    "route": {
        "refresh": 422,
        "expired access": 401,
        "expired refresh": 401,
        "revoked access": 401,
        "forged access": 422,
        "unsigned access": 422,
        "cut access": 422,
    },
    "refresh": {
        "access": 422,
        "expired access": 401,
        "expired refresh": 401,
        "revoked refresh": 401,
        "forged refresh": 422,
        "unsigned refresh": 422,
        "cut refresh": 422,
    },
}


@pytest.mark.parametrize(("place", "name"), [(place, name) for place, names in REFUSED.items() for name in names])
def test_flask_jwt_extended_refuses_the_same_token_alike(client, flask, tokens, place, name):
    ours, theirs = tokens[name]
    method, path = PLACES[place]
    own = path.replace("/api/users", "/brief") if name.startswith("expired") else path

    answer = client.ask(method, own, [bearer(ours)])

    assert (answer.status, answer.one("Content-Type"), answer.body) == flask.ask(method, path, f"Bearer {theirs}")
    assert answer.status == REFUSED[place][name]
    assert not answer.all("WWW-Authenticate")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic dXNlcm5hbWUxOnB3ZFRlc3Q=",
        "Bearer",
        "bearer a.b.c",
        "BEARER a.b.c",
        "Bearera.b.c",
        "a.b.c",
        "JWT a.b.c",
        "Bearer a b",
        "Bearer a.b.c d",
        "Bearer  garbage",
        "Bearer\tgarbage",
        "Bearer garbage",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer e30.e30.e30",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_flask_jwt_extended_refuses_the_same_header_alike(client, flask, erp, place, header):
    method, path = PLACES[place]

    answer = client.ask(method, path, [] if header is None else [("Authorization", header)])

    assert (answer.status, answer.one("Content-Type"), answer.body) == flask.ask(method, path, header)
    assert not answer.all("WWW-Authenticate")
    assert erp.seen == []


def test_an_access_token_opens_the_route_and_a_refresh_token_the_refresh_on_both_sides(client, flask, tokens):
    for place, kind in (("route", "access"), ("refresh", "refresh")):
        method, path = PLACES[place]
        ours, theirs = tokens[kind]
        assert client.ask(method, path, [bearer(ours)]).status == 200
        assert flask.ask(method, path, f"Bearer {theirs}")[0] == 200
