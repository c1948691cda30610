"""The core of a login, on the real store."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from fakes.token_rig import CLIENT_SECRET, CLIENTS, PASSWORD, START, call, together, users, why_not
from fakes.waiting import eventually

from gateway.errors import (
    AccountLocked,
    Banned,
    ClientRejected,
    LoginRejected,
    Reason,
    RefreshRejected,
    ScopeRejected,
    StoreUnavailable,
)
from gateway.identity_providers.users import ProviderTools, Users
from gateway.model import TokenKind
from gateway.tokens.opaque import token_hash
from gateway.tokens.session_id import public_id

CALL = call()
PORTAL, OTHER, NO_REFRESH, ELSEWHERE = CLIENTS


async def test_a_login_opens_a_session_whose_tokens_verify(rig):
    pair = await rig.native.broker.login("ADA", PASSWORD, CALL)

    verified = await rig.native.broker.authenticate(pair.access_token.encode())
    assert verified.identity.user == "ada"
    assert verified.identity.provider == "staff"
    assert verified.identity.roles == {"sales"}
    assert verified.identity.scopes == {"rest-api", "reports"}
    assert verified.identity.tenant == "GardenWorld"
    assert verified.identity.login == "native"
    assert pair.expires_in == 900


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("", PASSWORD), ("ada", "")])
async def test_a_wrong_name_or_password_is_one_and_the_same_refusal(rig, name, password):
    with pytest.raises(LoginRejected):
        await rig.native.broker.login(name, password, CALL)

    assert rig.audited[-1][0] == "login"
    assert rig.audited[-1][1]["result"] == "rejected"
    assert name not in rig.audited[-1][1].values() or name == ""


async def test_a_refresh_spends_its_token_and_hands_out_another(rig):
    first = await rig.native.broker.login("ada", PASSWORD, CALL)

    second = await rig.native.broker.refresh(first.refresh_token, CALL)

    assert {first.access_token, first.refresh_token}.isdisjoint({second.access_token, second.refresh_token})
    assert not await why_not(rig.native.broker.authenticate(first.access_token.encode()))
    assert not await why_not(rig.native.broker.authenticate(second.access_token.encode()))


async def test_a_second_use_within_the_grace_gets_the_very_same_pair_with_what_is_left_of_it(rig, clock):
    first = await rig.native.broker.login("ada", PASSWORD, CALL)
    second = await rig.native.broker.refresh(first.refresh_token, CALL)

    clock.advance(9)
    replayed = await rig.native.broker.refresh(first.refresh_token, CALL)

    assert (replayed.access_token, replayed.refresh_token) == (second.access_token, second.refresh_token)
    assert replayed.expires_in == second.expires_in - 9
    assert [fields["result"] for event, fields in rig.audited if event == "refresh"] == ["rotated", "replayed"]


async def test_the_grace_counts_from_the_first_use_and_never_slides(rig, clock):
    first = await rig.native.broker.login("ada", PASSWORD, CALL)
    await rig.native.broker.refresh(first.refresh_token, CALL)
    clock.advance(6)
    await rig.native.broker.refresh(first.refresh_token, CALL)
    clock.advance(6)

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(first.refresh_token, CALL)

    assert refused.value.reason == "reused"


async def test_a_second_use_after_the_grace_ends_the_whole_session(rig, clock):
    first = await rig.native.broker.login("ada", PASSWORD, CALL)
    second = await rig.native.broker.refresh(first.refresh_token, CALL)
    clock.advance(10.5)

    with pytest.raises(RefreshRejected):
        await rig.native.broker.refresh(first.refresh_token, CALL)

    assert await why_not(rig.native.broker.authenticate(second.access_token.encode()))
    with pytest.raises(RefreshRejected):
        await rig.native.broker.refresh(second.refresh_token, CALL)
    revoked = [fields for event, fields in rig.audited if event == "session_revoked"]
    assert revoked[0]["cause"] == "refresh token reused"
    assert revoked[0]["session"] == public_id(first.session.id)


async def test_fifty_refreshes_at_once_get_one_and_the_same_pair(rig):
    first = await rig.native.broker.login("ada", PASSWORD, CALL)

    pairs = await together(*(rig.native.broker.refresh(first.refresh_token, CALL) for _ in range(50)))

    assert len({(pair.access_token, pair.refresh_token) for pair in pairs}) == 1


async def test_without_grace_one_of_fifty_refreshes_wins_and_the_race_ends_the_session(rig_with):
    rig = rig_with(grace=0.0)
    first = await rig.native.broker.login("ada", PASSWORD, CALL)

    answers = await together(*(rig.native.broker.refresh(first.refresh_token, CALL) for _ in range(50)))

    won = [answer for answer in answers if not isinstance(answer, Exception)]
    assert len(won) == 1
    assert await why_not(rig.native.broker.authenticate(won[0].access_token.encode()))


async def test_a_refresh_token_slides_up_to_the_session_s_absolute_end(rig_with, clock):
    rig = rig_with(refresh_ttl=100.0, absolute_ttl=250.0)
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    for _ in range(3):
        clock.advance(80)
        pair = await rig.native.broker.refresh(pair.refresh_token, CALL)

    assert pair.expires_in == 10
    clock.advance(10)

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.refresh_token, CALL)
    assert refused.value.reason == "expired"


async def test_a_refresh_token_that_does_not_slide_ends_with_the_first_one(rig_with, clock):
    rig = rig_with(refresh_ttl=100.0, sliding=False)
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    clock.advance(80)
    pair = await rig.native.broker.refresh(pair.refresh_token, CALL)
    clock.advance(21)

    with pytest.raises(RefreshRejected):
        await rig.native.broker.refresh(pair.refresh_token, CALL)


async def test_a_refresh_token_that_stays_is_good_for_many_access_tokens(rig_with):
    rig = rig_with(rotate=False)
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)

    again = [await rig.native.broker.refresh(pair.refresh_token, CALL) for _ in range(3)]

    assert len({each.access_token for each in again}) == 3
    assert {each.refresh_token for each in again} == {pair.refresh_token}


async def test_a_refresh_can_kill_the_earlier_access_tokens(rig_with):
    rig = rig_with(revoke_access=True)
    first = await rig.native.broker.login("ada", PASSWORD, CALL)

    second = await rig.native.broker.refresh(first.refresh_token, CALL)

    assert await why_not(rig.native.broker.authenticate(first.access_token.encode()))
    assert not await why_not(rig.native.broker.authenticate(second.access_token.encode()))


@pytest.mark.parametrize(
    "token", ["", "x", "gwr_", "gwr_" + "A" * 44, "gwr_" + "A" * 43 + "=", "a.b.c", "ü", "gwr_" + "A" * 100_000]
)
async def test_garbage_is_refused_as_a_refresh_token_without_asking_the_store(rig, token):
    rig.store.calls.timeout = 0.0

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(token, CALL)

    assert refused.value.reason == ("bad_signature" if token == "a.b.c" else "malformed")


async def test_an_access_token_refreshes_nothing_and_a_refresh_token_opens_nothing(rig):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.access_token, CALL)

    assert refused.value.reason == "wrong_kind"
    assert await why_not(rig.verifier.verify(pair.refresh_token.encode())) is Reason.WRONG_KIND


async def test_a_refresh_token_of_one_login_is_unknown_to_another_and_survives_it(rig):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)

    with pytest.raises(RefreshRejected):
        await rig.oauth2.broker.refresh(pair.refresh_token, CALL)

    assert await rig.native.broker.refresh(pair.refresh_token, CALL)


async def test_a_refresh_token_of_another_client_is_refused_and_survives_it(rig):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)

    for client in (OTHER, None):
        with pytest.raises(RefreshRejected) as refused:
            await rig.oauth2.broker.refresh(pair.refresh_token, CALL, client)
        assert refused.value.reason == "another_client"

    assert await rig.oauth2.broker.refresh(pair.refresh_token, CALL, PORTAL)


async def test_a_removed_user_is_noticed_at_the_next_refresh(rig, checks):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    rig.relist(Users(users("bob", id="101"), ProviderTools("staff", checks)))

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.refresh_token, CALL)

    assert refused.value.reason == "removed"
    assert await why_not(rig.native.broker.authenticate(pair.access_token.encode()))


async def test_changed_roles_scopes_and_tenants_arrive_with_the_next_refresh(rig, checks):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    changed = users("ada", roles=["audit"], scopes=["reports"], tenants=[])
    rig.relist(Users(changed, ProviderTools("staff", checks)))

    second = await rig.native.broker.refresh(pair.refresh_token, CALL)

    identity = (await rig.native.broker.authenticate(second.access_token.encode())).identity
    assert (identity.roles, identity.scopes, identity.tenant) == ({"audit"}, {"reports"}, "")


async def test_a_locked_user_is_noticed_at_login_refresh_and_cold_read(rig, checks):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    rig.relist(Users(users("ada", locked=True), ProviderTools("staff", checks)))

    assert await why_not(rig.native.broker.authenticate(pair.access_token.encode())) is Reason.USER_GONE
    with pytest.raises(AccountLocked):
        await rig.native.broker.login("ada", PASSWORD, CALL)
    with pytest.raises(LoginRejected) as refused:
        await rig.native.broker.login("ada", "wrong", CALL)
    assert type(refused.value) is LoginRejected, "only who knows the password is told"
    with pytest.raises(RefreshRejected):
        await rig.native.broker.refresh(pair.refresh_token, CALL)
    assert [fields["result"] for event, fields in rig.audited if event == "login"] == ["accepted", "locked", "rejected"]


async def test_another_password_ends_every_session_and_no_token_without_an_end(rig, checks):
    """A cookie of a week has no refresh at which it could be noticed: a cold read looks, too."""
    robots = Users(users("ada", type="application"), ProviderTools("staff", checks))
    rig.relist(robots)
    pair, other = [await rig.native.broker.login("ada", PASSWORD, CALL) for _ in range(2)]
    live = await rig.native.broker.live(pair.access_token.encode(), TokenKind.ACCESS)
    endless = (await rig.native.broker.application_token(live, CALL)).encode()
    changed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("another")
    rig.relist(Users(users("ada", type="application", password_hash=changed), ProviderTools("staff", checks)))

    assert await why_not(rig.native.broker.authenticate(pair.access_token.encode())) is Reason.REVOKED
    with pytest.raises(RefreshRejected, match="removed"):
        await rig.native.broker.refresh(pair.refresh_token, CALL)
    assert rig.audited[-2][1]["cause"] == "password changed"
    assert await rig.native.broker.authenticate(endless)
    rig.relist(robots)
    assert await why_not(rig.native.broker.authenticate(pair.access_token.encode())) is Reason.REVOKED
    assert await rig.native.broker.authenticate(other.access_token.encode()), "nobody refreshed it: nothing was written"


async def test_a_user_who_was_locked_by_mistake_goes_on_with_the_same_token(rig, checks):
    """A cold read refuses and writes nothing."""
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    earlier = rig.provider
    rig.relist(Users(users("ada", locked=True), ProviderTools("staff", checks)))
    assert await why_not(rig.native.broker.authenticate(pair.access_token.encode()))

    rig.relist(earlier)

    assert await rig.native.broker.authenticate(pair.access_token.encode())


async def test_changed_roles_and_scopes_count_at_the_next_cold_read(rig, checks):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, OTHER)
    changed = users("ada", roles=["audit"], scopes=["reports"])
    rig.relist(Users(changed, ProviderTools("staff", checks)))

    identity = (await rig.oauth2.broker.authenticate(pair.access_token.encode())).identity
    told = await rig.oauth2.broker.introspect(pair.access_token, OTHER)

    assert (identity.roles, identity.scopes) == ({"audit"}, {"reports"})
    assert told.session.scopes == ("reports",)


async def test_a_removed_user_s_token_is_not_active_when_its_client_asks(rig, checks):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, OTHER)
    rig.relist(Users(users("bob", id="101"), ProviderTools("staff", checks)))

    assert await rig.oauth2.broker.introspect(pair.access_token, OTHER) is None


async def test_a_login_that_asks_another_provider_now_refreshes_no_session_of_the_earlier_one(rig, checks):
    """Their users of the same id are other people."""
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    rig.native.broker._provider = Users(users("eve"), ProviderTools("suppliers", checks))

    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(pair.refresh_token, CALL)

    assert refused.value.reason == "removed"


async def test_wrong_passwords_end_in_a_ban_that_is_told(rig):
    for _ in range(5):
        with pytest.raises(LoginRejected):
            await rig.native.broker.login("ada", "wrong", CALL)

    with pytest.raises(Banned):
        await rig.native.broker.login("ADA", PASSWORD, CALL)

    told = [(event, fields.get("result")) for event, fields in rig.audited]
    assert told == [("login", "rejected")] * 4 + [("banned", None), ("login", "rejected"), ("login", "banned")]
    assert "ada" not in str(rig.audited).lower()


async def test_logins_of_one_provider_share_their_count(rig):
    for broker in (rig.native.broker, rig.oauth2.broker) * 2 + (rig.native.broker,):
        with pytest.raises(LoginRejected):
            await broker.login("ada", "wrong", CALL)

    for broker in (rig.native.broker, rig.oauth2.broker):
        with pytest.raises(Banned):
            await broker.login("ada", PASSWORD, CALL)


async def test_a_client_s_secret_is_guarded_like_a_password(rig):
    for _ in range(5):
        with pytest.raises(ClientRejected):
            await rig.oauth2.broker.authenticate_client([("portal", "a b"), ("portal", "a+b")], CALL)

    with pytest.raises(Banned):
        await rig.oauth2.broker.authenticate_client([("portal", CLIENT_SECRET)], CALL)

    results = [fields["result"] for event, fields in rig.audited if event == "login"]
    assert results == ["client_rejected"] * 5 + ["banned"]


async def test_a_client_that_was_right_a_moment_ago_is_kept_out_with_who_guesses_at_its_address_only(rig):
    elsewhere = replace(CALL, client_address="198.51.100.9")
    for place in (CALL, elsewhere):
        assert await rig.oauth2.broker.authenticate_client([("portal", CLIENT_SECRET)], place) == PORTAL
    for _ in range(5):
        with pytest.raises(ClientRejected):
            await rig.oauth2.broker.authenticate_client([("portal", "wrong")], CALL)

    with pytest.raises(Banned):
        await rig.oauth2.broker.authenticate_client([("portal", CLIENT_SECRET)], CALL)
    assert await rig.oauth2.broker.authenticate_client([("portal", CLIENT_SECRET)], elsewhere) == PORTAL


async def test_no_client_credentials_are_no_client(rig):
    with pytest.raises(ClientRejected):
        await rig.oauth2.broker.authenticate_client([], CALL)


async def test_a_client_caps_the_scopes_of_its_users_where_it_lists_any(rig):
    capped = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)
    uncapped = await rig.oauth2.broker.login("ada", PASSWORD, CALL, OTHER)

    assert capped.session.scopes == ("rest-api",)
    assert uncapped.session.scopes == ("rest-api", "reports")


async def test_more_scope_than_is_allowed_is_refused_at_login_and_at_refresh(rig):
    with pytest.raises(ScopeRejected):
        await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL, ["reports"])
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, OTHER, ["reports"])
    with pytest.raises(ScopeRejected):
        await rig.oauth2.broker.refresh(pair.refresh_token, CALL, OTHER, ["rest-api"])

    second = await rig.oauth2.broker.refresh(pair.refresh_token, CALL, OTHER, ["reports"])

    assert second.session.scopes == ("reports",)


async def test_a_scope_left_out_at_login_stays_out_at_the_next_refresh(rig):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, OTHER, ["reports"])

    second = await rig.oauth2.broker.refresh(pair.refresh_token, CALL, OTHER)

    assert second.session.scopes == ("reports",)


async def test_a_client_s_own_login_has_its_roles_and_no_refresh_token(rig, clock):
    pair = await rig.oauth2.broker.client_login(PORTAL, CALL)

    identity = (await rig.oauth2.broker.authenticate(pair.access_token.encode())).identity
    assert (identity.provider, identity.user_id, identity.roles) == ("@clients", "portal", {"machine"})
    assert pair.refresh_token == ""
    clock.advance(900)
    assert await rig.oauth2.broker.sessions(identity) == []


async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(rig):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, NO_REFRESH)

    assert pair.refresh_token == ""


async def test_a_client_of_another_login_is_refused_here(rig):
    with pytest.raises(ClientRejected):
        await rig.oauth2.broker.authenticate_client([(ELSEWHERE.id, CLIENT_SECRET)], CALL)

    assert await rig.native.broker.authenticate_client([(ELSEWHERE.id, CLIENT_SECRET)], CALL) == ELSEWHERE


async def test_a_logout_ends_everything_issued_from_the_session(rig):
    first = await rig.native.broker.login("ada", PASSWORD, CALL)
    second = await rig.native.broker.refresh(first.refresh_token, CALL)
    verified = await rig.native.broker.authenticate(second.access_token.encode())

    await rig.native.broker.logout(verified, CALL)

    for pair in (first, second):
        assert await why_not(rig.native.broker.authenticate(pair.access_token.encode()))
        with pytest.raises(RefreshRejected):
            await rig.native.broker.refresh(pair.refresh_token, CALL)
    assert [event for event, _ in rig.audited].count("logout") == 1


async def test_what_is_over_already_is_ended_and_audited_once(rig):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)
    verified = await rig.oauth2.broker.authenticate(pair.access_token.encode())

    for _ in range(2):
        await rig.oauth2.broker.logout(verified, CALL)
    await rig.oauth2.broker.revoke(pair.refresh_token, PORTAL, CALL)

    assert [event for event, _ in rig.audited] == ["login", "logout"]


async def test_sessions_are_listed_and_ended_by_their_owner_only(rig, clock):
    mine = []
    for _ in range(2):
        mine.append(await rig.native.broker.login("ada", PASSWORD, CALL))
        clock.advance(1)
    theirs = await rig.native.broker.login("bob", PASSWORD, CALL)
    ada = (await rig.native.broker.authenticate(mine[0].access_token.encode())).identity

    listed = await rig.native.broker.sessions(ada)

    assert [session.id for session in listed] == [pair.session.id for pair in mine]
    assert not await rig.native.broker.end_session(ada, public_id(theirs.session.id), CALL)
    assert not await rig.native.broker.end_session(ada, mine[1].session.id, CALL)
    assert await rig.native.broker.end_session(ada, public_id(mine[1].session.id), CALL)
    assert await why_not(rig.native.broker.authenticate(mine[1].access_token.encode()))
    assert not await why_not(rig.native.broker.authenticate(theirs.access_token.encode()))


async def test_all_sessions_of_a_user_end_at_once_in_every_login(rig):
    native = await rig.native.broker.login("ada", PASSWORD, CALL)
    oauth2 = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)
    theirs = await rig.native.broker.login("bob", PASSWORD, CALL)
    ada = (await rig.native.broker.authenticate(native.access_token.encode())).identity

    await rig.native.broker.end_all(ada, CALL)

    assert await why_not(rig.verifier.verify(native.access_token.encode()))
    assert await why_not(rig.verifier.verify(oauth2.access_token.encode()))
    assert not await why_not(rig.verifier.verify(theirs.access_token.encode()))


async def test_a_client_revokes_its_own_access_token_alone(rig):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)

    await rig.oauth2.broker.revoke(pair.access_token, OTHER, CALL)
    assert not await why_not(rig.verifier.verify(pair.access_token.encode()))
    await rig.oauth2.broker.revoke(pair.access_token, PORTAL, CALL)

    assert await why_not(rig.verifier.verify(pair.access_token.encode()))
    assert await rig.oauth2.broker.refresh(pair.refresh_token, CALL, PORTAL)


async def test_revoking_a_refresh_token_ends_its_session(rig):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)

    await rig.oauth2.broker.revoke(pair.refresh_token, OTHER, CALL)
    assert not await why_not(rig.verifier.verify(pair.access_token.encode()))
    await rig.oauth2.broker.revoke(pair.refresh_token, PORTAL, CALL)

    assert await why_not(rig.verifier.verify(pair.access_token.encode()))


async def test_introspection_tells_a_client_of_its_own_live_tokens_only(rig, clock):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)

    access = await rig.oauth2.broker.introspect(pair.access_token, PORTAL)
    refresh = await rig.oauth2.broker.introspect(pair.refresh_token, PORTAL)

    assert (access.kind, refresh.kind) == (TokenKind.ACCESS, TokenKind.REFRESH)
    assert access.exp == int(clock()) + 900
    assert refresh.exp == int(clock()) + 30 * 86400
    assert await rig.oauth2.broker.introspect(pair.access_token, OTHER) is None
    clock.advance(900)
    assert await rig.oauth2.broker.introspect(pair.access_token, PORTAL) is None


async def test_a_spent_refresh_token_is_not_active(rig):
    pair = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)
    await rig.oauth2.broker.refresh(pair.refresh_token, CALL, PORTAL)

    assert await rig.oauth2.broker.introspect(pair.refresh_token, PORTAL) is None


async def test_a_store_that_is_away_is_no_wrong_credential_and_consumes_nothing(rig):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    oauth2 = await rig.oauth2.broker.login("ada", PASSWORD, CALL, PORTAL)
    timeout, rig.store.calls.timeout = rig.store.calls.timeout, 0.0
    for work in (
        rig.native.broker.login("ada", PASSWORD, CALL),
        rig.native.broker.refresh(pair.refresh_token, CALL),
        rig.native.broker.authenticate(pair.access_token.encode()),
        rig.oauth2.broker.introspect(oauth2.access_token, PORTAL),
    ):
        with pytest.raises(StoreUnavailable):
            await work
    rig.store.calls.timeout = timeout

    async def refreshed():
        with suppress(StoreUnavailable):  # it is not asked again at once
            return await rig.native.broker.refresh(pair.refresh_token, CALL)

    assert await eventually(refreshed)


@pytest.mark.parametrize("grace", [10.0, 0.0])
@pytest.mark.parametrize("failure", [StoreUnavailable("late"), asyncio.CancelledError()], ids=repr)
async def test_a_refresh_whose_answer_was_lost_is_no_theft_when_it_is_tried_again(rig_with, clock, grace, failure):
    """The store took the rotation, the answer never came: even after the grace the same pair is handed out."""
    rig = rig_with(grace=grace)
    first = await rig.native.broker.login("ada", PASSWORD, CALL)
    rotate, seen = rig.store.rotate, []

    async def rotate_and_fail(rotation):
        await rotate(rotation)
        seen.append(rotation)
        raise failure

    rig.store.rotate = rotate_and_fail
    for _ in range(2):
        with pytest.raises(type(failure)):
            await rig.native.broker.refresh(first.refresh_token, CALL)
        clock.advance(15)
    rig.store.rotate = rotate

    pair = await rig.native.broker.refresh(first.refresh_token, CALL)

    assert seen[0].successors == seen[1].successors
    assert not await why_not(rig.native.broker.authenticate(pair.access_token.encode()))
    assert pair.expires_in == 900 - 30
    assert await rig.native.broker.refresh(pair.refresh_token, CALL)
    clock.advance(15)
    with pytest.raises(RefreshRejected) as refused:
        await rig.native.broker.refresh(first.refresh_token, CALL)
    assert refused.value.reason == "reused"


async def test_no_audit_event_carries_a_token_or_a_password(rig, clock):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    second = await rig.native.broker.refresh(pair.refresh_token, CALL)
    clock.advance(11)
    await asyncio.gather(rig.native.broker.refresh(pair.refresh_token, CALL), return_exceptions=True)

    told = repr(rig.audited) + repr(pair) + repr(second)
    for secret in (PASSWORD, pair.access_token, pair.refresh_token, second.access_token, second.refresh_token):
        assert secret not in told


async def test_a_logout_by_token_ends_the_session_also_when_the_token_has_expired(rig, clock):
    broker = rig.native.broker
    fresh, stale = [await broker.login("ada", PASSWORD, CALL) for _ in range(2)]

    assert await broker.logout_by_token(fresh.access_token.encode(), CALL)
    clock.advance(2 * 3600)
    await rig.store.calls.one("UNLINK", rig.store.keys.token(token_hash(stale.access_token.encode())))
    assert await broker.logout_by_token(stale.access_token.encode(), CALL)

    assert await rig.store.sessions_of("staff", "100") == []
    assert [event for event, _ in rig.audited] == ["login", "login", "logout", "logout"]
    assert not await broker.logout_by_token(stale.access_token.encode(), CALL)
    assert not await broker.logout_by_token(fresh.access_token.encode(), CALL)


async def test_a_logout_by_token_takes_access_tokens_of_this_login_only(rig):
    broker = rig.native.broker
    pair = await broker.login("ada", PASSWORD, CALL)
    account = await broker.verify_password("ada", PASSWORD, CALL)
    preauth = await broker.open_preauth(account, CALL)
    other = await rig.oauth2.broker.login("ada", PASSWORD, CALL)

    assert await why_not(broker.logout_by_token(pair.refresh_token.encode(), CALL)) is Reason.WRONG_KIND
    assert await why_not(broker.logout_by_token(preauth.encode(), CALL)) is Reason.PREAUTH
    assert await why_not(broker.logout_by_token(b"x", CALL)) is Reason.MALFORMED
    assert await why_not(broker.logout_by_token(other.access_token.encode(), CALL)) is Reason.BAD_SIGNATURE
    assert len(await rig.store.sessions_of("staff", "100")) == 3


async def test_an_opaque_token_that_the_store_has_forgotten_names_no_session(rig_with):
    rig = rig_with(format="opaque")
    token = rig.native.tokens.opaque.mint(TokenKind.ACCESS)

    assert not await rig.native.broker.logout_by_token(token.encode(), CALL)


async def test_a_record_that_does_not_fit_the_token_is_not_logged_out(rig):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    theirs = await rig.native.broker.login("bob", PASSWORD, CALL)
    find = rig.store.find_token
    rig.store.find_token = lambda _: find(token_hash(theirs.access_token.encode()))

    assert not await rig.native.broker.logout_by_token(pair.access_token.encode(), CALL)
    assert await rig.store.session(theirs.session.id)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_any_token_of_a_client_ends_its_session_and_another_client_s_nothing(rig, which):
    broker = rig.oauth2.broker
    pair = await broker.login("ada", PASSWORD, CALL, PORTAL)

    await broker.revoke_any(getattr(pair, which), OTHER, CALL)
    await broker.revoke_any("garbage", PORTAL, CALL)
    assert await rig.store.session(pair.session.id)

    await broker.revoke_any(getattr(pair, which), PORTAL, CALL)
    assert await rig.store.session(pair.session.id) is None
    await broker.revoke_any(getattr(pair, which), PORTAL, CALL)


async def test_a_sliding_access_token_lives_on_from_its_use(rig_with, clock):
    rig = rig_with(refresh_ttl=0.0, access_ttl=1000.0, sliding_access=True, format="opaque")
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    token = pair.access_token.encode()
    verified = await rig.native.broker.authenticate(token)

    clock.advance(9)
    assert await rig.native.broker.slide(verified) == START + 1000, "not yet a hundredth of its life"
    clock.advance(491)
    assert await rig.native.broker.slide(verified) == START + 1500
    clock.advance(999)

    assert (await rig.native.broker.authenticate(token)).expires_at == START + 1500
    clock.advance(1)
    assert await why_not(rig.native.broker.authenticate(token)) is Reason.EXPIRED


async def test_a_sliding_access_token_ends_with_its_session(rig_with, clock):
    rig = rig_with(refresh_ttl=0.0, access_ttl=1000.0, absolute_ttl=1200.0, sliding_access=True)
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    verified = await rig.native.broker.authenticate(pair.access_token.encode())
    clock.advance(500)

    assert await rig.native.broker.slide(verified) == START + 1200

    await rig.store.revoke_session(pair.session.id, "test")
    clock.advance(500)
    assert await rig.native.broker.slide(verified) == START + 1200


async def test_other_access_tokens_do_not_slide(rig, clock):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    verified = await rig.native.broker.authenticate(pair.access_token.encode())
    clock.advance(500)

    assert await rig.native.broker.slide(verified) == START + 900


async def test_a_token_that_was_revoked_alone_does_not_slide(rig_with, clock):
    rig = rig_with(refresh_ttl=0.0, access_ttl=1000.0, sliding_access=True, format="opaque")
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    verified = await rig.native.broker.authenticate(pair.access_token.encode())
    await rig.store.revoke_token(verified.token_hash)
    clock.advance(500)

    assert await rig.native.broker.slide(verified) == START + 1000
