"""What a dialect may add to a refresh, and in which order it counts."""

from dataclasses import replace

import pytest
from fakes.token_rig import CLIENTS, PASSWORD, call, why_not

from gateway.errors import RefreshRejected
from gateway.model import Choice, RefreshRules

CALL = call()


def refuse(_):
    raise RefreshRejected("another_client")


REFUSING = RefreshRules(before=refuse)


@pytest.fixture
async def pair(rig):
    return await rig.native.broker.login("ada", PASSWORD, CALL)


async def test_a_rule_that_refuses_spends_no_token(rig, pair):
    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.refresh_token, CALL, rules=REFUSING)

    assert refused.value.reason == "another_client"
    assert rig.audited[-1][1]["result"] == "another_client"
    assert await rig.native.broker.refresh(pair.refresh_token, CALL)


async def test_a_second_use_is_looked_for_before_the_rules_are_asked(rig_with):
    """iDempiere's order: a breach ends the session, whatever client and user id came with it."""
    rig = rig_with(grace=0.0)
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    second = await rig.native.broker.refresh(pair.refresh_token, CALL)

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.refresh_token, CALL, rules=REFUSING)

    assert refused.value.reason == "reused"
    assert await why_not(rig.native.broker.authenticate(second.access_token.encode()))


async def test_a_replay_within_the_grace_obeys_the_rules(rig, pair):
    second = await rig.native.broker.refresh(pair.refresh_token, CALL)

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.refresh_token, CALL, rules=REFUSING)

    assert refused.value.reason == "another_client"
    assert not await why_not(rig.native.broker.authenticate(second.access_token.encode()))


async def test_the_rules_are_told_the_session_as_it_was_and_renew_it_as_it_is(rig, pair):
    seen = []

    def renew(session, account):
        seen.append((session.user, account.id))
        return replace(session, roles=("chosen",), context={"language": "de_DE"})

    rules = RefreshRules(before=seen.append, renew=renew)
    refreshed = await rig.native.broker.refresh(pair.refresh_token, CALL, rules=rules)

    assert seen == [pair.session, ("ada", "100")]
    assert (refreshed.session.roles, refreshed.session.context) == (("chosen",), {"language": "de_DE"})
    assert await rig.store.session(pair.session.id) == refreshed.session


async def test_a_session_whose_choice_is_gone_ends(rig, pair):
    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.refresh_token, CALL, rules=RefreshRules(renew=lambda *_: None))

    assert refused.value.reason == "removed"
    assert await rig.store.session(pair.session.id) is None


async def test_chosen_roles_stay_chosen(rig):
    account = await rig.native.broker.verify_password("ada", PASSWORD, CALL)
    pair = await rig.native.broker.open(account, CALL, Choice(roles=("GardenWorld Admin",)))

    refreshed = await rig.native.broker.refresh(pair.refresh_token, CALL)

    assert refreshed.session.roles == ("GardenWorld Admin",)


async def test_a_client_s_own_session_is_refreshed_with_what_the_client_has_now(rig):
    portal = CLIENTS[0]
    pair = await rig.oauth2.broker.client_login(portal, CALL, refresh=True)

    refreshed = await rig.oauth2.broker.refresh(pair.refresh_token, CALL, replace(portal, roles=("reader",)))

    assert refreshed.session.roles == ("reader",)
