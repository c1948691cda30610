"""Jmix: opaque tokens of both generations, and a client of the gateway's own that may be the one at fault."""

import pytest
from aiohttp import web
from fakes.erp_rig import asking, provider
from fakes.jmix import Jmix, refuse
from fakes.token_rig import PASSWORD, START, ManualClock, call

from gateway.errors import AccountLocked, ErpNonsense
from gateway.identity_providers import PROVIDERS
from gateway.identity_providers import jmix as module


@pytest.fixture(params=["/oauth", "/oauth2"])
def erp(request):
    fake = Jmix(path=request.param)
    yield fake
    fake.stop()


@pytest.fixture
async def known(erp, checks):
    async with asking(erp.port) as client:
        yield provider("jmix", client, ManualClock(), checks, path=erp.path)


async def test_a_sign_in_keeps_both_tokens_and_knows_their_life(erp, known):
    account = await known.verify("ada", PASSWORD, call())

    session = account.erp_session
    assert (account.id, account.name) == ("ada", "ada")
    assert session.headers == (("Authorization", f"Bearer {session.secrets['access']}"),)
    assert erp.refresh[session.secrets["refresh"]] == "ada"
    assert session.renew_at == START + 43199 - 60


async def test_a_refresh_token_that_stays_is_kept(known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    renewed = await known.renew(session)

    assert renewed.secrets["refresh"] == session.secrets["refresh"]
    assert renewed.secrets["access"] != session.secrets["access"]


async def test_a_refresh_token_that_rotates_is_replaced(erp, known):
    erp.rotates = True
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    renewed = await known.renew(session)

    assert erp.refresh[renewed.secrets["refresh"]] == "ada"
    assert await known.renew(session) is None


async def test_without_a_refresh_token_there_is_no_renewal(erp, known):
    erp.gives_refresh = False
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    assert await known.renew(session) is None
    await known.destroy(session)
    assert erp.access == {}


async def test_a_wrong_client_of_ours_is_never_the_users_fault(erp, checks):
    async with asking(erp.port) as client:
        stranger = provider("jmix", client, ManualClock(), checks, path=erp.path, client_secret="wrong")
        with pytest.raises(ErpNonsense, match="client_id"):
            await stranger.verify("ada", PASSWORD, call())


async def test_a_renewal_with_a_wrong_client_ends_nothing(erp, known, checks):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    async with asking(erp.port) as client:
        stranger = provider("jmix", client, ManualClock(), checks, path=erp.path, client_secret="wrong")
        with pytest.raises(ErpNonsense):
            await stranger.renew(session)


@pytest.mark.parametrize("text", ["User is disabled", "User account has expired", "User account is locked"])
async def test_a_shut_account_is_told_apart(erp, known, text):
    erp.script(f"{erp.path}/token", lambda *_: refuse(400, "invalid_grant", text))

    with pytest.raises(AccountLocked):
        await known.verify("ada", PASSWORD, call())


async def test_an_expired_refresh_token_of_1x_ends_the_session(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    erp.script(f"{erp.path}/token", lambda *_: refuse(401, "invalid_token", "Invalid refresh token (expired): x"))

    assert await known.renew(session) is None


async def test_a_missing_password_is_a_wrong_one(erp, known):
    erp.script(f"{erp.path}/token", lambda *_: refuse(400, "invalid_request", "OAuth 2.0 Parameter: password"))

    assert await known.verify("ada", "", call()) is None


@pytest.mark.parametrize("status", [201, 403, 404, 405])
async def test_other_statuses_are_nonsense(erp, known, status):
    erp.script(f"{erp.path}/token", lambda *_: web.json_response({"error": "x"}, status=status))

    with pytest.raises(ErpNonsense):
        await known.verify("ada", PASSWORD, call())


async def test_nothing_is_left_to_choose(known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session

    assert await known.settle(session, {"role": "x"}) is session


def test_the_registry_holds_it():
    assert PROVIDERS["jmix"] is module.Jmix
