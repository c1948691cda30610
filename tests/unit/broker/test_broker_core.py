"""What all parts of a broker share: reading tokens, clients and accounts, and saying why not."""

import pytest
from fakes.token_rig import CLIENT_SECRET, PASSWORD, call, why_not

from gateway.errors import ClientRejected, CredentialsRejected, Reason
from gateway.model import TokenKind

CALL = call()


@pytest.fixture
async def pair(rig):
    return await rig.native.broker.login("ada", PASSWORD, CALL)


async def test_a_live_token_of_an_asked_kind_is_told_whole(rig, pair):
    live = await rig.native.broker.live(pair.refresh_token.encode(), TokenKind.ACCESS, TokenKind.REFRESH)

    assert (live.kind, live.session) == (TokenKind.REFRESH, pair.session)


async def test_a_token_of_another_kind_login_or_time_is_refused_with_its_reason(rig, pair, clock):
    access, refresh = pair.access_token.encode(), pair.refresh_token.encode()

    assert await why_not(rig.native.broker.live(refresh, TokenKind.ACCESS)) is Reason.WRONG_KIND
    assert await why_not(rig.native.broker.live(access, TokenKind.REFRESH)) is Reason.WRONG_KIND
    assert await why_not(rig.oauth2.broker.live(access, TokenKind.ACCESS)) is Reason.OTHER_LOGIN
    assert await why_not(rig.oauth2.broker.authenticate(access)) is Reason.OTHER_LOGIN
    assert await why_not(rig.native.broker.authenticate(b"x")) is Reason.MALFORMED
    clock.advance(901)
    assert await why_not(rig.native.broker.authenticate(access)) is Reason.EXPIRED


async def test_a_refusal_names_its_reason_in_the_log_and_never_the_token(rig, pair):
    with pytest.raises(CredentialsRejected) as refused:
        await rig.native.broker.live(pair.refresh_token.encode(), TokenKind.ACCESS)

    assert "wrong_kind" in str(refused.value)
    assert pair.refresh_token not in repr(refused.value) + str(refused.value)
    assert refused.value.presented == ""


async def test_a_client_counts_in_its_own_logins(rig):
    assert (await rig.native.broker.authenticate_client([("elsewhere", CLIENT_SECRET)], CALL)).id == "elsewhere"
    with pytest.raises(ClientRejected):
        await rig.oauth2.broker.authenticate_client([("elsewhere", CLIENT_SECRET)], CALL)


async def test_an_account_is_looked_up_anew_and_a_removed_one_is_a_refused_credential(rig, pair):
    assert (await rig.native.broker.account_of(pair.session)).name == "ada"

    rig.provider._by_id.clear()

    assert await why_not(rig.native.broker.account_of(pair.session)) is Reason.USER_GONE
