"""The service account of an upstream: signed in once for all, and never a client's fault."""

import asyncio
from dataclasses import replace

import pytest
from fakes.erp_rig import asking, provider
from fakes.jmix import Jmix
from fakes.token_fixtures import checks, clock
from fakes.waiting import eventually

from gateway.errors import ErpDown, Unavailable
from gateway.model import ErpSession, spawn
from gateway.upstream.service_account import ServiceAccount

__all__ = ["checks", "clock"]


@pytest.fixture
def erp():
    fake = Jmix()
    yield fake
    fake.stop()


@pytest.fixture
async def account(erp, clock, checks):
    async with asking(erp.port) as client:
        yield ServiceAccount(provider("jmix", client, clock, checks), "ada", "correct horse", clock)


async def test_all_requests_share_one_sign_in(erp, account):
    assert account.held() is None

    got = await asyncio.gather(*(account.get() for _ in range(10)))

    assert set(got) == {account.held()}
    assert len(erp.asked) == 1


async def test_it_is_renewed_and_where_that_is_over_signed_in_again(erp, account):
    first = await account.get()
    second = await account.renew(first)
    erp.expire_all()
    third = await account.renew(second)

    assert await account.renew(first) is third
    assert third.lines.decode().split()[2] in erp.access
    assert len({first.version, second.version, third.version}) == 3


@pytest.mark.parametrize("why", ["wrong", "locked"])
async def test_an_account_that_is_refused_is_not_tried_again_at_once(erp, account, why, caplog):
    if why == "wrong":
        erp.users["ada"] = "changed"
    else:
        erp.locked.add("ada")

    for _ in range(3):
        with pytest.raises(Unavailable):
            await account.get()

    assert len(erp.asked) == 1
    assert "service account" in caplog.text
    assert "correct horse" not in caplog.text


async def test_an_erp_that_is_down_is_tried_again(erp, account):
    erp.script("/oauth/token", "error")

    with pytest.raises(ErpDown):
        await account.get()

    assert (await account.get()).is_fresh


async def test_a_session_that_the_erp_changed_is_used_from_then_on(account):
    first = await account.get()
    account.adopt(first, ErpSession(cookies=(("session_id", "new"),)))
    await eventually(lambda: account.held() is not first)
    account.adopt(first, ErpSession(cookies=(("session_id", "too late"),)))
    account.adopt(account.held(), account.held().erp)
    await asyncio.sleep(0)

    assert account.held().cookie == b"session_id=new"


class Other:
    """A provider whose session has become somebody else's, or that cannot say."""

    name = "erp"

    def __init__(self, error=None):
        self.error, self.asked = error, 0

    async def is_theirs(self, _):
        self.asked += 1
        if self.error is not None:
            raise self.error
        return False


@pytest.mark.parametrize("error", [None, Unavailable("away")])
async def test_a_session_that_one_of_its_users_made_their_own_is_not_everybodys(account, clock, error):
    """An API key that calls the ERP's own login would change who all of them are."""
    held = await account.get()
    provider = Other(error)
    shared = ServiceAccount(provider, "ada", "correct horse", clock)
    shared.go_on_with(held)

    shared.adopt(held, ErpSession(cookies=(("session_id", "new"),)))
    await eventually(lambda: provider.asked)
    await asyncio.sleep(0)

    assert shared.held() is held


async def test_the_account_of_a_new_configuration_goes_on_with_the_session_of_the_old_one(erp, account, clock):
    held = await account.get()
    after = ServiceAccount(account._provider, "ada", "correct horse", clock)
    assert after.same_as(account)

    account.hand_over(after)

    assert after.held() is account.held() is held
    renewed = await account.renew(held)  # by a request under way
    assert after.held() is renewed
    account.adopt(renewed, replace(renewed.erp, cookies=(("a", "b"),)))
    await eventually(lambda: after.held() is not renewed)
    assert after.held() is account.held()
    assert [each.path for each in erp.asked] == ["/oauth/token", "/oauth/token"]


async def test_a_sign_in_under_way_is_the_new_account_s(erp, account, clock):
    signing_in = spawn(account.get(), name="sign-in")
    await asyncio.sleep(0)
    after = ServiceAccount(account._provider, "ada", "correct horse", clock)

    account.hand_over(after)

    assert await signing_in is after.held()


async def test_another_name_or_password_is_another_account(account, clock):
    assert not ServiceAccount(account._provider, "bob", "correct horse", clock).same_as(account)
    assert not ServiceAccount(account._provider, "ada", "changed", clock).same_as(account)


async def test_an_account_that_ends_is_signed_out_and_stays_out(erp, account):
    await account.end()
    assert erp.asked == [], "it had not signed in"
    with pytest.raises(Unavailable):
        await account.get()


async def test_what_an_account_held_opens_nothing_after_its_end(erp, account):
    held = await account.get()

    await account.end()

    assert held.lines.decode().split()[2] not in erp.access
    assert account.held() is None


async def test_an_erp_that_is_down_at_the_end_is_told_in_the_log_alone(erp, account, caplog):
    await account.get()
    erp.script("/oauth/revoke", "error")

    await account.end()

    assert "left to expire by itself" in caplog.text
