"""`min_replicas`: what was acknowledged is on a replica, and what is not there was not acknowledged. On both servers."""

import asyncio

import pytest
from fakes.clock import Clock
from fakes.records import access, digest, refresh, rotation, session
from fakes.redis_rigs import Replicated, until
from fakes.servers import PROGRAMS

from gateway.config.store import StoreConfig
from gateway.errors import StoreUnavailable
from gateway.state.connect import open_store
from gateway.state.records import Outcome

TIMEOUT = 4.0


@pytest.fixture(scope="module", params=sorted(PROGRAMS))
def running(request, tmp_path_factory):
    with Replicated(request.param, tmp_path_factory.mktemp("replicated")) as rig:
        yield rig


@pytest.fixture
def rig(running):
    running.master.admin("FLUSHALL")
    yield running
    running.nodes[1].resume()
    until(lambda: running.master.admin("WAIT", 1, 1000), "the replica")


@pytest.fixture
def replica(rig):
    return rig.nodes[1]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def store(rig, clock):
    store = open_store(StoreConfig(url=rig.url, min_replicas=1, timeout=TIMEOUT), clock=clock)
    yield store
    await store.close()
    await asyncio.sleep(0.05)  # several connections, and each has to hear of its end


async def open_one(store, clock, number=1):
    await store.open_session(session(f"s{number}", clock), [access(f"a{number}", clock), refresh(f"r{number}", clock)])


async def test_what_was_acknowledged_is_on_the_replica_at_that_moment(store, clock, replica):
    for number in range(30):
        await open_one(store, clock, number)
        assert replica.admin("HGET", f"gw:s:{{s{number}}}", "id") == f"s{number}"
        assert replica.admin("EXISTS", f"gw:t:{digest(f'a{number}')}") == 1

    for number in range(0, 30, 3):
        await store.revoke_session(f"s{number}", "logout")
        assert replica.admin("HGET", f"gw:s:{{s{number}}}", "revoked") == "logout"
        await store.revoke_token(digest(f"a{number + 1}"))
        assert replica.admin("HGET", f"gw:s:{{s{number + 1}}}", digest(f"a{number + 1}")).startswith("dead")
        await store.rotate(rotation(f"s{number + 2}", f"r{number + 2}", f"n{number}", clock))
        assert replica.admin("HEXISTS", f"gw:s:{{s{number + 2}}}", digest(f"n{number}.access")) == 1
    await store.revoke_all("leak")
    assert replica.admin("GET", "gw:n:all").endswith(" leak")


async def test_without_its_replica_nothing_is_said_to_be_done_and_reading_goes_on(store, clock, replica):
    await open_one(store, clock)
    same = rotation("s1", "r1", "n", clock, grace=0.0)
    replica.pause()

    for _ in range(2):  # the second time nothing is left to be written, and it is still not said to be done
        with pytest.raises(StoreUnavailable, match="0 replicas have"):
            await store.rotate(same)
    with pytest.raises(StoreUnavailable):
        await open_one(store, clock, 2)
    with pytest.raises(StoreUnavailable):
        await store.revoke_all("leak")
    assert await store.find_token(digest("n.access")) is None, "what ends something counts at once all the same"

    replica.resume()
    assert (await store.rotate(same)).outcome is Outcome.ROTATED


async def test_a_revocation_tried_again_waits_for_the_replica_like_the_first(store, clock, replica):
    await open_one(store, clock)
    replica.pause()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await store.revoke_session("s1", "logout")

    replica.resume()
    await store.revoke_session("s1", "logout")

    assert replica.admin("HGET", "gw:s:{s1}", "revoked") == "logout"


async def test_nobody_waits_for_somebody_elses_replicas(store, clock, replica):
    await open_one(store, clock)
    replica.pause()
    waiting = [asyncio.ensure_future(store.revoke_token(digest(f"nobody's {number}"))) for number in range(3)]
    waiting += [asyncio.ensure_future(store.revoke_session("s1", "logout"))]
    await asyncio.sleep(0.1)

    for _ in range(20):
        await store.find_token(digest("a1"))

    assert not waiting[-1].done(), "it is still waiting"
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[-1], StoreUnavailable)


async def test_callers_that_vanish_leave_no_wait_behind(store, clock, replica):
    await open_one(store, clock)
    for steps in range(40):
        task = asyncio.ensure_future(store.rotate(rotation("s1", "r1", "n", clock)))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    found = await store.find_token(digest("a1"))
    assert found.session.id == "s1"
    assert (await store.rotate(rotation("s1", "r1", "n", clock))).outcome is Outcome.ROTATED


async def test_scripts_that_the_server_forgot_are_sent_again(rig, store, clock, replica):
    await open_one(store, clock)
    rig.master.admin("SCRIPT", "FLUSH")

    await store.revoke_session("s1", "logout")

    assert replica.admin("HGET", "gw:s:{s1}", "revoked") == "logout"
