"""ERP sessions: one renewal for all, none lost to a failing store, and none left in the ERP after a logout."""

import asyncio
import gc

import pytest
from fakes.erp_house import house
from fakes.idempiere import Idempiere
from fakes.jmix import Jmix
from fakes.odoo import Odoo
from fakes.token_rig import connect
from fakes.waiting import eventually

from gateway.broker import erp_sessions as module
from gateway.errors import CredentialsRejected, ErpDown, NoErpSession, StoreUnavailable
from gateway.model import ErpSession, Session
from gateway.state.feed import Invalidation

ENDED = Invalidation("session", session_id="")


@pytest.fixture
def jmix():
    fake = Jmix()
    yield fake
    fake.stop()


@pytest.fixture
def idempiere():
    fake = Idempiere()
    yield fake
    fake.stop()


@pytest.fixture
def odoo():
    fake = Odoo()
    yield fake
    fake.stop()


@pytest.fixture
async def home(jmix, store, clock, checks):
    async for made in house("jmix", jmix, store, clock, checks, timeout="1s"):
        yield made


@pytest.fixture
async def garden(idempiere, store, clock, checks):
    async for made in house("idempiere", idempiere, store, clock, checks, timeout="1s"):
        yield made


@pytest.fixture
async def web(odoo, store, clock, checks):
    async for made in house("odoo", odoo, store, clock, checks, timeout="1s"):
        yield made


async def test_what_a_login_kept_every_worker_can_use(home):
    session = await home.sign_in(home.worker())

    credential = await home.worker().get(session.id)

    assert credential.lines.startswith(b"Authorization: Bearer ")
    assert credential.lines.decode().split()[2] in home.erp.access
    assert credential.is_fresh
    assert "Bearer" not in repr(credential)


async def test_what_is_in_memory_costs_nothing(home):
    worker = home.worker()
    session = await home.sign_in(worker)

    assert worker.held(session.id) is await worker.get(session.id)
    assert worker.held("unknown") is None


async def test_a_session_that_is_over_is_a_401_and_one_without_an_erp_session_a_403(home):
    worker = home.worker()
    with pytest.raises(CredentialsRejected):
        await worker.get("unknown")
    session = Session("s9", "native", "erp-users", "ada", "ada", created=home.clock())
    await home.store.open_session(session, [])

    with pytest.raises((NoErpSession, CredentialsRejected)):
        await worker.get("s9")


async def test_it_is_renewed_before_it_ends(home):
    home.erp.life = 600
    session = await home.sign_in(home.worker())
    home.clock.advance(580)
    worker = home.worker()

    renewed = await worker.get(session.id)

    assert renewed.is_fresh
    assert renewed.lines.decode().split()[2] in home.erp.access
    assert (await home.worker().get(session.id)).version == renewed.version


async def test_all_callers_share_one_renewal(garden):
    worker = garden.worker()
    session = await garden.sign_in(worker)
    used = worker.held(session.id)

    renewed = await asyncio.gather(*(worker.renew(session.id, used) for _ in range(20)))

    assert len(set(map(id, renewed))) == 1
    assert len(garden.erp.asked_for("/api/v1/auth/refresh")) == 1


async def test_two_cold_reads_of_one_session_are_no_renewal_of_each_other(garden):
    """Two requests that read the same dead session at once: what the other one read is as dead."""
    session = await garden.sign_in(garden.worker())
    worker = garden.worker()
    first, second = await asyncio.gather(worker.get(session.id), worker.get(session.id))
    assert first.version == second.version

    renewed = await asyncio.gather(worker.renew(session.id, first), worker.renew(session.id, second))

    assert {each.version for each in renewed} == {worker.held(session.id).version} != {first.version}
    assert len(garden.erp.asked_for("/api/v1/auth/refresh")) == 1


async def test_a_cookie_that_changes_is_carried_at_once_whoever_read_the_session_first(web):
    session = await web.sign_in(web.worker())
    worker = web.worker()
    first, _ = await asyncio.gather(worker.get(session.id), worker.get(session.id))

    worker.adopt(session.id, first, {"session_id": "0123456789abcdef"})

    assert worker.held(session.id).cookie == b"session_id=0123456789abcdef"


async def test_all_workers_share_one_renewal(garden):
    """A second use of a refresh token would be a breach in iDempiere, and end everything."""
    workers = [garden.worker() for _ in range(8)]
    session = await garden.sign_in(workers[0])
    used = [await worker.get(session.id) for worker in workers]

    renewals = (worker.renew(session.id, each) for worker, each in zip(workers, used, strict=True))
    renewed = await asyncio.gather(*renewals)

    assert len({each.version for each in renewed}) == 1
    assert (len(garden.erp.asked_for("/api/v1/auth/refresh")), garden.erp.breaches) == (1, 0)


async def test_a_renewal_that_another_worker_has_done_is_taken_over(garden):
    first, second = garden.worker(), garden.worker()
    session = await garden.sign_in(first)
    stale = await second.get(session.id)
    await first.renew(session.id, first.held(session.id))

    assert (await second.renew(session.id, stale)).version == first.held(session.id).version
    assert await first.renew(session.id, stale) is first.held(session.id)
    assert len(garden.erp.asked_for("/api/v1/auth/refresh")) == 1


async def test_a_caller_that_leaves_does_not_end_the_renewal(garden):
    worker = garden.worker()
    session = await garden.sign_in(worker)
    used = worker.held(session.id)
    leaving = asyncio.ensure_future(worker.renew(session.id, used))
    staying = asyncio.ensure_future(worker.renew(session.id, used))
    await asyncio.sleep(0)

    leaving.cancel()

    assert (await staying) is worker.held(session.id)


async def test_a_session_that_the_erp_has_ended_ends_ours(home):
    worker = home.worker()
    session = await home.sign_in(worker)
    home.erp.expire_all()

    with pytest.raises(CredentialsRejected):
        await worker.renew(session.id, worker.held(session.id))

    assert await home.store.session(session.id) is None
    assert worker.held(session.id) is None
    with pytest.raises(CredentialsRejected):
        await worker.get(session.id)


@pytest.mark.parametrize("failure", ["error", "vanish", "slow", "nonsense"])
async def test_an_erp_that_fails_ends_nothing_and_is_asked_again(home, failure):
    worker = home.worker()
    session = await home.sign_in(worker)
    used = worker.held(session.id)
    home.erp.script("/oauth/token", failure)

    with pytest.raises(ErpDown):
        await worker.renew(session.id, used)

    assert await home.store.session(session.id) == session
    assert (await worker.renew(session.id, used)).version != used.version


async def test_a_store_that_fails_while_a_renewal_is_written_loses_nothing(garden, tmp_path_factory, monkeypatch):
    """The old refresh token is spent: only the new one is worth anything."""
    worker = garden.worker()
    session = await garden.sign_in(worker)
    put, failures = worker._records.put, [StoreUnavailable("away")] * 2

    async def failing(*args, **rest):
        if failures:
            raise failures.pop()
        return await put(*args, **rest)

    monkeypatch.setattr(worker._records, "put", failing)
    renewed = await worker.renew(session.id, worker.held(session.id))

    async def written():
        return (await garden.worker().get(session.id)).version == renewed.version

    await eventually(written)
    assert garden.erp.breaches == 0


async def test_a_store_that_is_away_is_said_to_be_away(home, clock):
    session = await home.sign_in(home.worker())
    home.store = connect("unix:///nonexistent.sock", clock)
    worker = home.worker()

    with pytest.raises(StoreUnavailable):
        await worker.get(session.id)
    worker.invalidate(Invalidation("session", session_id=session.id))
    worker.invalidate(Invalidation("all"))
    await asyncio.sleep(0)
    await home.store.close()


async def test_what_another_key_has_sealed_needs_a_new_login(home):
    session = await home.sign_in(home.worker())

    with pytest.raises(CredentialsRejected):
        await home.worker(secret="another key of thirty-two letters").get(session.id)

    assert await home.store.session(session.id) is None


async def test_a_logout_ends_it_in_the_erp_once(home):
    workers = [home.worker() for _ in range(3)]
    session = await home.sign_in(workers[0])
    await home.store.revoke_session(session.id, "logout")

    for worker in workers:
        worker.invalidate(Invalidation("session", session_id=session.id))

    await eventually(lambda: not home.erp.access)
    assert workers[0].held(session.id) is None
    assert len(home.erp.asked_for("/oauth/revoke")) == 1


async def test_ending_everything_ends_it_in_the_erp(home):
    worker = home.worker()
    await home.sign_in(worker)
    await home.sign_in(worker, "bob")
    await home.store.revoke_all("operator")

    worker.invalidate(Invalidation("all"))

    await eventually(lambda: not home.erp.access)


async def test_what_ended_unheard_is_found_when_the_feed_is_back(home):
    worker = home.worker()
    session = await home.sign_in(worker)
    other = await home.sign_in(worker, "bob")
    await home.store.revoke_session(session.id, "logout")

    worker.invalidate(Invalidation("reconnect"))

    await eventually(lambda: list(home.erp.access.values()) == ["bob"])
    assert await home.store.session(other.id) == other


async def test_an_erp_that_is_down_at_a_logout_harms_nobody(home, caplog):
    worker = home.worker()
    session = await home.sign_in(worker)
    home.erp.script("/oauth/revoke", "error")
    await home.store.revoke_session(session.id, "logout")

    worker.invalidate(Invalidation("session", session_id=session.id))

    await eventually(lambda: "expire by itself" in caplog.text)


async def test_the_ends_of_users_and_tenants_are_told_session_by_session(home):
    worker = home.worker()
    session = await home.sign_in(worker)

    worker.invalidate(Invalidation("user", provider="erp-users", user_id="ada"))

    assert worker.held(session.id) is None
    assert (await worker.get(session.id)).is_fresh


async def test_a_login_that_came_to_nothing_is_ended_in_the_erp(home):
    worker = home.worker()
    session = await home.sign_in(worker)

    worker.discard("erp-users", worker.held(session.id).erp)
    worker.discard("gone", ErpSession())

    await eventually(lambda: not home.erp.access)


async def test_nothing_is_kept_for_a_session_that_is_over(home):
    worker = home.worker()
    session = await home.sign_in(worker)
    await home.store.revoke_session(session.id, "logout")

    with pytest.raises(CredentialsRejected):
        await worker.keep(session, ErpSession())


async def test_a_cookie_that_the_erp_has_changed_is_kept(web):
    """At once in this worker, whose next request would carry a dead cookie otherwise; then for all workers."""
    worker = web.worker()
    session = await web.sign_in(worker)
    changed = [f"session_id={letter * 84}".encode() for letter in "nm"]
    web.erp.sessions |= {"n" * 84: "ada", "m" * 84: "ada"}

    worker.adopt(session.id, worker.held(session.id), {"session_id": "n" * 84})
    assert worker.held(session.id).cookie == changed[0]
    worker.adopt(session.id, worker.held(session.id), {"session_id": "m" * 84})
    assert worker.held(session.id).cookie == changed[1]

    async with asyncio.timeout(60):
        while (await web.worker().get(session.id)).cookie != changed[1]:  # noqa: ASYNC110 - another process would have no event either
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("whose", ["bob", None])
async def test_a_session_that_became_somebody_else_s_ends_ours(web, whose):
    """Whoever calls the ERP's own login through a route would be one user here and another one there."""
    worker = web.worker()
    session = await web.sign_in(worker)
    web.erp.sessions |= {"n" * 84: whose} if whose else {}

    worker.adopt(session.id, worker.held(session.id), {"session_id": "n" * 84})
    await asyncio.wait([worker._adopting[session.id]])

    assert worker.held(session.id) is None
    assert await web.store.session(session.id) is None


async def test_an_erp_that_cannot_say_whose_a_changed_session_is_ends_nothing(web):
    worker = web.worker()
    session = await web.sign_in(worker)
    before = worker.held(session.id)
    web.erp.script("/web/session/get_session_info", "error")

    worker.adopt(session.id, before, {"session_id": "n" * 84})
    await asyncio.wait([worker._adopting[session.id]])

    assert await web.store.session(session.id) is not None
    assert (await web.worker().get(session.id)).cookie == before.cookie, "nothing was written"


async def test_a_cookie_that_is_the_same_or_too_late_changes_nothing(web):
    worker = web.worker()
    session = await web.sign_in(worker)
    used = worker.held(session.id)
    worker.adopt(session.id, used, dict(used.erp.cookies))
    renewed = await worker.renew(session.id, used)

    worker.adopt(session.id, used, {"session_id": "n" * 84})
    worker.adopt("unknown", used, {"session_id": "n" * 84})
    await asyncio.sleep(0.05)

    assert worker.held(session.id) is renewed
    assert (await web.worker().get(session.id)).cookie == renewed.cookie


async def test_an_odoo_session_that_is_alive_is_confirmed_and_trusted(web):
    worker = web.worker()
    session = await web.sign_in(worker)
    used = worker.held(session.id)

    confirmed = await worker.renew(session.id, used)

    assert confirmed.cookie == used.cookie
    assert (used.is_trusted, confirmed.is_trusted) == (False, True)


async def test_a_provider_that_is_not_configured_any_more_ends_its_sessions(home, web):
    session = await home.sign_in(home.worker())
    worker = home.worker(elsewhere=web.provider)
    used = await worker.get(session.id)

    with pytest.raises(CredentialsRejected):
        await worker.renew(session.id, used)


async def test_memory_is_bounded(home, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 16)
    worker = home.worker()

    for number in range(40):
        worker._hold(f"s{number}", ErpSession(), "v1")

    assert len(worker._held) <= 16
    gc.collect()
