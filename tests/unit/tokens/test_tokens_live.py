"""What a token's bytes tell has to be what the store knows of it."""

from dataclasses import replace

import pytest
from fakes.token_rig import PASSWORD, START, call

from gateway.errors import Reason, StoreUnavailable
from gateway.model import TokenKind
from gateway.state.records import FoundToken, TokenRecord
from gateway.tokens.format import Recognised
from gateway.tokens.live import live_token, unrecognised
from gateway.tokens.opaque import token_hash


@pytest.fixture
async def pair(rig):
    return await rig.native.broker.login("ada", PASSWORD, call())


@pytest.fixture
def judge(rig, pair):
    async def judge(token=None, found=None):
        raw = (token or pair.access_token).encode()
        if found is not None:

            async def judge_token(_):
                return found

            rig.store.judge_token = judge_token
        recognised = rig.native.tokens.recognise(raw, rig.clock())
        return await live_token(rig.store, rig.native.tokens, raw, recognised, rig.clock())

    return judge


async def test_a_live_token_is_told_with_its_session_its_end_and_its_claims(judge, pair):
    live = await judge()

    assert (live.kind, live.session, live.expires_at) == (TokenKind.ACCESS, pair.session, START + 900)
    assert live.hash == token_hash(pair.access_token.encode())
    assert live.claims["preferred_username"] == "ada"
    assert (await judge(pair.refresh_token)).kind is TokenKind.REFRESH


async def test_a_session_s_end_is_its_tokens_end(judge, pair):
    record = TokenRecord(token_hash(pair.access_token.encode()), TokenKind.ACCESS, START + 900)

    live = await judge(found=FoundToken(record, replace(pair.session, absolute_expiry=START + 5)))

    assert live.expires_at == START + 5


async def test_why_a_token_is_dead_is_told_while_the_store_knows(rig, judge, pair, clock):
    await rig.native.issuer.revoke_access(pair.access_token)
    assert await judge() is Reason.REVOKED
    assert (await judge(pair.refresh_token)).kind is TokenKind.REFRESH

    clock.advance(40 * 86400)
    assert await judge(pair.refresh_token) is Reason.EXPIRED

    await rig.store.revoke_session(pair.session.id, "test")
    assert await judge(pair.refresh_token) is Reason.REVOKED


@pytest.mark.parametrize(
    ("record", "session", "reason"),
    [
        ({"hash": "0" * 64}, {}, Reason.UNKNOWN),
        ({"kind": TokenKind.REFRESH}, {}, Reason.UNKNOWN),
        ({}, {"login": "oauth2"}, Reason.UNKNOWN),
        ({}, {"id": "another"}, Reason.UNKNOWN),
        ({}, {"absolute_expiry": START}, Reason.EXPIRED),
    ],
    ids=str,
)
async def test_a_record_that_does_not_fit_is_no_record(judge, pair, record, session, reason):
    kept = TokenRecord(token_hash(pair.access_token.encode()), TokenKind.ACCESS, START + 900)

    assert await judge(found=FoundToken(replace(kept, **record), replace(pair.session, **session))) is reason


async def test_an_outage_is_no_verdict(rig, judge):
    rig.store.calls.timeout = 0.0

    with pytest.raises(StoreUnavailable):
        await judge()


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (b"", Reason.MALFORMED),
        (b"x", Reason.MALFORMED),
        (b"a.b", Reason.MALFORMED),
        (b"a.b.c", Reason.BAD_SIGNATURE),
        (b"a.b.c.d", Reason.MALFORMED),
        (b"a.b.c=", Reason.MALFORMED),
        (b"gwa_" + b"A" * 44, Reason.MALFORMED),
    ],
)
def test_what_nobody_recognises_is_malformed_or_signed_by_somebody_else(token, reason):
    assert unrecognised(token) is reason


async def test_a_recognised_token_that_the_store_never_heard_of_is_unknown(rig):
    token = rig.native.tokens.opaque.mint(TokenKind.ACCESS).encode()
    recognised = Recognised(TokenKind.ACCESS)

    assert await live_token(rig.store, rig.native.tokens, token, recognised, rig.clock()) is Reason.UNKNOWN
