"""A store that is away, slow, hung, starting or restarted, and callers that vanish. On both servers."""

import asyncio
import random
import time

import pytest
from fakes.records import access, digest, refresh, rotation, session
from fakes.waiting import eventually

from gateway.config.secret import Secret
from gateway.config.store import StoreConfig
from gateway.errors import StoreUnavailable
from gateway.state.connect import open_store
from gateway.state.records import Outcome, TokenRecord


async def open_everything(store, clock, count=1):
    for number in range(count):
        whole = session(f"s{number}", clock, user_id=f"u{number}")
        await store.open_session(whole, [access(f"a{number}", clock), refresh(f"r{number}", clock)])


def calls_of(store, clock):
    """Every public step, as a table."""
    return {
        "open_session": lambda: store.open_session(session("x", clock), [access("x", clock)]),
        "find_token": lambda: store.find_token(digest("a0")),
        "find_refresh": lambda: store.find_refresh(digest("r0")),
        "add_tokens": lambda: store.add_tokens("s0", [access("x", clock)]),
        "rotate": lambda: store.rotate(rotation("s0", "r0", "x", clock)),
        "session": lambda: store.session("s0"),
        "sessions_of": lambda: store.sessions_of("staff", "u0"),
        "revoke_session": lambda: store.revoke_session("s0", "x"),
        "revoke_token": lambda: store.revoke_token(digest("a0")),
        "revoke_user": lambda: store.revoke_user("staff", "u0", "x"),
        "revoke_tenant": lambda: store.revoke_tenant("GardenWorld", "x"),
        "revoke_all": lambda: store.revoke_all("x"),
    }


@pytest.mark.parametrize("url", ["unix:///nowhere/at/all.sock", "redis://127.0.0.1:1", "rediss://127.0.0.1:1"])
async def test_a_refused_connection_is_an_outage_at_once(clock, url):
    """redis-py's defaults would take 3.7 s to say so."""
    store = open_store(StoreConfig(url=url), clock=clock)
    began = time.monotonic()

    assert not await store.ping()
    for step in calls_of(store, clock).values():
        with pytest.raises(StoreUnavailable):
            await step()

    assert time.monotonic() - began < 3
    await store.close()


async def test_a_hung_store_is_an_outage_within_the_timeout_and_consumes_nothing(own_server, clock):
    store, hasty = own_server.connect(clock), own_server.connect(clock, timeout=0.1)
    await open_everything(store, clock)

    own_server.pause()
    for name, step in calls_of(hasty, clock).items():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await step()
        assert time.monotonic() - began < 2, name
    assert not await store.ping()
    own_server.kill()
    own_server.start()
    await eventually(store.ping)

    assert await store.find_token(digest("a0"))
    assert (await store.rotate(rotation("s0", "r0", "x", clock))).outcome is Outcome.ROTATED
    await store.close()


async def test_waiting_callers_do_not_queue_up_behind_a_hung_store(own_server, clock):
    store = own_server.connect(clock, timeout=0.2)
    await eventually(store.ping)
    own_server.pause()
    began = time.monotonic()

    results = await asyncio.gather(*(store.find_token(digest("a")) for _ in range(500)), return_exceptions=True)

    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert time.monotonic() - began < 5
    await store.close()


async def test_a_rotation_whose_answer_was_lost_can_be_asked_again(own_server, clock):
    store, hasty = own_server.connect(clock), own_server.connect(clock, timeout=0.2)
    await open_everything(store, clock)
    same = rotation("s0", "r0", "n", clock, grace=0.0)
    own_server.pause()
    with pytest.raises(StoreUnavailable):
        await hasty.rotate(same)
    own_server.resume()

    assert (await store.rotate(same)).outcome is Outcome.ROTATED
    assert await store.find_token(digest("n.access"))
    await store.close()
    await hasty.close()


async def test_a_store_that_comes_up_later_is_used_without_further_ado(own_server, clock):
    own_server.kill()
    store = own_server.connect(clock)
    assert not await store.ping()

    own_server.start()

    assert await store.ping()
    await open_everything(store, clock)
    assert await store.find_token(digest("a0"))
    await store.close()


async def test_nothing_that_was_acknowledged_is_lost_with_the_server(own_server, clock):
    store = own_server.connect(clock)
    await open_everything(store, clock, 20)
    await store.rotate(rotation("s0", "r0", "n", clock))
    await store.revoke_session("s1", "logout")

    own_server.kill()
    own_server.start()
    await eventually(store.ping)

    assert await store.find_token(digest("n.access"))
    assert await store.find_token(digest("r0")) is None
    assert (await store.rotate(rotation("s0", "r0", "m", clock))).outcome is Outcome.REPLAYED
    assert await store.find_token(digest("a1")) is None
    assert all([await store.find_token(digest(f"a{number}")) for number in range(2, 20)])
    await store.close()


async def test_scripts_that_the_server_forgot_are_sent_again(server, store, clock):
    await open_everything(store, clock)

    server.admin("SCRIPT", "FLUSH")

    assert (await store.rotate(rotation("s0", "r0", "n", clock))).outcome is Outcome.ROTATED
    assert await store.revoke_session("s0", "logout")


async def test_a_server_that_refuses_to_write_is_an_outage(server, store, clock):
    await open_everything(store, clock)
    server.admin("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
    try:
        with pytest.raises(StoreUnavailable):
            await store.rotate(rotation("s0", "r0", "n", clock))
        assert await store.find_token(digest("a0"))
    finally:
        server.admin("CONFIG", "SET", "maxmemory", "0")

    assert (await store.rotate(rotation("s0", "r0", "n", clock))).outcome is Outcome.ROTATED


async def test_a_password_is_used_and_a_wrong_one_is_an_outage_that_does_not_show_it(own_server, clock):
    own_server.admin("ACL", "SETUSER", "gate", "on", ">s3cret", "~gw:*", "&gw:*", "+@all")
    own_server.admin("ACL", "SETUSER", "default", "off")
    right = open_store(StoreConfig(username="gate", password=Secret("s3cret")), url=own_server.url, clock=clock)
    wrong = open_store(StoreConfig(username="gate", password=Secret("wr0ng")), url=own_server.url, clock=clock)

    await open_everything(right, clock)
    await right.revoke_user("staff", "u0", "x")
    assert not await wrong.ping()
    with pytest.raises(StoreUnavailable) as refusal:
        await wrong.find_token(digest("a0"))

    assert "wr0ng" not in str(refusal.value)
    await right.close()
    await wrong.close()


async def test_callers_that_vanish_never_leave_their_answer_to_another(server, store, clock):
    """The next caller on the connection would be logged in as somebody else (CVE-2023-28858)."""
    users = 40
    await open_everything(store, clock, users)
    dice = random.Random(1)
    answered = cancelled = 0

    async def one_user(number):
        nonlocal answered, cancelled
        for _ in range(60):
            which = dice.choice(["find_token", "find_refresh", "session"])
            step = {
                "find_token": lambda: store.find_token(digest(f"a{number}")),
                "find_refresh": lambda: store.find_refresh(digest(f"r{number}")),
                "session": lambda: store.session(f"s{number}"),
            }[which]
            task = asyncio.ensure_future(step())
            if dice.random() < 0.3:
                for _ in range(dice.randrange(12)):
                    await asyncio.sleep(0)
                if not task.done():
                    task.cancel()
            try:
                found = await task
            except asyncio.CancelledError:
                cancelled += 1
                continue
            answered += 1
            assert (found if which == "session" else found.session).user_id == f"u{number}"

    await asyncio.gather(*(one_user(number) for number in range(users)))

    assert cancelled > 200
    assert answered > 1000
    assert len(server.admin("CLIENT", "LIST").splitlines()) < 80, "no connection is left behind, either"


async def test_a_cancelled_login_is_whole_or_opens_nothing(server, store, clock):
    for steps in range(30):
        task = asyncio.ensure_future(
            store.open_session(
                session(f"c{steps}", clock),
                [access(f"c{steps}", clock), TokenRecord(digest(f"k{steps}"), access("", clock).kind)],
            )
        )
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.01)

        listed = await store.session(f"c{steps}")
        found = await store.find_token(digest(f"c{steps}"))
        assert (listed is None) == (found is None)
