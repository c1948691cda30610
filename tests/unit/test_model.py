"""The shared nouns keep secrets to themselves, and tasks alive."""

import asyncio
import gc

from gateway.model import Account, Call, Reply, Session, TokenPair, spawn

SESSION = Session(id="s1", login="native", provider="staff", user_id="101", user="GardenAdmin", created=1.0)


class Named:
    def __init__(self, name):
        self.name = name


def test_no_repr_shows_a_token_a_password_or_a_cookie():
    pair = TokenPair(SESSION, "the-access", 900, "the-refresh")
    call = Call("POST", "/auth/login", "access_token=the-query", {"cookie": "the-cookie"}, b"the-password")
    reply = Reply(200, b"the-body", ((b"Set-Cookie", b"the-reply-cookie"),))

    assert "the-" not in repr(pair) + repr(call) + repr(reply)


def test_a_user_with_one_tenant_gets_it_and_with_several_none():
    one, two = Named("GardenWorld"), Named("System")

    assert Account("staff", "101", "GardenAdmin", tenants=(one,)).default_tenant == "GardenWorld"
    assert Account("staff", "101", "GardenAdmin", tenants=(one, two)).default_tenant == ""
    assert Account("staff", "101", "GardenAdmin").default_tenant == ""


async def test_a_spawned_task_runs_to_its_end_though_nobody_holds_it():
    done = asyncio.Event()

    async def work():
        await asyncio.sleep(0)
        gc.collect()
        done.set()

    spawn(work(), name="work")
    gc.collect()

    await asyncio.wait_for(done.wait(), 5)
