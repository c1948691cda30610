"""Odoo: refusals on HTTP 200, a cookie that rotates, and three ways to say that a session is over."""

import json

import pytest
from fakes.erp_rig import asking, provider
from fakes.odoo import DATABASE, Odoo, error, rpc
from fakes.token_rig import PASSWORD, ManualClock, call

from gateway.dialects.odoo_session import _FACTS
from gateway.errors import ErpNonsense, SelectionNeeded
from gateway.identity_providers import PROVIDERS
from gateway.identity_providers import odoo as module

JSON = {b"content-type": b"application/json; charset=utf-8"}


@pytest.fixture
def erp():
    fake = Odoo()
    yield fake
    fake.stop()


@pytest.fixture
async def known(erp, checks):
    async with asking(erp.port) as client:
        yield provider("odoo", client, ManualClock(), checks)


def test_all_that_the_dialect_passes_on_is_kept():
    assert set(_FACTS) <= set(module.TOLD)


@pytest.mark.parametrize(
    ("great_deal", "kept"),
    [({"user_companies": {"x": "y" * 20_000}}, {"uid", "name", "partner_id"}), ({"name": "y" * 20_000}, {"uid"})],
)
async def test_of_a_great_deal_only_the_most_needed_is_kept(erp, known, great_deal, kept):
    def told(fake, _):
        answer = rpc(1, result={"uid": 2, "name": "Ada", "partner_id": 3, "username": "ada", **great_deal})
        return fake._with_cookie(answer, "0123456789abcdef")

    erp.script("/web/session/authenticate", told)

    account = await known.verify("ada", PASSWORD, call())

    assert set(account.erp_session.facts) == kept


async def test_a_sign_in_keeps_the_cookie_and_nothing_else(erp, known):
    account = await known.verify("ada", PASSWORD, call())

    ((name, value),) = account.erp_session.cookies
    assert (name, erp.sessions[value]) == ("session_id", "ada")
    assert account.id == "2"
    facts = account.erp_session.facts
    assert (facts["uid"], facts["name"], facts["partner_id"], facts["user_context"]["tz"]) == (
        2,
        "Ada",
        3,
        "Europe/Brussels",
    )
    assert facts["user_companies"]["current_company"] == 1
    assert "cache_hashes" not in facts
    assert account.erp_session.headers == ()


async def test_the_session_of_an_old_odoo_is_in_the_body(erp, known):
    erp.old_body = True

    account = await known.verify("ada", PASSWORD, call())

    assert dict(account.erp_session.cookies)["session_id"] in erp.sessions


async def test_a_second_factor_is_no_wrong_password(erp, known):
    erp.second_factor.add("ada")

    with pytest.raises(SelectionNeeded):
        await known.verify("ada", PASSWORD, call())


async def test_until_odoo_12_a_wrong_password_is_no_user(erp, known):
    erp.script("/web/session/authenticate", lambda *_: module_rpc({"uid": False, "session_id": "s" * 40}))

    assert await known.verify("ada", "wrong", call()) is None


async def test_an_unknown_database_is_the_operators_fault(erp, checks):
    async with asking(erp.port) as client:
        elsewhere = provider("odoo", client, ManualClock(), checks, database="elsewhere")
        with pytest.raises(ErpNonsense, match="AccessError"):
            await elsewhere.verify("ada", PASSWORD, call())


async def test_an_error_on_our_side_of_odoo_is_no_wrong_password(erp, known):
    erp.script("/web/session/authenticate", lambda *_: error(1, "builtins.ValueError", "boom"))

    with pytest.raises(ErpNonsense):
        await known.verify("ada", PASSWORD, call())


@pytest.mark.parametrize("result", [{"uid": "2"}, {"uid": True}, [1], None])
async def test_a_result_without_a_user_is_nonsense(erp, known, result):
    erp.script("/web/session/authenticate", lambda *_: module_rpc(result))

    with pytest.raises(ErpNonsense):
        await known.verify("ada", PASSWORD, call())


async def test_a_cookie_that_is_none_is_nonsense(erp, known):
    erp.script("/web/session/authenticate", lambda *_: module_rpc({"uid": 2, "session_id": "a;b"}))

    with pytest.raises(ErpNonsense):
        await known.verify("ada", PASSWORD, call())


async def test_a_session_that_rotates_is_renewed_under_its_new_id(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.rotate_next = True

    renewed = await known.renew(session)

    assert renewed.cookies != session.cookies
    assert dict(renewed.cookies)["session_id"] in erp.sessions


async def test_a_live_session_stays_as_it_is(known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    assert await known.renew(session) == session
    assert await known.settle(session, {"tenant": "x"}) is session


async def test_whose_a_session_is_now_is_asked(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    assert await known.is_theirs(session)

    erp.sessions[dict(session.cookies)["session_id"]] = "bob"
    assert not await known.is_theirs(session)
    assert await known.renew(session) is None
    erp.expire_all()
    assert not await known.is_theirs(session)


async def test_a_redirect_to_the_login_page_ends_a_renewal(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script("/web/session/get_session_info", "redirect")

    assert await known.renew(session) is None


async def test_a_public_user_is_nobody(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script("/web/session/get_session_info", lambda *_: module_rpc({"uid": False}))

    assert await known.renew(session) is None


@pytest.mark.parametrize(
    ("status", "headers", "start", "said"),
    [
        (401, {}, None, True),
        (303, {b"location": b"/web/login?redirect=%2Fweb"}, None, True),
        (302, {b"location": b"https://erp.example/web/login"}, None, True),
        (303, {b"location": b"/fr/web/login"}, None, True),
        (303, {b"location": b"/fr_BE/web/login#x"}, None, True),
        (303, {b"location": b"/web/login_successful"}, None, False),
        (303, {b"location": b"/web"}, None, False),
        (303, {}, None, False),
        (200, JSON, None, None),
        (200, JSON, b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 100, "message": "Odoo Session Expired"', True),
        (200, JSON, b'{"jsonrpc":"2.0","id":null,"error":{"code":100,"message"', True),
        (200, JSON, b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error"', False),
        (200, JSON, b'{"jsonrpc": "2.0", "id": 1, "result": {"code": 100, "x": 1}}', False),
        (200, JSON, b"", False),
        (200, {b"content-type": b"text/html"}, None, False),
        (403, {}, None, False),
    ],
)
def test_how_odoo_says_that_a_session_is_over(status, headers, start, said):
    assert module.Odoo.says_expired(None, status, headers, start) is said


def test_the_registry_holds_it():
    assert PROVIDERS["odoo"] is module.Odoo
    assert DATABASE == "prod"


def module_rpc(result):
    from fakes.odoo import rpc

    return rpc(1, result=result)


@pytest.fixture
async def asked_by_rpc(checks):
    fake = Odoo()
    async with asking(fake.port) as client:
        yield fake, provider("odoo", client, ManualClock(), checks)
    fake.stop()


@pytest.mark.parametrize("secret", [PASSWORD, "a" * 40])
@pytest.mark.parametrize("who", ["ada", 2])
async def test_a_call_is_somebodys_by_password_or_key_and_opens_no_session(asked_by_rpc, who, secret):
    fake, known = asked_by_rpc

    account = await known.verify_rpc(who, secret, call())

    assert (account.id, account.name, account.erp_session) == ("2", "ada", None)
    assert fake.sessions == {}


@pytest.mark.parametrize("who", ["ada", 2, "nobody", 99])
async def test_a_call_with_a_wrong_password_is_nobodys(asked_by_rpc, who):
    assert await asked_by_rpc[1].verify_rpc(who, "wrong", call()) is None


@pytest.mark.parametrize(
    ("who", "result"),
    [("ada", True), ("ada", "2"), (2, [{"id": 3, "login": "bob"}]), (2, [{"login": "bob"}]), (2, None)],
)
async def test_an_answer_about_somebody_else_is_nonsense(asked_by_rpc, who, result):
    fake, known = asked_by_rpc
    fake.script("/jsonrpc", lambda fake, request: rpc(1, result=result))

    with pytest.raises(ErpNonsense):
        await known.verify_rpc(who, PASSWORD, call())


@pytest.mark.parametrize("result", [[{"id": 2}], [{"id": 7, "name": "Azure"}], [], {"by": "a module"}, True])
async def test_who_may_not_read_his_login_is_known_by_his_uid(asked_by_rpc, result):
    fake, known = asked_by_rpc
    fake.script("/jsonrpc", lambda fake, request: rpc(1, result=result))

    account = await known.verify_rpc(2, PASSWORD, call())

    assert (account.id, account.name) == ("2", "2")


async def test_a_uid_is_asked_about_by_the_method_that_odoo_documents(asked_by_rpc):
    fake, known = asked_by_rpc

    await known.verify_rpc(2, PASSWORD, call())

    [asked] = fake.asked_for("/jsonrpc")
    assert json.loads(asked.body)["params"]["method"] == "execute_kw"
