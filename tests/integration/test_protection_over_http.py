"""Password guessing against a running gateway, and who is shut out by an operator."""

import base64
import os
import subprocess
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.log_lines import entries
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import LOGINS, PASSWORD
from fakes.waiting import eventually

CONFIG = """\
server: {{trusted_proxies: [{trusted}]}}
logs: {{access: ./access.log, audit: ./audit.log}}
store: {{timeout: 10s}}  # a slow disk under all tests at once is no outage
{logins}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /orders/**, upstream: erp}}
"""


def basic(secret):
    told = base64.b64encode(f"portal:{urllib.parse.quote(secret)}".encode()).decode()
    return ("Authorization", f"Basic {told}")


BASIC = basic(PASSWORD)
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture
def start(erp, tmp_path):
    """A gateway of the test's own: bans outlive a test."""
    started = []

    def start(trusted="127.0.0.1"):
        config = CONFIG.format(trusted=trusted, logins=LOGINS, port=erp.port)
        started.append(GatewayProcess(tmp_path, config).start())
        return started[-1]

    yield start
    for gateway in started:
        gateway.stop()


class Person:
    """Somebody behind a trusted proxy, with an address of his own."""

    def __init__(self, gateway, address):
        self._client = PlainClient(gateway.port)
        self._from = ("X-Forwarded-For", address)

    def login(self, password, user="ada"):
        return self._client.post("/auth/login", {"username": user, "password": password}, self._from)

    def token(self, password, user="ada"):
        form = urllib.parse.urlencode({"grant_type": "password", "username": user, "password": password})
        return self._client.ask("POST", "/oauth2/token", [FORM, BASIC, self._from], form.encode())

    def client_token(self, secret):
        body = b"grant_type=client_credentials"
        return self._client.ask("POST", "/oauth2/token", [FORM, basic(secret), self._from], body)

    def orders(self, token):
        return self._client.get("/orders/7", bearer(token), self._from).status


def audit(gateway, event):
    return [entry for entry in entries(gateway.directory / "audit.log") if entry["event"] == event]


def cli(gateway, *words):
    command = [sys.executable, "-m", "gateway", *words]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environ["GATEWAY_ADMIN_LISTEN"] = f"127.0.0.1:{gateway.admin_port}"
    return subprocess.run(command, cwd=gateway.directory, env=environ, capture_output=True, text=True, check=False)


def test_five_wrong_passwords_ban_the_account_from_there_in_every_login(start):
    gateway = start()
    guesser, owner = Person(gateway, "198.51.100.1"), Person(gateway, "198.51.100.2")

    answers = [guesser.login("wrong") for _ in range(5)]
    banned, elsewhere = guesser.login(PASSWORD), guesser.token(PASSWORD)

    assert [answer.status for answer in answers] == [401] * 5
    assert (banned.status, banned.json["error"]) == (429, "too_many_requests")
    assert 890 <= int(banned.one("Retry-After")) <= 900
    assert (elsewhere.status, elsewhere.one("Cache-Control")) == (429, "no-store")
    assert int(elsewhere.one("Retry-After")) > 800
    assert owner.login(PASSWORD).status == 200, "nobody locks another out"
    assert guesser.login(PASSWORD, "bob").status == 200


def test_a_guesser_is_not_told_that_a_client_s_secret_is_right_however_lately_it_was_used(start):
    gateway = start()
    guesser, owner = Person(gateway, "198.51.100.1"), Person(gateway, "198.51.100.2")
    assert [owner.client_token(PASSWORD).status, guesser.client_token(PASSWORD).status] == [200, 200]

    answers = [guesser.client_token("wrong").status for _ in range(5)]

    assert answers == [401] * 5
    assert guesser.client_token(PASSWORD).status == 429
    assert owner.client_token(PASSWORD).status == 200


def test_two_hundred_wrong_passwords_at_once_are_five_checks(start):
    gateway = start()
    guesser = Person(gateway, "198.51.100.1")

    with ThreadPoolExecutor(200) as crowd:
        statuses = [answer.status for answer in crowd.map(guesser.login, ["wrong"] * 200)]

    assert statuses.count(401) == 5
    assert statuses.count(429) == 195


def test_right_passwords_at_once_all_pass(start):
    person = Person(start(), "198.51.100.1")

    with ThreadPoolExecutor(20) as crowd:
        statuses = [answer.status for answer in crowd.map(person.login, [PASSWORD] * 20)]

    assert statuses == [200] * 20


def test_an_address_that_tries_everybody_is_banned(start):
    gateway = start()
    sprayer = Person(gateway, "2001:db8:0:1::1")
    for number in range(50):
        assert sprayer.login("wrong", f"user{number}").status == 401

    assert Person(gateway, "2001:db8:0:1:ffff::2").login(PASSWORD).status == 429
    assert Person(gateway, "2001:db8:0:2::1").login(PASSWORD).status == 200


def test_a_proxy_that_is_not_trusted_is_warned_of_once_and_not_banned(start):
    gateway = start(trusted="")
    for number in range(51):
        Person(gateway, f"198.51.100.{number}").login("wrong", f"user{number}")

    assert Person(gateway, "198.51.100.99").login(PASSWORD).status == 200
    assert gateway.stderr.count("127.0.0.1 sends X-Forwarded-For and is not in server.trusted_proxies") == 1


async def test_a_ban_is_audited_counted_and_survives_a_restart(start):
    gateway = start()
    guesser = Person(gateway, "198.51.100.1")
    guesser.login(PASSWORD)
    for _ in range(5):
        guesser.login("my bank password by mistake", "ada")
    guesser.login("wrong")
    metrics = PlainClient(gateway.admin_port, host="localhost").get("/metrics").body.decode()
    gateway.stop()

    assert 'gateway_logins_total{login="native",result="banned"} 1' in metrics
    assert 'gateway_bans_total{scope="account"} 1' in metrics
    (ban,) = audit(gateway, "banned")
    assert (ban["user_id"], ban["client"], ban["seconds"]) == ("101", "198.51.100.1", 900)
    assert "bank" not in (gateway.directory / "audit.log").read_text() + gateway.stderr

    gateway.start()
    assert guesser.login(PASSWORD).status == 429


@pytest.mark.parametrize(
    ("before", "after", "login", "orders"),
    [
        ("username: ada, id: 101,", "username: ada, id: 101, locked: true,", 401, 401),
        ("username: ada, id: 101,", "username: eve, id: 105,", 401, 401),
        ("roles: [sales, ", "roles: [clerk, ", 200, 200),
    ],
    ids=["locked", "removed", "re-roled"],
)
async def test_what_becomes_of_a_listed_user_counts_after_the_reload(start, erp, before, after, login, orders):
    gateway = start()
    person = Person(gateway, "198.51.100.1")
    pair = person.login(PASSWORD).json
    assert person.orders(pair["access_token"]) == 200
    config = gateway.directory / "config.yaml"
    assert before in config.read_text()
    config.write_text(config.read_text().replace(before, after))

    assert cli(gateway, "reload").returncode == 0

    assert person.orders(pair["access_token"]) == orders
    assert person.login(PASSWORD).status == login
    if orders == 200:
        assert erp.last.one("X-Auth-Roles") == "big%2C boss,clerk"
    refreshed = PlainClient(gateway.port).post("/auth/refresh", {"refresh_token": pair["refresh_token"]})
    assert refreshed.status == login


@pytest.mark.parametrize(
    ("words", "survivors"),
    [
        (["--user", "ADA"], {"bob"}),
        (["--provider", "staff", "--user-id", "101"], {"bob"}),
        (["--tenant", "GardenWorld"], {"bob"}),
        (["--all"], set()),
    ],
)
async def test_an_operator_ends_sessions_and_their_refresh_tokens_at_once(start, words, survivors):
    """What iDempiere's process "Expire Refresh Tokens" does, for access tokens, too."""
    gateway = start()
    person = Person(gateway, "198.51.100.1")
    pairs = {user: person.login(PASSWORD, user).json for user in ("ada", "bob")}
    assert {person.orders(pair["access_token"]) for pair in pairs.values()} == {200}

    ended = cli(gateway, "sessions", "revoke", *words)

    assert (ended.returncode, ended.stdout) == (0, "revoked\n"), ended.stderr
    for user, pair in pairs.items():
        lives = user in survivors
        assert person.orders(pair["access_token"]) == (200 if lives else 401)
        refreshed = PlainClient(gateway.port).post("/auth/refresh", {"refresh_token": pair["refresh_token"]})
        assert refreshed.status == (200 if lives else 401)
    assert person.login(PASSWORD).status == 200, "a new login counts"
    assert await eventually(lambda: audit(gateway, "sessions_ended"))


async def test_an_operator_lets_a_banned_user_in_again(start):
    gateway = start()
    here, there = Person(gateway, "198.51.100.1"), Person(gateway, "2001:db8::7")
    for _ in range(5):
        here.login("wrong")
        there.login("wrong", "bob")
    assert here.login(PASSWORD).status == there.login(PASSWORD, "bob").status == 429

    first, second = cli(gateway, "bans", "list").stdout.splitlines()
    assert first.startswith("198.51.100.1  staff user")
    assert second.startswith("2001:db8::  staff user")
    lifted = cli(gateway, "bans", "lift", "--user", "ADA")

    assert (lifted.returncode, lifted.stdout) == (0, "1 lifted\n"), lifted.stderr
    assert here.login(PASSWORD).status == 200
    assert there.login(PASSWORD, "bob").status == 429
    assert cli(gateway, "bans", "lift", "--address", "2001:db8::1").stdout == "1 lifted\n"
    assert there.login(PASSWORD, "bob").status == 200
    assert await eventually(lambda: len(audit(gateway, "bans_lifted")) == 2)


def test_an_operator_who_mistypes_a_name_is_told(start):
    gateway = start()

    ended = cli(gateway, "sessions", "revoke", "--user", "adda")

    assert ended.returncode == 1
    assert "404" in ended.stderr
