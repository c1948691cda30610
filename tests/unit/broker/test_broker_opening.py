"""How sessions begin: with a choice, in two steps, for a client itself, or without an end."""

from dataclasses import replace
from math import inf

import pytest
from fakes.token_rig import CLIENTS, PASSWORD, START, call, users, why_not

from gateway.errors import CredentialsRejected, Forbidden, LoginRejected, Reason, ScopeRejected
from gateway.model import Account, Choice, TokenKind

CALL = call()
PORTAL = CLIENTS[0]


@pytest.fixture
async def ada(rig):
    return await rig.native.broker.verify_password("ada", PASSWORD, CALL)


async def test_a_right_password_opens_nothing_by_itself(rig, ada):
    assert (ada.provider, ada.id, ada.name, ada.roles) == ("staff", "100", "ada", ("sales",))
    assert await rig.store.sessions_of("staff", "100") == []
    assert rig.audited == []


async def test_a_wrong_one_is_refused_and_audited(rig):
    with pytest.raises(LoginRejected):
        await rig.native.broker.verify_password("ada", "wrong", CALL, PORTAL)

    ((event, fields),) = rig.audited
    assert (event, fields["result"], fields["client_id"]) == ("login", "rejected", "portal")


async def test_nothing_chosen_is_what_the_account_has(rig, ada):
    session = (await rig.native.broker.open(ada, CALL)).session

    assert (session.roles, session.scopes, session.tenant) == (("sales",), ("rest-api", "reports"), "GardenWorld")
    assert session.context == {"mark": ada.password_mark}


async def test_what_was_chosen_is_the_session_s_and_kept_in_it(rig, ada):
    choice = Choice(tenant="", roles=("GardenWorld Admin",), scopes=("reports",), context={"role": 102})

    pair = await rig.native.broker.open(ada, CALL, choice, refresh=False)

    assert (pair.session.roles, pair.session.scopes) == (("GardenWorld Admin",), ("reports",))
    assert pair.session.tenant == ""
    mark = {"mark": ada.password_mark}
    assert pair.session.context == {"role": 102, "roles": ["GardenWorld Admin"], "scopes": ["reports"], **mark}
    assert pair.refresh_token == ""
    assert (await rig.store.session(pair.session.id)).context == pair.session.context
    assert rig.audited[-1][1]["result"] == "accepted"


async def test_nobody_chooses_scopes_that_the_account_lacks(rig, ada):
    with pytest.raises(ScopeRejected):
        await rig.native.broker.open(ada, CALL, Choice(scopes=("everything",)))


async def test_a_pre_auth_token_opens_no_route_and_refreshes_nothing(rig, ada, clock):
    token = (await rig.native.broker.open_preauth(ada, CALL, {"clients": [11]})).encode()

    assert await rig.verifier.verify(token) is Reason.PREAUTH
    assert await why_not(rig.native.broker.authenticate(token)) is Reason.PREAUTH
    live = await rig.native.broker.live(token, TokenKind.PREAUTH)
    assert (live.session.roles, live.session.scopes, live.session.tenant) == ((), (), "")
    assert live.session.context["clients"] == [11]
    assert rig.audited[-1][1]["result"] == "preauth"
    clock.advance(900)
    assert await why_not(rig.native.broker.live(token, TokenKind.PREAUTH)) is Reason.EXPIRED


async def test_a_login_in_two_steps_ends_in_a_session_of_its_own(rig, ada):
    token = (await rig.native.broker.open_preauth(ada, CALL)).encode()
    live = await rig.native.broker.live(token, TokenKind.PREAUTH)
    account = await rig.native.broker.account_of(live.session)

    pair = await rig.native.broker.finalize(live, account, CALL, Choice(tenant="GardenWorld", context={"role": 102}))

    assert pair.session.id != live.session.id
    assert (pair.session.tenant, pair.session.user) == ("GardenWorld", "ada")
    assert (await rig.verifier.verify(pair.access_token.encode())).identity.tenant == "GardenWorld"
    assert pair.refresh_token
    assert await rig.native.broker.live(token, TokenKind.PREAUTH)


async def test_a_second_step_for_another_account_than_the_first_is_refused(rig, ada):
    token = (await rig.native.broker.open_preauth(ada, CALL)).encode()
    live = await rig.native.broker.live(token, TokenKind.PREAUTH)

    for stranger in (replace(ada, id="101"), replace(ada, provider="another")):
        with pytest.raises(CredentialsRejected):
            await rig.native.broker.finalize(live, stranger, CALL, Choice())


async def test_a_client_gets_a_refresh_token_only_where_the_dialect_wants_one(rig):
    plain = await rig.oauth2.broker.client_login(PORTAL, CALL)
    lasting = await rig.oauth2.broker.client_login(PORTAL, CALL, context={"token_format": "jwt"}, refresh=True)

    assert plain.refresh_token == ""
    assert lasting.session.context == {"token_format": "jwt"}
    refreshed = await rig.oauth2.broker.refresh(lasting.refresh_token, CALL, PORTAL)
    assert refreshed.session.user == "portal"
    assert refreshed.session.roles == ("machine",)
    assert refreshed.session.context == {"token_format": "jwt"}


@pytest.fixture
def robots(rig_with):
    return rig_with(listed=users("robot", type="application"))


async def live_refresh(rig, name, choice=None):
    account = await rig.native.broker.verify_password(name, PASSWORD, CALL)
    pair = await rig.native.broker.open(account, CALL, choice or Choice())
    return await rig.native.broker.live(pair.refresh_token.encode(), TokenKind.REFRESH)


async def test_an_application_token_has_no_end_and_a_session_of_its_own(robots, clock):
    live = await live_refresh(robots, "robot", Choice(context={"key": "value"}))

    token = (await robots.native.broker.application_token(live, CALL)).encode()

    await robots.store.revoke_session(live.session.id, "logout")
    clock.advance(10 * 365 * 86400)
    held = await robots.native.broker.live(token, TokenKind.APPLICATION)
    assert held.expires_at == held.session.absolute_expiry == inf
    assert held.session.context == {"key": "value"}
    assert (held.session.created, held.session.tenant) == (START, "GardenWorld")
    assert robots.audited[-1][0] == "application_token"


async def test_an_application_token_is_no_wider_than_the_session_it_was_asked_for_with(robots):
    live = await live_refresh(robots, "robot", Choice(scopes=("reports",), roles=("reader",)))

    token = (await robots.native.broker.application_token(live, CALL)).encode()

    session = (await robots.native.broker.live(token, TokenKind.APPLICATION)).session
    assert (session.scopes, session.roles) == (("reports",), ("reader",))


async def test_an_application_token_is_revoked_with_its_user(robots):
    token = (await robots.native.broker.application_token(await live_refresh(robots, "robot"), CALL)).encode()

    await robots.store.revoke_user("staff", "100", "test")

    assert await robots.verifier.verify(token) is Reason.REVOKED


async def test_only_accounts_of_type_application_hold_one(rig):
    with pytest.raises(Forbidden):
        await rig.native.broker.application_token(await live_refresh(rig, "ada"), CALL)


async def test_an_account_of_a_provider_is_the_session_s_owner(rig):
    pair = await rig.native.broker.open(Account("elsewhere", "7", "eve", roles=("guest",)), CALL)

    assert (pair.session.provider, pair.session.user_id, pair.session.roles) == ("elsewhere", "7", ("guest",))
