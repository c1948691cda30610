"""A login with an ERP behind it: settled, kept, and destroyed there if nothing comes of it."""

import asyncio
from dataclasses import replace
from math import inf

import pytest
from fakes.erp_house import house
from fakes.idempiere import Idempiere
from fakes.itempath import ItemPath
from fakes.jmix import Jmix
from fakes.token_rig import PASSWORD, build, call
from fakes.waiting import eventually

from gateway.broker.accounts import CurrentSessions
from gateway.broker.broker import Broker
from gateway.broker.clients import OAuthClients
from gateway.broker.core import BrokerTools
from gateway.broker.erp_opening import TOLD, opening
from gateway.broker.protection import Protection
from gateway.errors import Forbidden, LoginRejected, NoErpSession, ScopeRejected, SelectionNeeded, StoreUnavailable
from gateway.model import Account, Choice, TokenKind, spawn
from gateway.state.attempts import Attempts
from gateway.tokens.verifier import TokenVerifier

CHOSEN = Choice(
    tenant="GardenWorld",
    context={"tenant": "11", "role": "102", "organization": "11", "warehouse": "", "language": "de_DE"},
)


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
async def stations(store, clock, checks):
    fake = ItemPath()
    async for made in house("itempath", fake, store, clock, checks):
        yield made
    fake.stop()


@pytest.fixture
async def home(jmix, store, clock, checks):
    async for made in house("jmix", jmix, store, clock, checks):
        yield made


@pytest.fixture
async def garden(idempiere, store, clock, checks):
    async for made in house("idempiere", idempiere, store, clock, checks):
        yield made


@pytest.fixture
def login(store, checks, clock):
    """A broker whose users an ERP knows, and the worker's ERP sessions."""

    def made(house, audit=lambda *_, **__: None):
        rig = build(store, checks, clock)
        sessions, known = house.worker(), OAuthClients((), checks)
        current = CurrentSessions({"erp-users": house.provider}, known)
        verifier = TokenVerifier(store, rig.cache, clock, [rig.native.tokens], current)
        protection = Protection(Attempts(store.calls, store.keys, clock), lambda *_, **__: None)
        tools = BrokerTools(verifier, known, protection, current, audit, sessions)
        return Broker(rig.native.issuer, house.provider, tools), sessions

    return made


async def test_a_login_keeps_what_the_erp_gave(home, login):
    broker, sessions = login(home)

    pair = await broker.login("ada", PASSWORD, call())

    assert (await sessions.get(pair.session.id)).lines.decode().split()[2] in home.erp.access
    assert (pair.session.provider, pair.session.user, pair.session.roles) == ("erp-users", "ada", ("staff",))
    assert pair.refresh_token


async def test_a_wrong_password_is_a_rejected_login(home, login):
    broker, _ = login(home)

    with pytest.raises(LoginRejected):
        await broker.login("ada", "wrong", call())


async def test_a_refresh_keeps_the_erp_session(home, login):
    broker, sessions = login(home)
    pair = await broker.login("ada", PASSWORD, call())

    again = await broker.refresh(pair.refresh_token, call())

    assert again.session.id == pair.session.id
    assert (await sessions.get(again.session.id)).is_fresh


async def test_a_login_that_asks_for_too_much_leaves_nothing_in_the_erp(home, login):
    broker, _ = login(home)

    with pytest.raises(ScopeRejected):
        await broker.login("ada", PASSWORD, call(), scopes=["everything"])

    await eventually(lambda: not home.erp.access)


async def test_a_login_that_the_store_loses_leaves_nothing_in_the_erp(home, login):
    broker, sessions = login(home)

    async def away(*_):
        raise StoreUnavailable("away")

    sessions.keep = away
    with pytest.raises(StoreUnavailable):
        await broker.login("ada", PASSWORD, call())

    await eventually(lambda: not home.erp.access)


async def test_a_login_that_ends_after_the_password_leaves_nothing_in_the_erp(home, login):
    """A dialect that finds nothing to choose from, or a client who has left meanwhile."""
    broker, _ = login(home)

    await spawn(broker.verify_password("ada", PASSWORD, call()), name="login")

    await eventually(lambda: not home.erp.access)


async def test_a_client_who_leaves_while_the_erp_judges_leaves_nothing_there(home, login):
    broker, _ = login(home)
    home.erp.script("/oauth/token", "late")
    signing_in = spawn(broker.login("ada", PASSWORD, call()), name="login")
    await eventually(lambda: home.erp.asked)

    signing_in.cancel()
    home.erp.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await signing_in
    await eventually(lambda: home.erp.asked_for("/oauth/revoke"))
    assert not home.erp.access


async def test_a_login_that_went_well_keeps_its_erp_session_when_its_request_ends(home, login):
    broker, sessions = login(home)

    pair = await spawn(broker.login("ada", PASSWORD, call()), name="login")
    await asyncio.sleep(0)

    assert not home.erp.asked_for("/oauth/revoke")
    assert (await sessions.get(pair.session.id)).lines.decode().split()[2] in home.erp.access
    assert sessions._unclaimed == {}


async def test_a_choice_that_nobody_made_is_no_login_and_audited(garden, login):
    told = []
    broker, _ = login(garden, lambda event, **fields: told.append((event, fields)))

    with pytest.raises(SelectionNeeded):
        await broker.login("ada", PASSWORD, call())

    ((event, fields),) = told
    assert (event, fields["result"], fields["user"]) == ("login", "selection_needed", "ada")


async def test_a_choice_that_the_erp_refuses_is_audited_with_who_made_it(garden, login):
    told = []
    broker, _ = login(garden, lambda event, **fields: told.append((event, fields)))
    account = await broker.verify_password("ada", PASSWORD, call())
    live = await broker.live((await broker.open_preauth(account, call())).encode(), TokenKind.PREAUTH)
    foreign = Choice(tenant="GardenWorld", context={"tenant": "11", "role": "999"})

    with pytest.raises(LoginRejected):
        await broker.finalize(live, await broker.account_of(live.session), call(), foreign)

    assert [(event, fields["result"], fields["user"]) for event, fields in told] == [
        ("login", "preauth", "ada"),
        ("login", "rejected", "ada"),
    ]


async def test_a_login_in_two_steps_is_finished_in_the_erp(garden, login):
    broker, sessions = login(garden)
    account = await broker.verify_password("ada", PASSWORD, call())
    token = await broker.open_preauth(account, call())
    live = await broker.live(token.encode(), TokenKind.PREAUTH)

    known = await broker.account_of(live.session)
    pair = await broker.finalize(live, known, call(), CHOSEN)

    assert known.tenants == account.tenants
    assert {what: pair.session.context[what] for what in TOLD} == {"user": 101, "menu_tree": 10, "language": "de_DE"}
    credential = await sessions.get(pair.session.id)
    assert (credential.erp.facts["role"], credential.erp.facts["language"]) == (102, "de_DE")
    again = await broker.refresh(pair.refresh_token, call())
    assert again.session.tenant == "GardenWorld"


async def test_what_was_left_open_is_settled_by_the_erp(garden, login):
    broker, _ = login(garden)
    garden.erp.languages["ada"] = "es_CO"
    open_choice = replace(CHOSEN, context={**CHOSEN.context, "warehouse": "7"}, left_open={"warehouse", "language"})
    account = await broker.verify_password("ada", PASSWORD, call())

    pair = await broker.open(account, call(), open_choice)

    assert (pair.session.context["warehouse"], pair.session.context["language"]) == ("103", "es_CO")


async def test_a_choice_that_the_erp_refuses_leaves_the_first_step_as_it_was(garden, login):
    broker, _ = login(garden)
    token = await broker.open_preauth(await broker.verify_password("ada", PASSWORD, call()), call())
    live = await broker.live(token.encode(), TokenKind.PREAUTH)
    known = await broker.account_of(live.session)

    with pytest.raises(LoginRejected):
        await broker.finalize(live, known, call(), Choice(context={"tenant": "11", "role": "999"}))

    assert await broker.finalize(live, known, call(), CHOSEN)


async def test_another_choice_after_an_abbreviated_login_does_not_end_the_first(garden, login):
    broker, sessions = login(garden)
    pair = await broker.login("bob", PASSWORD, call())
    known = await broker.account_of(pair.session)

    with pytest.raises(LoginRejected):
        async with opening(sessions, known, Choice(context={"role": "999"}), fresh=False):
            raise AssertionError

    assert garden.erp.dead == set()


async def test_an_erp_says_who_may_hold_a_token_without_an_end(stations, login):
    broker, sessions = login(stations)
    pair = await broker.login("ada", PASSWORD, call())
    live = await broker.live(pair.refresh_token.encode(), TokenKind.REFRESH)
    with pytest.raises(Forbidden):
        await broker.application_token(live, call())
    stations.erp.applications.add("ada")

    token = await broker.application_token(live, call())

    session = (await broker.live(token.encode(), TokenKind.APPLICATION)).session
    assert session.absolute_expiry == inf
    assert (await sessions.get(session.id)).erp.renew_at == inf


async def test_most_erps_let_nobody_hold_one(home, login):
    broker, _ = login(home)
    pair = await broker.login("ada", PASSWORD, call())

    with pytest.raises(Forbidden):
        await broker.application_token(await broker.live(pair.refresh_token.encode(), TokenKind.REFRESH), call())


async def test_a_token_without_an_end_has_no_erp_session(home, login):
    broker, sessions = login(home)
    machine = Account("erp-users", "9", "machine")

    pair = await broker.open(machine, call())

    with pytest.raises(NoErpSession):
        await sessions.get(pair.session.id)


async def test_without_any_erp_nothing_changes(rig):
    assert isinstance(rig.native.broker, Broker)
    async with opening(None, Account("staff", "1", "ada"), Choice()) as erp:
        assert erp.told(CHOSEN) is CHOSEN
        await erp.keep(None)
