"""Tryton: what its login may say, and whose address it is told."""

from base64 import b64decode

import pytest
from aiohttp import web
from fakes.erp_rig import asking, provider
from fakes.fake_tryton import FakeTryton, unauthorized
from fakes.token_rig import PASSWORD, ManualClock, call

from gateway.errors import ErpNonsense, SelectionNeeded

RPC = "/erp/rpc/"


@pytest.fixture
def erp():
    fake = FakeTryton()
    yield fake
    fake.stop()


@pytest.fixture
async def known(erp, checks):
    async with asking(erp.port) as client:
        yield provider("tryton", client, ManualClock(), checks)


def says(**members):
    return lambda *_: web.json_response({"id": 1, **members})


async def test_a_session_is_name_id_and_key_in_one_header(erp, known):
    account = await known.verify("ada", PASSWORD, call())

    ((name, value),) = account.erp_session.headers
    (key,) = erp.sessions
    assert (account.id, account.name, name) == ("1", "ada", "Authorization")
    assert b64decode(value.removeprefix("Session ")).decode() == f"ada:1:{key}"


async def test_a_name_may_hold_what_separates_and_letters_of_any_script(erp, known):
    erp.users["ä:d:a"] = PASSWORD

    session = (await known.verify("ä:d:a", PASSWORD, call())).erp_session

    assert await known.renew(session) is session


async def test_a_database_is_one_segment_of_the_path(erp, checks):
    async with asking(erp.port) as client:
        await provider("tryton", client, ManualClock(), checks, database="a/b?c").verify("ada", PASSWORD, call())

    assert (erp.asked[-1].path, erp.asked[-1].query) == ("/a/b?c/rpc/", "")


async def test_a_database_that_is_not_there_is_not_the_users_fault(erp, known):
    erp.script(RPC, lambda *_: web.Response(status=404))

    with pytest.raises(ErpNonsense, match="is the database right"):
        await known.verify("ada", PASSWORD, call())


async def test_an_account_that_wants_more_than_a_password_is_told_apart(erp, known):
    erp.script(RPC, says(error=["LoginException", ["sms_code", "SMS code", "char"]]))

    with pytest.raises(SelectionNeeded):
        await known.verify("ada", PASSWORD, call())


@pytest.mark.parametrize(
    "members",
    [
        {"error": ["UserError", ["no", "", None]]},
        {"error": None},
        {"result": None},
        {"result": [1]},
        {"result": [True, "k" * 64, None]},
        {"result": ["1", "k" * 64, None]},
        {"result": [1, None, None]},
        {"result": [1, "k\r\nX: y", None]},
        {},
    ],
)
async def test_a_login_without_a_session_makes_no_sense(erp, known, members):
    erp.script(RPC, says(**members))

    with pytest.raises(ErpNonsense):
        await known.verify("ada", PASSWORD, call())


async def test_renewal_and_logout_come_from_the_users_address(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    await known.renew(session)
    await known.destroy(session)

    assert [asked.headers["x-forwarded-for"] for asked in erp.asked] == ["192.0.2.7"] * 3
    assert erp.sessions == {}


async def test_a_logout_of_a_session_that_is_over_is_as_good(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.expire_all()

    await known.destroy(session)


async def test_an_error_of_a_method_is_none_of_the_sessions(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script(RPC, says(error=["something broke", ""]))

    assert await known.renew(session) is session


@pytest.mark.parametrize("status", [401, 403])
async def test_a_session_that_is_not_known_is_over(erp, known, status):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script(RPC, lambda *_: unauthorized() if status == 401 else web.Response(status=403))

    assert await known.renew(session) is None
