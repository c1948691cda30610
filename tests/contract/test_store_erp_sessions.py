"""ERP sessions in the store: one renews, one destroys, and none outlives its session."""

import asyncio

import pytest
from fakes.records import access, refresh, session

from gateway.errors import StoreUnavailable
from gateway.state.erp_records import Claimed, ErpRecord, ErpRecords

FIRST, SECOND = ErpRecord("v1", b"sealed\x00one"), ErpRecord("v2", b"sealed two")


@pytest.fixture
async def opened(store, clock):
    made = session("s1", clock)
    await store.open_session(made, [access("a", clock), refresh("r", clock)])
    return made


@pytest.fixture
def records(store, clock):
    return ErpRecords(store, clock)


async def test_what_is_kept_is_read_back(records, opened):
    assert await records.read("s1") is None
    assert await records.put(opened, FIRST)

    assert await records.read("s1") == FIRST
    assert await records.listed() == ["s1"]


async def test_the_same_again_is_no_harm(records, opened):
    """A time-out may hide that it was kept."""
    assert await records.put(opened, FIRST)
    assert await records.put(opened, FIRST)
    assert not await records.put(opened, SECOND)
    assert await records.put(opened, SECOND, replaces="v1")
    assert await records.put(opened, SECOND, replaces="v1")
    assert await records.read("s1") == SECOND


async def test_nothing_is_kept_for_a_session_that_is_over(store, records, opened, clock):
    await store.revoke_session("s1", "logout")

    assert not await records.put(opened, FIRST)
    assert not await records.put(session("unknown", clock), FIRST)
    assert await records.read("s1") is await records.read("unknown") is None


async def test_only_one_renews(records, opened):
    await records.put(opened, FIRST)

    claims = await asyncio.gather(*(records.claim("s1", "v1", f"renewal-{number}", 30) for number in range(20)))

    assert sorted(claim.value for claim in claims) == ["busy"] * 19 + ["claimed"]


async def test_a_renewal_is_for_all(records, opened):
    await records.put(opened, FIRST)
    assert await records.claim("s1", "v1", "mine", 30) is Claimed.CLAIMED

    assert await records.put(opened, SECOND, replaces="v1", renewal="mine")

    assert await records.claim("s1", "v1", "other", 30) == SECOND
    assert await records.claim("s1", "v2", "other", 30) is Claimed.CLAIMED


async def test_a_renewal_that_came_to_nothing_makes_way(records, opened):
    await records.put(opened, FIRST)
    await records.claim("s1", "v1", "mine", 30)

    await records.release("s1", "another")
    assert await records.claim("s1", "v1", "other", 30) is Claimed.BUSY
    await records.release("s1", "mine")
    assert await records.claim("s1", "v1", "other", 30) is Claimed.CLAIMED


async def test_a_renewal_whose_worker_died_is_overtaken(records, opened):
    await records.put(opened, FIRST)
    await records.claim("s1", "v1", "dead", 0)

    assert await records.claim("s1", "v1", "other", 30) is Claimed.CLAIMED
    assert await records.claim("s1", "v1", "other", 30) is Claimed.CLAIMED


async def test_a_session_that_ended_meanwhile_takes_no_renewal(store, records, opened):
    await records.put(opened, FIRST)
    await records.claim("s1", "v1", "mine", 30)
    await store.revoke_session("s1", "logout")

    assert not await records.put(opened, SECOND, replaces="v1", renewal="mine")
    assert await records.claim("s1", "v1", "mine", 30) is Claimed.GONE
    assert await records.claim("unknown", "v1", "mine", 30) is Claimed.GONE


@pytest.mark.parametrize(
    "end",
    [
        lambda store: store.revoke_session("s1", "logout"),
        lambda store: store.revoke_user("staff", "101", "operator"),
        lambda store: store.revoke_tenant("GardenWorld", "operator"),
    ],
    ids=["session", "user", "tenant"],
)
async def test_what_was_revoked_is_taken_once(store, records, opened, end):
    await records.put(opened, FIRST)
    assert await records.take("s1") is None

    await end(store)
    taken = await asyncio.gather(*(records.take("s1") for _ in range(10)))

    assert [each[1] for each in taken if each] == [FIRST.sealed]
    assert next(each[0] for each in taken if each) == opened
    assert await records.listed() == []


async def test_what_ended_by_a_mark_alone_is_taken_all_the_same(store, records, opened):
    await records.put(opened, FIRST)
    await store.revoke_all("operator")

    assert await records.listed() == ["s1"]
    assert await records.take("s1") is None
    assert (await records.take("s1", living=True))[1] == FIRST.sealed
    assert await records.take("s1", living=True) is None


async def test_it_ends_with_its_session(server, records, store, opened, clock):
    await records.put(opened, FIRST)
    before = server.admin("PTTL", store.keys.session("s1"))

    assert before > 0
    assert await records.claim("s1", "v1", "mine", 30) is Claimed.CLAIMED
    assert server.admin("PTTL", store.keys.session("s1")) <= before


async def test_a_store_that_is_away_is_said_to_be_away(own_server, clock):
    store = own_server.connect(clock, timeout=0.3)
    records = ErpRecords(store, clock)
    own_server.pause()

    for step in (
        records.read("s1"),
        records.put(session("s1", clock), FIRST),
        records.claim("s1", "v1", "mine", 30),
        records.release("s1", "mine"),
        records.take("s1"),
        records.listed(),
    ):
        with pytest.raises(StoreUnavailable):
            await step

    await store.close()
