"""Passwords in calls: asked once, kept shortly, and never a way around the count."""

from dataclasses import replace

import pytest
from fakes.token_rig import call

from gateway.authn.sources import RpcCall
from gateway.broker.protection import Protection
from gateway.broker.rpc_logins import KEPT_SECONDS, MOST_KEPT, RpcLogins
from gateway.errors import Banned, ErpDown, Forbidden, LoginRejected
from gateway.model import Account
from gateway.state.attempts import Attempts, Limits

CALL = call()


class StillOdoo:
    name = "erp"
    database = "prod"

    def __init__(self):
        self.asked = []
        self.fails = None

    async def verify_rpc(self, who, password, call):
        self.asked.append(who)
        if self.fails is not None:
            raise self.fails
        return Account("erp", "2", "ada", roles=("staff",)) if password == "right" else None


class Door:
    def __init__(self, store, clock):
        self.erp = StillOdoo()
        self.audited = []
        self.now = 0.0
        protection = Protection(Attempts(store.calls, store.keys, clock), self._audit)
        limits = Limits(max_failures=3, window=60.0, ban=90.0)
        self.logins = RpcLogins(self.erp, protection, limits, self._audit, lambda: self.now)

    async def try_(self, password="right", who="ada", address="192.0.2.1", database="prod"):
        asked = RpcCall(1, database, who, password, is_login=True)
        return await self.logins.verified(asked, "jsonrpc", replace(CALL, client_address=address))

    async def fail(self, times, **where):
        for _ in range(times):
            with pytest.raises(LoginRejected):
                await self.try_("wrong", **where)

    def _audit(self, event, /, **fields):
        self.audited.append((event, fields))


@pytest.fixture
def door(store, clock):
    return Door(store, clock)


async def test_the_erp_is_asked_once_in_a_while(door):
    first = await door.try_()
    assert await door.try_() is first
    assert (first.identity.user_id, first.identity.method, first.identity.roles) == ("2", "jsonrpc", {"staff"})
    assert door.erp.asked == ["ada"]

    door.now += KEPT_SECONDS
    await door.try_()

    assert door.erp.asked == ["ada", "ada"]


async def test_another_password_user_or_address_is_another_question(door):
    await door.try_()
    await door.fail(1)
    await door.try_(who=2)
    await door.try_(address="192.0.2.9")

    assert door.erp.asked == ["ada", "ada", 2, "ada"]


async def test_nothing_of_a_password_is_kept_that_could_be_read(door):
    await door.try_()

    (kept,) = door.logins._kept.values()
    assert len(kept.digest) == 32
    assert b"right" not in kept.digest
    assert "right" not in repr(door.audited)


async def test_a_wrong_password_ends_what_was_kept_so_that_no_guess_is_free(door):
    await door.try_()
    await door.fail(3)

    with pytest.raises(Banned):
        await door.try_()
    assert ("login", "banned") in [(event, fields.get("result")) for event, fields in door.audited]


async def test_a_password_known_elsewhere_does_not_open_a_ban(door):
    await door.try_()
    await door.fail(3, address="192.0.2.9")

    with pytest.raises(Banned):
        await door.try_(address="192.0.2.9")


async def test_an_outage_is_neither_counted_nor_kept(door):
    door.erp.fails = ErpDown("down")
    for _ in range(5):
        with pytest.raises(ErpDown):
            await door.try_()
    door.erp.fails = None

    assert (await door.try_()).identity.user == "ada"


async def test_another_database_is_not_asked_about(door):
    with pytest.raises(Forbidden):
        await door.try_(database="other")
    assert door.erp.asked == []


async def test_what_is_kept_is_bounded(door):
    for number in range(MOST_KEPT):
        door.logins._kept[("jsonrpc", number, "")] = None

    await door.try_()

    assert len(door.logins._kept) == MOST_KEPT
    assert ("jsonrpc", 0, "") not in door.logins._kept
