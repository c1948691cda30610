"""Odoo's web session over real sockets: what counts, what is refused and how, and what the ERP gets to see."""

import json

import pytest
from fakes.plain_client import bearer

EVIL = ("Origin", "https://evil.example")
JSON = ("Content-Type", "application/json")


def session_id(cookie):
    return cookie[1].partition("=")[2]


@pytest.mark.parametrize("rpc_id", [7, "r7", None, 1.5])
@pytest.mark.parametrize(
    ("path", "code"),
    [("/web/dataset/call_kw", 100), ("/jsonrpc", 100), ("/web/database/drop", 100), ("/web/database/manager", 100)],
)
def test_a_route_refuses_in_json_rpc_under_the_id_that_was_sent(site, path, code, rpc_id):
    answer = site.call(path, {}, rpc_id=rpc_id)

    assert (answer.status, list(answer.json)) == (200, ["jsonrpc", "id", "error"])
    assert (answer.json["id"], answer.json["error"]["code"]) == (rpc_id, code)
    assert site.erp.asked == []


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"id": 3, "id": 4}'])
def test_where_no_id_can_be_read_it_is_null(site, body):
    answer = site.client.ask("POST", "/web/dataset/call_kw", [JSON], body)

    assert (answer.status, answer.json["id"], answer.json["error"]["code"]) == (200, None, 100)


def test_a_large_upload_without_a_session_is_refused_without_being_read(site):
    answer = site.client.ask("POST", "/web/dataset/call_kw", [JSON], b'{"id": 1}' + b" " * 200_000)

    assert (answer.status, answer.json["error"]["code"]) == (200, 100)


@pytest.mark.parametrize("path", ["/web/webclient/version_info", "/web/database/list"])
def test_what_clients_ask_before_they_log_in_is_open(site, path):
    assert "result" in site.call(path).json


def test_the_id_rotates_at_login_and_logout_and_the_former_session_is_over(site):
    first = site.login()
    second = site.login("username", first)
    assert session_id(first) != session_id(second)
    assert site.call("/web/session/check", {}, first).json["error"]["code"] == 100
    assert site.call("/web/session/check", {}, second).json == {"jsonrpc": "2.0", "id": 1}

    gone = site.call("/web/session/destroy", {}, second)

    assert gone.json == {"jsonrpc": "2.0", "id": 1}
    third = ("Cookie", gone.one("Set-Cookie").partition(";")[0])
    assert session_id(third) not in {session_id(first), session_id(second)}
    for dead in (second, third):
        assert site.call("/web/dataset/call_kw", {}, dead).json["error"]["code"] == 100


def test_logging_in_beside_another_users_session_ends_it_and_opens_ones_own(site):
    theirs = site.login("other")

    mine = site.login("username", theirs)

    assert site.call("/web/dataset/call_kw", {}, mine).json["result"]["who"]["User"] == "username"
    assert site.call("/web/session/check", {}, theirs).json["error"]["code"] == 100


def test_logout_is_a_redirect_and_the_session_is_over(site):
    cookie = site.login()

    answer = site.client.get("/web/session/logout?redirect=//evil.example/", cookie)

    assert (answer.status, answer.one("Location")) == (303, "/odoo")
    assert site.call("/web/session/check", {}, cookie).json["error"]["code"] == 100


def test_session_info_is_told_as_long_as_the_session_lives(site):
    cookie = site.login()

    answer = site.call("/web/session/get_session_info", {}, cookie)

    assert (answer.json["result"]["uid"], answer.json["result"]["db"]) == (2, "odoo_production")
    assert answer.one("Set-Cookie").startswith(f"session_id={session_id(cookie)}; Expires=")


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize(
    ("path", "reaches"),
    [
        ("/web/x", "while it lives"),
        ("/mixed/x", "by its bearer"),
        ("/mixed/open", "always"),
        ("/machines/x", "never"),
        ("/takeover/x", "by its bearer"),
        ("/public/x", "always"),
    ],
)
def test_our_cookie_never_reaches_the_erp_and_others_do(site, path, reaches, alive):
    name, value = site.login()
    if not alive:
        site.call("/web/session/destroy", {}, (name, value))
    token = site.client.post("/auth/login", {"username": "username", "password": "password"}).json["access_token"]
    explicit = [bearer(token)] if reaches == "by its bearer" else []
    site.erp.asked.clear()

    site.call(path, {}, *explicit, (name, f"frontend_lang=en_US; {value}; cids=1"))

    arrived = reaches != "never" and (alive or reaches != "while it lives")
    assert [each.headers["cookie"] for each in site.erp.asked] == ["frontend_lang=en_US; cids=1"] * arrived
    assert session_id((name, value)) not in str(site.erp.asked)


@pytest.mark.parametrize("path", ["/mixed/open", "/takeover/x", "/public/x"])
def test_what_the_erp_sets_under_our_name_is_kept_from_the_browser(site, path):
    answer = site.call(path, {}, ("Cookie", "session_id=theirs"))

    assert answer.status == 200
    assert answer.all("Set-Cookie") == []
    assert answer.json["result"]["cookie"] == "session_id=theirs", "a foreign one is the ERP's own affair"


def test_an_explicit_credential_counts_alone(site):
    token = site.client.post("/auth/login", {"username": "other", "password": "password"}).json["access_token"]
    cookie = site.login()

    told = site.call("/mixed/x", {}, cookie, bearer(token)).json["result"]
    assert (told["who"]["User"], told["who"]["Method"]) == ("other", "bearer")
    assert site.call("/mixed/x", {}, cookie, bearer("nonsense")).status == 401
    assert site.call("/mixed/x", {}, cookie).json["result"]["who"]["Method"] == "cookie"


def test_an_access_token_of_another_login_is_no_cookie(site):
    token = site.client.post("/auth/login", {"username": "other", "password": "password"}).json["access_token"]

    assert site.call("/mixed/x", {}, ("Cookie", f"session_id={token}")).status == 401
    assert site.erp.asked == []


@pytest.mark.parametrize("value", ["", "x", "a" * 84, '"', "\xff"])
def test_a_cookie_that_is_not_ours_is_no_credential_at_all(site, value):
    cookie = ("Cookie", f"session_id={value}")

    assert site.call("/mixed/open", {}, cookie).json["result"]["who"]["User"] is None
    assert site.call("/mixed/x", {}, cookie).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        [EVIL],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "cross-site"), EVIL],
        [("Sec-Fetch-Site", "same-site"), ("Origin", "https://shop.erp.example")],
        [("Origin", "null")],
    ],
)
def test_what_another_site_makes_a_browser_send_is_refused(site, headers):
    cookie = site.login()
    site.erp.asked.clear()

    spelled = site.call("/web/dataset/call_kw", {}, cookie, *headers)
    plain = site.call("/mixed/x", {}, cookie, *headers)

    assert (spelled.status, spelled.json["id"]) == (200, 1)
    assert spelled.json["error"]["data"]["name"] == "odoo.exceptions.AccessError"
    assert plain.status == 403
    assert site.erp.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        [("Sec-Fetch-Site", "same-origin"), ("Origin", "http://erp.example")],
        [("Sec-Fetch-Site", "none")],
        [("Origin", "http://erp.example")],
        [],
    ],
)
def test_what_our_own_pages_send_is_not(site, headers):
    assert "result" in site.call("/web/dataset/call_kw", {}, site.login(), *headers).json


def test_a_websocket_under_a_cookie_is_opened_by_our_own_pages_only(site):
    asked = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "a2V5"), site.login()]

    assert site.client.get("/mixed/x", *asked, EVIL).status == 403
    assert site.client.get("/mixed/x", *asked, ("Origin", "http://erp.example")).status != 403


def test_the_whole_story_is_told_without_secrets(site):
    cookie = site.login()
    site.call("/web/dataset/call_kw", {}, cookie)
    site.call("/web/session/authenticate", {"db": "x", "login": "username", "password": "a-wrong-secret"})
    site.call("/web/session/destroy", {}, cookie)

    entry = site.gateway.logged("/web/dataset/call_kw")
    written = json.dumps(site.gateway.access_log()) + site.gateway.stderr + (site.directory / "audit.log").read_text()
    assert entry["route"] == "web"
    assert session_id(cookie) not in written
    assert "a-wrong-secret" not in written


@pytest.mark.parametrize("kind", ["none", "form", "dead cookie"])
def test_a_page_without_a_session_leads_to_the_login_page(site, kind):
    """A report that is downloaded without a session must not look like a file: real Odoo redirects, too."""
    if kind == "form":
        answer = site.client.ask(
            "POST", "/report/pdf/7?x=1", [("Content-Type", "application/x-www-form-urlencoded")], b"a=1"
        )
    elif kind == "none":
        answer = site.client.get("/report/pdf/7?x=1")
    else:
        cookie = site.login()
        site.call("/web/session/destroy", {}, cookie)
        answer = site.client.get("/report/pdf/7?x=1", cookie)

    assert answer.status == 303
    assert answer.one("Location") == "/web/login?redirect=%2Freport%2Fpdf%2F7%3Fx%3D1"
    assert answer.one("Content-Type") == "text/html; charset=utf-8"
    assert answer.all("Set-Cookie") == []
    assert site.client.get("/web/login").status == 200, "the whitelist opens it"


def test_a_form_under_the_cookie_goes_to_odoo_as_it_came(site):
    """Routes for pages want Odoo's own CSRF token: it is a field of the form, and none of the gateway's business.

    The fake reads JSON; what matters are the bytes.
    """
    sent = b'{"csrf_token": "d1o4", "params": {}}'

    answer = site.client.ask(
        "POST", "/web/binary/upload", [JSON, site.login(), ("Sec-Fetch-Site", "same-origin")], sent
    )

    assert answer.status == 200
    assert site.erp.asked[-1].body == sent


def test_the_api_of_plain_json_is_refused_in_plain_json(site):
    answer = site.client.post("/json/2/res.partner/search_read", {"domain": []}, bearer("no-key"))

    assert (answer.status, answer.one("WWW-Authenticate")) == (401, "bearer")
    assert answer.json["name"] == "werkzeug.exceptions.Unauthorized"


def test_the_session_may_come_in_the_header_that_older_clients_send(site):
    sid = session_id(site.login())
    site.erp.asked.clear()

    told = site.call("/web/dataset/call_kw", {}, ("X-Openerp-Session-Id", sid)).json["result"]
    both = site.call("/web/dataset/call_kw", {}, ("X-Openerp-Session-Id", sid), ("Cookie", f"session_id={sid}"))
    over = site.call("/web/session/destroy", {}, ("X-Openerp-Session-Id", sid))

    assert (told["who"]["User"], told["who"]["Method"]) == ("username", "cookie")
    assert "result" in both.json
    assert over.json == {"jsonrpc": "2.0", "id": 1}
    assert site.call("/web/dataset/call_kw", {}, ("X-Openerp-Session-Id", sid)).json["error"]["code"] == 100
    assert sid not in str(site.erp.asked)


def test_one_of_odoos_own_ids_in_that_header_goes_to_odoo_as_its_cookie(site):
    told = site.call("/public/x", {}, ("X-Openerp-Session-Id", "0123abcd" * 5)).json["result"]

    assert told["cookie"] == f"session_id={'0123abcd' * 5}"
    assert "x-openerp-session-id" not in site.erp.asked[-1].headers


@pytest.mark.parametrize("path", ["/web/x", "/mixed/open", "/public/x"])
def test_our_session_id_in_an_address_goes_to_no_erp_and_is_no_credential(site, path):
    """Odoo until 15 reads it there, before the cookie."""
    cookie = site.login()
    site.erp.asked.clear()

    site.call(f"{path}?session_id={session_id(cookie)}&a=1", {}, cookie)
    alone = site.call(f"/web/x?session_id={session_id(cookie)}", {})
    site.call(f"{path}?session_id=theirs", {}, cookie)

    assert alone.json["error"]["code"] == 100
    assert [each.query for each in site.erp.asked] == ["a=1", "session_id=theirs"]
