"""Dialect `odoo`, to the byte."""

import json
import re

import pytest
from fakes.still_broker import ACCOUNT, IDENTITY, PAIR, SESSION, StillBroker
from fakes.token_rig import ManualClock, call, header, still

from gateway.dialects.contract import SpellsByRequest
from gateway.dialects.odoo import Odoo
from gateway.errors import CredentialsRejected, NotFound, Reason, SelectionNeeded
from gateway.model import CookieRule, TokenKind

JSON = {"content_type": "application/json"}
NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
JSON_HEADERS = ((b"Content-Type", b"application/json; charset=utf-8"), *NO_STORE)
HTML_HEADERS = ((b"Content-Type", b"text/html; charset=utf-8"), *NO_STORE)
LOGIN = b'{"jsonrpc":"2.0","method":"call","params":{"db":"prod","login":"ada","password":"right"},"id":%b}'
COOKIE = b"session_id=%b; Expires=Fri, 22 Jan 2027 08:00:00 GMT; Max-Age=604800; HttpOnly; Path=/"
EXPIRED = (
    b'"error": {"code": 100, "message": "Odoo Session Expired", "data": {"name": "odoo.http.SessionExpiredException", '
    b'"debug": "odoo.http.SessionExpiredException: Session expired\\n", "message": "Session expired", '
    b'"arguments": ["Session expired"], "context": {}}}}'
)
DENIED = (
    b'"error": {"code": %d, "message": "Odoo Server Error", "data": {"name": "odoo.exceptions.AccessDenied", '
    b'"debug": "odoo.exceptions.AccessDenied: Access Denied\\n", "message": "Access Denied", '
    b'"arguments": ["Access Denied"], "context": {}}}}'
)
NO_DATABASE = (
    b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": '
    b'{"name": "odoo.exceptions.AccessError", "debug": "odoo.exceptions.AccessError: Database not found.\\n", '
    b'"message": "Database not found.", "arguments": ["Database not found."], "context": {}}}}'
)


class CookieBroker(StillBroker):
    """Knows one session id, which only the dialect can make."""

    sid = b""

    async def authenticate(self, token):
        return await super().authenticate(b"ACCESS" if token == self.sid else token)

    async def live(self, token, *kinds):
        return await super().live(b"ACCESS" if token == self.sid else token, *kinds)


class Asked:
    """A dialect over a still broker, and one live session id."""

    def __init__(self, **options):
        self.broker = CookieBroker()
        self.dialect = still(Odoo, "/web/session", self.broker, options, clock=ManualClock(1_800_000_000.25))
        ids = self.dialect._ids
        self.sid = ids.mint(TokenKind.ACCESS, SESSION, 0, 1)
        self.dead = ids.mint(TokenKind.ACCESS, SESSION, 0, 1)
        self.broker.sid = self.sid.encode()
        self.live = {"cookie": f"a=1; session_id={self.sid}", **JSON}

    async def __call__(self, suffix, body=b'{"id": 1}', method="POST", query="", **headers):
        handler = self.dialect.endpoints()[method, suffix]
        return await handler(call(method, f"/web/session{suffix}", body, query, **headers))

    @property
    def done(self):
        return [what for what, *_ in self.broker.asked]


@pytest.fixture
def ask():
    return Asked()


def without_session_id(value):
    return re.sub(rb"session_id=[A-Za-z0-9_-]{84};", b"session_id=SID;", value)


@pytest.mark.parametrize(
    ("sent", "echoed"), [(b"7", b"7"), (b'"r7"', b'"r7"'), (b"null", b"null"), (b"1.5", b"1.5"), (b"false", b"false")]
)
async def test_a_login_answers_session_info_and_the_cookie(ask, sent, echoed):
    reply = await ask("/authenticate", LOGIN % sent, **JSON)

    assert reply.status == 200
    assert reply.body == (
        b'{"jsonrpc": "2.0", "id": %b, "result": {"uid": 101, "session_id": "ACCESS", "is_system": false, '
        b'"is_admin": false, "is_public": false, "user_context": {"lang": "en_US", "tz": "UTC", "uid": 101}, "db": "", '
        b'"server_version": "18.0", "server_version_info": [18, 0, 0, "final", 0, ""], "name": "ada", "username": "ada", '
        b'"company_id": null, "partner_id": null, "user_companies": {"current_company": null, "allowed_companies": {}}, '
        b'"web.base.url": "https://gate.example"}}' % echoed
    )
    assert reply.headers == (*JSON_HEADERS, (b"Set-Cookie", COOKIE % b"ACCESS"))
    verified, opened = ask.broker.asked
    assert verified == ("verify_password", "ada", "right", None)
    context = {"odoo": {"company_id": 1, "lang": "", "db": "prod", "partner_id": None}}
    assert (opened[0], opened[1], opened[2].tenant, dict(opened[2].context), opened[4]) == (
        "open", ACCOUNT, None, context, False,
    )  # fmt: skip


async def test_without_an_id_it_is_null(ask):
    reply = await ask("/authenticate", LOGIN.replace(b',"id":%b', b""), **JSON)

    assert reply.body.startswith(b'{"jsonrpc": "2.0", "id": null, "result": {"uid": 101, ')


async def test_newer_versions_tell_neither_session_id_nor_company_id():
    reply = await Asked(session_info=[])("/authenticate", LOGIN % b"1", **JSON)

    assert not {"session_id", "company_id"} & set(json.loads(reply.body)["result"])


@pytest.mark.parametrize("more", [b'"base_location":"https://erp.example",', b'"x":1,'])
async def test_other_params_are_ignored(ask, more):
    reply = await ask("/authenticate", (LOGIN % b"1").replace(b'"db"', more + b'"db"'), **JSON)

    assert b'"uid": 101' in reply.body


@pytest.mark.parametrize("kind", ["application/json", "application/json-rpc", "application/json; charset=utf-8"])
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_json_comes_under_two_names_and_with_any_method(ask, kind, method):
    reply = await ask("/authenticate", LOGIN % b"1", method, content_type=kind)

    assert b'"uid": 101' in reply.body


@pytest.mark.parametrize("code", [200, 0])
@pytest.mark.parametrize(
    ("sent", "becomes"),
    [
        (b'"right"', b'"wrong"'),
        (b'"ada"', b'"nobody"'),
        (b'"right"', b'""'),
        (b'"right"', b"null"),
        (b'"right"', b"17"),
        (b'"ada"', b"{}"),
        (b'"ada"', b'"a\\u0000"'),
        (b'"ada"', b'"' + b"a" * 257 + b'"'),
    ],
)
async def test_a_wrong_name_or_password_is_http_200_access_denied(code, sent, becomes):
    reply = await Asked(error_code=code)("/authenticate", (LOGIN % b"1").replace(sent, becomes), **JSON)

    assert (reply.status, reply.body) == (200, b'{"jsonrpc": "2.0", "id": 1, ' + DENIED % code)
    assert reply.headers == JSON_HEADERS


@pytest.mark.parametrize("named", [b'"neither"', b'""', b"null", b"false", b"7", b'["prod"]'])
async def test_an_unknown_database_is_said_before_the_password_is_looked_at(named):
    ask = Asked(databases=["prod", "test"])

    reply = await ask("/authenticate", (LOGIN % b"1").replace(b'"prod"', named), **JSON)

    assert (reply.status, reply.body, ask.done) == (200, NO_DATABASE, [])


async def test_any_database_will_do_unless_they_are_listed(ask):
    body = (LOGIN % b"1").replace(b'"prod"', b'"whatever"')

    assert b'"uid": 101' in (await ask("/authenticate", body, **JSON)).body
    assert b'"uid": 101' in (await Asked(databases=["whatever"])("/authenticate", body, **JSON)).body


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (b"{}", "Session.authenticate() missing 3 required positional arguments: 'db', 'login', and 'password'"),
        (b'{"db":"x"}', "Session.authenticate() missing 2 required positional arguments: 'login' and 'password'"),
        (b'{"db":"x","login":"y"}', "Session.authenticate() missing 1 required positional argument: 'password'"),
        (b"[]", "params must be an object"),
        (b"null", "params must be an object"),
    ],
)
async def test_params_that_are_missing_are_a_python_error_as_in_odoo(ask, params, told):
    reply = await ask("/authenticate", b'{"params": %b, "id": 1}' % params, **JSON)

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error["message"]) == (200, 200, "Odoo Server Error")
    assert (error["data"]["name"], error["data"]["message"]) == ("builtins.TypeError", told)
    assert ask.done == []


async def test_a_second_factor_is_no_uid(ask):
    async def asks_for_more(*_):
        raise SelectionNeeded

    ask.broker.verify_password = asks_for_more

    reply = await ask("/authenticate", LOGIN % b"1", **JSON)

    assert reply.body == b'{"jsonrpc": "2.0", "id": 1, "result": {"uid": null}}'
    assert reply.headers == JSON_HEADERS


async def test_a_login_ends_the_session_that_the_browser_had(ask):
    reply = await ask("/authenticate", LOGIN % b"1", **ask.live)

    assert reply.status == 200
    assert ask.done == ["verify_password", "open", "authenticate", "logout"]


async def test_a_failed_login_leaves_the_session_that_the_browser_had(ask):
    await ask("/authenticate", (LOGIN % b"1").replace(b"right", b"wrong"), **ask.live)

    assert ask.done == ["verify_password"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"id": 1, "id": 2}', b"\xff"])
@pytest.mark.parametrize("suffix", ["/authenticate", "/get_session_info", "/check", "/destroy"])
async def test_invalid_json_is_a_real_400(ask, suffix, body):
    reply = await ask(suffix, body, **ask.live)

    assert (reply.status, reply.body, reply.headers) == (400, b"Invalid JSON data", HTML_HEADERS)


async def test_json_that_is_no_object_is_a_real_400(ask):
    reply = await ask("/check", b"[]", **ask.live)

    assert (reply.status, reply.body, reply.headers) == (400, b"Invalid JSON-RPC data", HTML_HEADERS)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_another_content_type_is_a_real_400_as_no_browser_sends_json_unasked(ask, kind):
    reply = await ask("/destroy", b'{"id": 1}', **{**ask.live, "content_type": kind})

    assert (reply.status, reply.headers, ask.done) == (400, HTML_HEADERS, [])
    assert reply.body == (
        b"<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>Request inferred "
        b"type is compatible with [&#x27;http&#x27;] but &#x27;/web/session/destroy&#x27; is type=&#x27;json&#x27;.</p>\n"
    )


async def test_session_info_is_told_again_and_the_cookie_handed_out_again(ask):
    ask.broker.pair = PAIR

    reply = await ask("/get_session_info", b'{"id": "x"}', **ask.live)

    assert json.loads(reply.body)["result"]["session_id"] == ask.sid
    assert reply.body.startswith(b'{"jsonrpc": "2.0", "id": "x", "result": {"uid": 101, ')
    assert reply.headers == (*JSON_HEADERS, (b"Set-Cookie", COOKIE % ask.sid.encode()))
    assert ask.done == ["authenticate", "slide", "live"]


async def test_a_check_has_no_result(ask):
    reply = await ask("/check", **ask.live)

    assert (reply.status, reply.body, reply.headers) == (200, b'{"jsonrpc": "2.0", "id": 1}', JSON_HEADERS)
    assert ask.done == ["authenticate", "slide"]


async def test_destroy_has_no_result_and_gives_the_browser_an_id_that_is_nobodys(ask):
    reply = await ask("/destroy", **ask.live)

    assert (reply.status, reply.body) == (200, b'{"jsonrpc": "2.0", "id": 1}')
    *rest, (name, cookie) = reply.headers
    assert (tuple(rest), name, without_session_id(cookie)) == (JSON_HEADERS, b"Set-Cookie", COOKIE % b"SID")
    assert ask.sid.encode() not in cookie
    assert ask.broker.asked[-1] == ("logout", IDENTITY.session_id)


@pytest.mark.parametrize("suffix", ["/get_session_info", "/check", "/destroy"])
@pytest.mark.parametrize("which", ["none", "garbage", "dead", "of nobody", "two", "bearer"])
async def test_no_session_is_code_100(ask, suffix, which):
    headers = {
        "none": {},
        "garbage": {"cookie": "session_id=" + "a" * 84},
        "dead": {"cookie": f"session_id={ask.dead}"},
        "of nobody": {"cookie": f"session_id={ask.dialect._ids.nobodys()}"},
        "two": {"cookie": f"session_id={ask.sid}; session_id={ask.dead}"},
        "bearer": {"authorization": f"Bearer {ask.sid}"},
    }[which]

    reply = await ask(suffix, b'{"id": 5}', **JSON, **headers)

    assert (reply.status, reply.body) == (200, b'{"jsonrpc": "2.0", "id": 5, ' + EXPIRED)
    assert reply.headers == JSON_HEADERS
    assert "logout" not in ask.done


async def test_the_same_id_twice_is_one(ask):
    reply = await ask("/check", cookie=f"session_id={ask.sid}; session_id={ask.sid}", **JSON)

    assert reply.body == b'{"jsonrpc": "2.0", "id": 1}'


async def test_a_logout_is_a_redirect(ask):
    reply = await ask("/logout", b"", "GET", "redirect=%2Fweb%2Flogin%3Fdb%3Dprod", cookie=f"session_id={ask.sid}")

    assert reply.status == 303
    assert reply.body == (
        b"<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        b"<p>You should be redirected automatically to the target URL: "
        b'<a href="/web/login?db=prod">/web/login?db=prod</a>. If not, click the link.\n'
    )
    *rest, (name, cookie) = reply.headers
    assert tuple(rest) == (*HTML_HEADERS, (b"Location", b"/web/login?db=prod"))
    assert (name, without_session_id(cookie)) == (b"Set-Cookie", COOKIE % b"SID")
    assert ask.done == ["authenticate", "logout"]


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("", "/odoo"),
        ("redirect=", "/odoo"),
        ("redirect=/", "/"),
        ("redirect=/web%23action=1", "/web#action=1"),
        ("a=b&redirect=/web", "/web"),
        ("redirect=//evil.example", "/odoo"),
        ("redirect=%2F%2Fevil.example", "/odoo"),
        ("redirect=/%5Cevil.example", "/odoo"),
        ("redirect=%5C%5Cevil.example", "/odoo"),
        ("redirect=https://evil.example/web", "/odoo"),
        ("redirect=https:evil.example", "/odoo"),
        ("redirect=javascript:alert(1)", "/odoo"),
        ("redirect=web", "/odoo"),
        ("redirect=/%0d%0aSet-Cookie:x", "/odoo"),
        ("redirect=/%09/evil.example", "/odoo"),
        ("redirect=%20/web", "/odoo"),
        ("redirect=/a+b", "/odoo"),
        ("redirect=/%3Cscript%3E", "/odoo"),
        ("redirect=/%22onclick", "/odoo"),
        ("redirect=/%C3%A9", "/odoo"),
        ("redirect=/web&redirect=//evil.example", "/odoo"),
        ("redirect=/%zz", "/odoo"),
        ("redirect=/%ff", "/odoo"),
        ("redirect=/" + "a" * 2048, "/odoo"),
    ],
)
async def test_a_logout_leads_to_a_plain_path_of_this_origin_only(ask, query, location):
    reply = await ask("/logout", b"", "GET", query)

    assert reply.status == 303
    assert header(reply, "Location") == location


@pytest.mark.parametrize(("version", "location"), [("17.0", "/web"), ("18.0", "/odoo"), ("saas~18.2", "/odoo")])
async def test_where_a_logout_leads_depends_on_the_version(version, location):
    assert header(await Asked(server_version=version)("/logout", b"", "GET"), "Location") == location


async def test_a_logout_without_a_session_is_a_redirect_all_the_same(ask):
    reply = await ask("/logout", b"", "GET", cookie=f"session_id={ask.dead}")

    assert reply.status == 303
    assert "logout" not in ask.done


async def test_a_picture_on_a_foreign_page_logs_nobody_out_and_a_link_there_does(ask):
    picture = {"cookie": f"session_id={ask.sid}", "sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}

    reply = await ask("/logout", b"", "GET", **picture)
    assert (reply.status, header(reply, "Set-Cookie"), ask.done) == (303, None, [])

    await ask("/logout", b"", "GET", **{**picture, "sec_fetch_mode": "navigate"})
    assert ask.done == ["authenticate", "logout"]


@pytest.mark.parametrize("suffix", ["/authenticate", "/get_session_info", "/check", "/destroy", "/logout"])
async def test_a_store_that_is_away_is_a_503_and_takes_no_cookie_away(ask, suffix):
    ask.broker.away = True

    reply = await ask(suffix, LOGIN % b"3", "GET", **ask.live)

    assert (reply.status, header(reply, "Retry-After"), header(reply, "Set-Cookie")) == (503, "1", None)
    assert reply.failure
    rpc_id = b"null" if suffix == "/logout" else b"3"
    assert reply.body.startswith(b'{"jsonrpc": "2.0", "id": %b, "error": {"code": 200, ' % rpc_id)


async def test_a_store_that_goes_away_after_the_login_does_not_undo_it(ask):
    async def away(_):
        ask.broker.away = True
        ask.broker._ask("authenticate")

    ask.broker.authenticate = away

    assert b'"uid": 101' in (await ask("/authenticate", LOGIN % b"1", **ask.live)).body


@pytest.mark.parametrize(
    ("body", "rpc_id"),
    [(b'{"id": 9}', b"9"), (b'{"id": "z"}', b'"z"'), (b"", b"null"), (None, b"null"), (b"a=b", b"null")],
)
def test_a_refusal_of_a_route_bears_the_id_of_the_request(ask, body, rpc_id):
    reply = ask.dialect.refuse(CredentialsRejected(reason=Reason.EXPIRED), body, "req-1")

    assert (reply.status, reply.body) == (200, b'{"jsonrpc": "2.0", "id": %b, ' % rpc_id + EXPIRED)
    assert b'"code": 404' in ask.dialect.refuse(NotFound(), body).body


def test_what_routes_need_to_know_of_it(ask):
    assert isinstance(ask.dialect, SpellsByRequest)
    assert ask.dialect.cookie == CookieRule("session_id", 604800, header="x-openerp-session-id")
    assert ask.dialect.reading.never_open == (("/web/database/**", "/web/database/list"),)
    assert ask.dialect.well_known() == {}


def test_the_cookie_may_be_bound_more_tightly_than_odoo_does():
    assert Asked(cookie_secure=True, cookie_samesite="Lax").dialect.cookie == CookieRule(
        "session_id", 604800, secure=True, same_site="Lax", header="x-openerp-session-id"
    )
    assert Asked(cookie_samesite="None").dialect.cookie.secure  # browsers take no other


def test_the_session_lives_a_week_from_its_last_use():
    policy = Odoo.policy("https://gate.example/web/session", "https://gate.example", Odoo.Options())

    assert (policy.access_ttl, policy.refresh_ttl, policy.absolute_ttl) == (604800, 0, float("inf"))
    assert (policy.format, policy.sliding_access) == ("opaque", True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"error_code": 100},
        {"session_info": ["password"]},
        {"server_version": "new"},
        {"db": "x"},
        {"cookie_samesite": "x"},
    ],
)
def test_a_switch_has_only_its_own_values(wrong):
    with pytest.raises(ValueError):
        Odoo.Options.model_validate(wrong)


@pytest.mark.parametrize(("written", "read"), [("0", 0), ("200", 200), (0, 0)])
def test_a_number_is_read_from_a_configuration_which_has_texts_only(written, read):
    assert Odoo.Options.model_validate({"error_code": written}).error_code == read


@pytest.mark.parametrize("cookie", [None, "session_id=nobody's", "session_id={sid}", "lang=en"])
async def test_the_session_may_come_in_a_header_of_its_own(ask, cookie):
    """Clients without a cookie jar take the id from the body and send it so, some of them beside the cookie."""
    headers = {} if cookie is None else {"cookie": cookie.format(sid=ask.sid)}

    reply = await ask("/check", b'{"id": 1}', x_openerp_session_id=ask.sid, **headers, **JSON)
    dead = await ask("/check", b'{"id": 1}', x_openerp_session_id=ask.dead, **JSON)

    assert reply.body == b'{"jsonrpc": "2.0", "id": 1}'
    assert b'"code": 100' in dead.body


DAY = 86_400.0


@pytest.fixture
def lived(rig_with, clock):
    """Asks the endpoints over a real store; the cookie is kept as a browser would."""
    rig = rig_with(dialects={"odoo": (Odoo, "/web/session", {})})
    login = rig.logins["odoo"]
    jar = {}

    async def lived(suffix, body=b'{"id": 1}'):
        headers = {"cookie": f"session_id={jar['sid']}"} if jar else {}
        reply = await login.handler("POST", suffix)(call("POST", f"/web/session{suffix}", body, **JSON, **headers))
        set_cookie = header(reply, "Set-Cookie")
        if set_cookie:
            jar["sid"] = set_cookie.partition(";")[0].partition("=")[2]
        return json.loads(reply.body)

    lived.rig, lived.jar, lived.clock = rig, jar, clock
    return lived


USER = b'{"params":{"db":"prod","login":"ada","password":"correct horse"},"id":1}'


async def test_a_session_in_use_lives_on_and_one_that_is_not_ends_after_a_week(lived):
    assert (await lived("/authenticate", USER))["result"]["username"] == "ada"

    for _ in range(4):
        lived.clock.advance(6.9 * DAY)
        assert "error" not in await lived("/check")
    lived.clock.advance(7.1 * DAY)

    assert (await lived("/check"))["error"]["code"] == 100


async def test_a_session_id_is_never_kept_and_opens_nothing_after_its_end(lived):
    await lived("/authenticate", USER)
    first = lived.jar["sid"]
    await lived("/authenticate", USER)
    second = lived.jar["sid"]
    assert first != second

    assert (await lived("/get_session_info"))["result"]["session_id"] == second
    assert await lived("/destroy") == {"jsonrpc": "2.0", "id": 1}

    for sid in (first, second, lived.jar["sid"]):
        lived.jar["sid"] = sid
        assert (await lived("/get_session_info"))["error"]["code"] == 100


async def test_what_was_chosen_at_login_is_told_again_later(lived):
    told = (await lived("/authenticate", USER))["result"]

    assert {**(await lived("/get_session_info"))["result"], "session_id": ""} == {**told, "session_id": ""}
    assert (told["db"], told["company_id"]) == ("prod", 11)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (call("POST", "/web/dataset/call_kw", b'{"id": 9}', content_type="application/json"), 200),
        (call("GET", "/web/dataset/call_kw", b'{"id": 9}', content_type="application/json; charset=utf-8"), 200),
        (call("GET", "/odoo"), 303),
        (call("POST", "/web/binary/upload", b"a=1", content_type="application/x-www-form-urlencoded"), 303),
        (call("POST", "/json/2/res.partner/read", b"{}", content_type="application/json"), 401),
        (call("GET", "/json/2/res.partner/read"), 401),
        (None, 200),
    ],
)
def test_a_refusal_of_a_route_is_made_for_what_was_asked(ask, asked, status):
    reply = ask.dialect.refuse_call(CredentialsRejected(), asked)

    assert reply.status == status
    if asked is not None and status == 200:
        assert b'"id": 9' in reply.body
