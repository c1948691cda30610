"""The cold path: garbage costs no round trip, and only the store says that a token is alive."""

import asyncio
from dataclasses import replace
from math import inf

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fakes.token_rig import PASSWORD, SECRET, call, users, why_not

from gateway.dialects import DIALECTS
from gateway.errors import Reason, StoreUnavailable
from gateway.model import TokenKind
from gateway.state.feed import Feed, Invalidation
from gateway.state.records import FoundToken, TokenRecord
from gateway.tokens.cache import VerifiedTokens
from gateway.tokens.keys import KeyMaterial
from gateway.tokens.opaque import token_hash
from gateway.tokens.verifier import OPENS_ROUTES, TokenVerifier

CALL = call()
ES256 = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
KEYS = [(KeyMaterial("k1", "HS256", SECRET),), (KeyMaterial("e1", "ES256", private_key_pem=ES256),)]


@pytest.mark.parametrize("materials", KEYS, ids=["HS256", "ES256"])
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_a_live_token_of_each_login_verifies_as_that_login_s(rig_with, materials, token_format):
    rig = rig_with(materials=materials, format=token_format)

    for login in (rig.native, rig.oauth2):
        pair = await login.broker.login("ada", PASSWORD, CALL)
        verified = await rig.verifier.verify(pair.access_token.encode())
        assert verified.identity.login == login.issuer.login
        assert verified.session_id == pair.session.id
        assert verified.token_hash == token_hash(pair.access_token.encode())
        assert rig.verifier.is_ours(pair.access_token.encode())


async def test_what_was_verified_is_cached_until_it_is_revoked(rig):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    token = pair.access_token.encode()
    verified = await rig.verifier.verify(token)
    assert rig.cache.get(token) is verified

    rig.feed.tell(Invalidation("session", session_id=pair.session.id))

    assert rig.cache.get(token) is None


async def test_a_token_that_is_revoked_while_it_is_looked_up_is_not_cached(rig):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    token = pair.access_token.encode()
    find = rig.store.judge_token

    async def find_and_revoke(asked):
        found = await find(asked)
        rig.feed.tell(Invalidation("session", session_id=pair.session.id))
        return found

    rig.store.judge_token = find_and_revoke
    await rig.verifier.verify(token)

    assert rig.cache.get(token) is None


@pytest.mark.parametrize(
    "token", [b"", b"x", b"a.b.c", b"gwa_" + b"A" * 44, b"gwr_" + b"A" * 44, b"\xff" * 48, b"A" * 2**20]
)
async def test_garbage_never_reaches_the_store(rig, token):
    rig.store.calls.timeout = 0.0  # every question to the store would raise

    assert await why_not(rig.verifier.verify(token))
    assert not rig.verifier.is_ours(token) or token.startswith(b"gw")


async def test_our_own_header_over_a_wrong_signature_never_reaches_the_store(rig):
    token = (await rig.native.broker.login("ada", PASSWORD, CALL)).access_token.encode()
    header, payload, signature = token.split(b".")
    rig.store.calls.timeout = 0.0

    for forged in (b".".join((header, payload, signature[:-4] + b"AAAA")), b".".join((header, b"e30", signature))):
        assert await why_not(rig.verifier.verify(forged))


async def test_a_token_whose_session_is_unknown_to_the_store_is_not_valid(rig):
    session = rig.native.issuer.new_session(provider="staff", user_id="1", user="ada")
    made = rig.native.issuer._make(session, rig.clock(), refresh=True)

    assert await why_not(rig.verifier.verify(made.access_token.encode()))
    assert rig.verifier.is_ours(made.access_token.encode())


async def test_an_outage_is_an_outage_and_no_verdict(rig):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    rig.store.calls.timeout = 0.0

    with pytest.raises(StoreUnavailable):
        await rig.verifier.verify(pair.access_token.encode())


async def test_an_answer_about_another_token_is_no_answer(rig):
    """CVE-2023-28858: a reply that was somebody else's."""
    mine = await rig.native.broker.login("ada", PASSWORD, CALL)
    theirs = await rig.native.broker.login("bob", PASSWORD, CALL)
    find = rig.store.judge_token
    rig.store.judge_token = lambda _: find(token_hash(theirs.access_token.encode()))

    assert await why_not(rig.verifier.verify(mine.access_token.encode()))
    assert await rig.native.issuer.introspect(mine.access_token) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": TokenKind.PREAUTH},
        {"kind": TokenKind.REFRESH},
        {"login": "oauth2"},
        {"id": "another"},
        {"absolute_expiry": 1.0},
    ],
    ids=str,
)
async def test_a_record_that_does_not_fit_the_token_opens_nothing(rig, changes):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    kind = changes.pop("kind", TokenKind.ACCESS)
    asked = token_hash(pair.access_token.encode())
    found = FoundToken(TokenRecord(asked, kind, 2e9), replace(pair.session, **changes))

    async def find(_):
        return found

    rig.store.judge_token = find

    assert await why_not(rig.verifier.verify(pair.access_token.encode()))


async def test_a_padded_token_of_ours_is_refused_and_still_ours(rig):
    token = (await rig.native.broker.login("ada", PASSWORD, CALL)).access_token.encode()

    assert await why_not(rig.verifier.verify(token + b"="))
    assert rig.verifier.is_ours(token + b"=")


async def test_a_revocation_empties_the_cache_through_the_real_feed(rig):
    """The feed's own latency is measured with the store; here, that the cache hears it."""
    feed = Feed(rig.store)
    cache = VerifiedTokens(feed, clock=rig.clock)
    verifier = TokenVerifier(rig.store, cache, rig.clock, (rig.native.tokens,))
    heard = asyncio.Event()
    await feed.start()
    try:
        async with asyncio.timeout(60):
            while not feed.alive:  # noqa: ASYNC110 - the feed says it in no other way
                await asyncio.sleep(0)
            pair = await rig.native.broker.login("ada", PASSWORD, CALL)
            token = pair.access_token.encode()
            await verifier.verify(token)
            assert cache.get(token)
            feed.listen(lambda _: heard.set())

            await rig.native.broker.logout(cache.get(token), CALL)
            await heard.wait()

        assert cache.get(token) is None
        assert len(cache) == 0
    finally:
        await feed.stop()


async def test_each_refusal_says_why(rig_with, clock):
    rig = rig_with(dialects={"dying": (DIALECTS["native"], "/dying", {})})
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    account = await rig.native.broker.verify_password("ada", PASSWORD, CALL)
    preauth = await rig.native.broker.open_preauth(account, CALL)
    revoked = await rig.native.broker.login("ada", PASSWORD, CALL)
    await rig.store.revoke_session(revoked.session.id, "test")

    async def why(token):
        return await rig.verifier.verify(token.encode())

    assert await why("garbage") is Reason.MALFORMED
    assert await why(pair.access_token[:-4] + "AAAA") is Reason.BAD_SIGNATURE
    assert await why(pair.refresh_token) is Reason.WRONG_KIND
    assert await why(preauth) is Reason.PREAUTH
    assert await why(revoked.access_token) is Reason.REVOKED
    assert await rig.verifier.judge(pair.access_token.encode(), OPENS_ROUTES, "dying") is Reason.OTHER_LOGIN
    clock.advance(901)
    assert await why(pair.access_token) is Reason.EXPIRED


async def test_what_its_bytes_refuse_costs_no_round_trip(rig, clock):
    pair = await rig.native.broker.login("ada", PASSWORD, CALL)
    rig.store.calls.timeout = 0.0

    assert await rig.verifier.verify(pair.refresh_token.encode()) is Reason.WRONG_KIND
    clock.advance(901)
    assert await rig.verifier.verify(pair.access_token.encode()) is Reason.EXPIRED


async def test_an_application_token_opens_routes_and_has_no_end(rig_with, clock):
    rig = rig_with(listed=users("robot", type="application"))
    pair = await rig.native.broker.login("robot", PASSWORD, CALL)
    live = await rig.native.broker.live(pair.refresh_token.encode(), TokenKind.REFRESH)

    token = (await rig.native.broker.application_token(live, CALL)).encode()
    clock.advance(1e9)

    verified = await rig.verifier.verify(token)
    assert (verified.identity.user, verified.expires_at) == ("robot", inf)
    assert rig.cache.get(token) is verified
    assert rig.verifier.is_ours(token)


async def away(_):
    raise StoreUnavailable("the store is away")


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_in_an_outage_what_was_verified_counts_where_that_is_asked_for(rig_with, token_format):
    """Whatever their shape: it is the worker's own memory that counts, not the signature."""
    rig = rig_with(format=token_format)
    told, known = [], (await rig.native.broker.login("ada", PASSWORD, CALL)).access_token.encode()
    never_seen = (await rig.native.broker.login("ada", PASSWORD, CALL)).access_token.encode()
    cache = VerifiedTokens(rig.feed, clock=rig.clock, max_staleness=60.0)
    verifier = TokenVerifier(rig.store, cache, rig.clock, (rig.native.tokens,), unconfirmed=told.append)
    verified = await verifier.verify(known)
    rig.store.judge_token = away

    assert await verifier.verify(known, in_outage=True) is verified
    assert told == [verified]
    with pytest.raises(StoreUnavailable):
        await verifier.verify(known)
    with pytest.raises(StoreUnavailable):
        await verifier.verify(never_seen, in_outage=True)
    assert await verifier.verify(known[:-4] + b"AAAA", in_outage=True) in {Reason.BAD_SIGNATURE, Reason.MALFORMED}


async def test_what_the_store_has_refused_since_does_not_count_in_the_next_outage(rig):
    token = (await rig.native.broker.login("ada", PASSWORD, CALL)).access_token.encode()
    cache = VerifiedTokens(rig.feed, clock=rig.clock, max_staleness=60.0)
    verifier = TokenVerifier(rig.store, cache, rig.clock, (rig.native.tokens,))
    verified = await verifier.verify(token)
    rig.feed.alive_until = 0.0  # so that nobody hears of it
    await rig.store.revoke_session(verified.session_id, "unheard")
    assert await verifier.verify(token, in_outage=True) is Reason.REVOKED

    rig.store.judge_token = away

    with pytest.raises(StoreUnavailable):
        await verifier.verify(token, in_outage=True)
