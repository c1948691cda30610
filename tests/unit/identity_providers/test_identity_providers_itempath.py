"""ItemPath: 404 for a wrong password, a refresh whose method nobody wrote down, and no logout."""

from math import inf

import pytest
from aiohttp import web
from fakes.erp_rig import asking, provider
from fakes.itempath import ItemPath
from fakes.token_rig import PASSWORD, START, ManualClock, call

from gateway.errors import AccountLocked, ErpNonsense
from gateway.identity_providers import PROVIDERS
from gateway.identity_providers import itempath as module


@pytest.fixture(params=["POST", "GET"])
def erp(request):
    fake = ItemPath(refresh_method=request.param)
    yield fake
    fake.stop()


@pytest.fixture
async def known(erp, checks):
    async with asking(erp.port) as client:
        yield provider("itempath", client, ManualClock(), checks)


async def test_a_sign_in_keeps_the_refresh_token_and_knows_the_life_of_the_other(known):
    account = await known.verify("ada", PASSWORD, call())

    assert (account.id, account.name) == ("1", "ada")
    assert account.erp_session.renew_at == START + 840
    assert set(account.erp_session.secrets) == {"refresh"}


async def test_the_refresh_is_asked_for_by_either_method(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    renewed = await known.renew(session)

    assert renewed.headers != session.headers
    assert renewed.secrets == session.secrets
    assert erp.asked_for("/api/users/refresh")[-1].method == erp.refresh_method


async def test_the_documented_answer_without_a_user_is_enough(erp, known):
    tokens = {"login": True, "accessToken": "a.b.c", "refreshToken": "d.e.f"}
    erp.script("/api/users/login", lambda *_: web.json_response(tokens))

    account = await known.verify("ada", PASSWORD, call())

    assert (account.id, account.name) == ("ada", "ada")


async def test_a_login_that_is_false_is_a_wrong_password(erp, known):
    erp.script("/api/users/login", lambda *_: web.json_response({"login": False}))

    assert await known.verify("ada", PASSWORD, call()) is None


@pytest.mark.parametrize(
    ("status", "error"), [(403, AccountLocked), (423, AccountLocked), (400, ErpNonsense), (204, ErpNonsense)]
)
async def test_other_statuses_are_told_apart(erp, known, status, error):
    erp.script("/api/users/login", lambda *_: web.Response(status=status))

    with pytest.raises(error):
        await known.verify("ada", PASSWORD, call())


async def test_an_unexpected_status_ends_no_session(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script("/api/users/refresh", lambda *_: web.Response(status=404))

    with pytest.raises(ErpNonsense):
        await known.renew(session)


async def test_a_user_of_type_application_may_have_a_session_without_an_end(erp, known):
    erp.applications.add("ada")
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    endless = await known.endless(session)

    assert endless.renew_at == inf
    assert endless.headers != session.headers
    asked = len(erp.asked)
    assert await known.renew(endless) is None, "there is nothing to renew it with"
    assert len(erp.asked) == asked


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
async def test_others_may_not_whatever_itempath_says(erp, known, status):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script("/api/users/application-token", lambda *_: web.Response(status=status))

    assert await known.endless(session) is None


async def test_an_application_token_that_makes_no_sense_is_nonsense(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script("/api/users/application-token", lambda *_: web.Response(status=201), "list")

    for _ in range(2):
        with pytest.raises(ErpNonsense):
            await known.endless(session)


async def test_nothing_is_left_to_choose_and_nothing_to_destroy(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    asked = len(erp.asked)

    assert await known.settle(session, {"role": "x"}) is session
    await known.destroy(session)
    assert len(erp.asked) == asked


def test_the_registry_holds_it():
    assert PROVIDERS["itempath"] is module.ItemPath
