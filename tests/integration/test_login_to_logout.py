"""From a login to its end, over real sockets and the real store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD


@pytest.mark.parametrize("login", ["auth", "opaque"])
def test_login_forward_refresh_logout(shop, client, erp, login):
    first = shop.login(login=login)
    assert client.get("/mixed/x", bearer(first["access_token"])).status == 200

    second = client.post(f"/{login}/refresh", {"refresh_token": first["refresh_token"]}).json
    assert second["access_token"] != first["access_token"]
    assert client.get("/mixed/x", bearer(second["access_token"])).status == 200
    assert client.get("/mixed/x", bearer(first["access_token"])).status == 200

    assert client.post(f"/{login}/logout", None, bearer(second["access_token"])).status == 204
    for token in (first["access_token"], second["access_token"]):
        refused = client.get("/mixed/x", bearer(token))
        assert refused.status == 401
        assert refused.json["error"] == "invalid_token"
    assert client.post(f"/{login}/refresh", {"refresh_token": second["refresh_token"]}).status == 401
    assert len(erp.seen) == 3


def test_a_wrong_password_and_an_unknown_name_look_alike(client):
    answers = [
        client.post("/auth/login", {"username": name, "password": password}, ("X-Request-Id", "one"))
        for name, password in (("ada", "wrong"), ("nobody", PASSWORD))
    ]

    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].body == answers[1].body


def test_logging_out_one_session_leaves_the_others(shop, client):
    mine, other = shop.login("bob"), shop.login("bob")

    client.post("/auth/logout", None, bearer(mine["access_token"]))

    assert client.get("/mixed/x", bearer(other["access_token"])).status == 200


def test_a_user_ends_all_sessions_at_once(shop, client):
    first, second = shop.login("Zoë Ünal"), shop.login("Zoë Ünal", "opaque")
    assert client.get("/mixed/x", bearer(second["access_token"])).status == 200

    assert client.ask("DELETE", "/auth/sessions", [bearer(first["access_token"])]).status == 204

    for pair in (first, second):
        assert client.get("/mixed/x", bearer(pair["access_token"])).status == 401


def test_many_refreshes_at_once_log_nobody_out(shop, client):
    pair = shop.login()

    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda _: client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}), range(20))
        )

    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["access_token"] for answer in answers}) == 1
    assert client.get("/mixed/x", bearer(answers[0].json["access_token"])).status == 200


def test_an_oauth2_client_gets_a_token_of_its_own(shop, client, erp):
    form = b"grant_type=client_credentials&client_id=portal&client_secret=" + PASSWORD.replace(" ", "+").encode()

    answer = client.ask("POST", "/oauth2/token", [("Content-Type", "application/x-www-form-urlencoded")], form)

    assert answer.status == 200
    assert client.get("/sales/x", bearer(answer.json["access_token"])).status == 200
    assert erp.last.one("X-Auth-User-Id") == "portal"


def test_an_operator_ends_a_session_by_the_admin_api(shop, client):
    pair = shop.login()
    token = (shop.directory / "state" / "admin.token").read_text().strip()
    admin = PlainClient(shop.gateway.admin_port, host=f"127.0.0.1:{shop.gateway.admin_port}")
    listed = admin.get("/api/v1/sessions?provider=staff&user_id=101", bearer(token)).json["sessions"]
    newest = max(listed, key=lambda session: session["created"])["id"]
    public = client.get("/auth/me", bearer(pair["access_token"])).json["session_id"]

    assert admin.ask("DELETE", f"/api/v1/sessions/{newest}", [bearer(token)]).status == 200

    assert client.get("/mixed/x", bearer(pair["access_token"])).status == 401
    while f'"session":"{public}","ended":true' not in shop.written():
        pass
    assert newest not in shop.written()


def test_the_body_of_a_login_is_small(client):
    assert client.post("/auth/login", {"username": "ada", "password": "x" * 70_000}).status == 413


def test_endpoints_have_only_their_own_methods_and_hosts(client):
    assert client.get("/auth/login").one("Allow") == "POST"
    assert client.get("/auth/nothing").status == 404
    assert client.get("/auth/%6de").status == 401
    assert client.get("/AUTH/me").status == 404


def test_the_well_known_documents_are_there(client):
    assert client.get("/.well-known/jwks.json").status == 200
    metadata = client.get("/.well-known/oauth-authorization-server/oauth2").json
    assert metadata["issuer"] == "http://erp.example/oauth2"
