"""What is issued: claims, lifetimes and records that agree to the second."""

import asyncio
from dataclasses import replace
from math import inf

import jwt
import pytest
from fakes.token_rig import PUBLIC_URL, START, why_not
from fakes.waiting import eventually

from gateway.errors import Reason, StoreUnavailable, Unavailable
from gateway.model import TokenKind, spawn
from gateway.state.records import FoundToken, Outcome, Standing, TokenRecord
from gateway.tokens import issuer as module
from gateway.tokens.format import Recognised
from gateway.tokens.issuer import Issuer
from gateway.tokens.login_tokens import claims_of
from gateway.tokens.opaque import token_hash
from gateway.tokens.policy import TokenPolicy
from gateway.tokens.session_id import public_id

WHO = {"provider": "staff", "user_id": "101", "user": "ada", "roles": ("sales",), "scopes": ("a", "b")}


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


async def test_an_access_token_carries_the_claims_of_rfc_9068(rig):
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO, tenant="GardenWorld"))

    written = claims(pair.access_token)

    jti = written.pop("jti")
    assert len(jti) == 22
    assert written == {
        "iss": f"{PUBLIC_URL}/auth",
        "sub": "101",
        "aud": PUBLIC_URL,
        "client_id": "native",
        "iat": int(START),
        "exp": int(START) + 900,
        "sid": public_id(pair.session.id),
        "preferred_username": "ada",
        "scope": "a b",
        "roles": ["sales"],
        "tenant": "GardenWorld",
    }
    assert jwt.get_unverified_header(pair.access_token)["typ"] == "at+jwt"
    assert pair.session.id not in pair.access_token


def test_a_session_without_a_tenant_has_no_such_claim_and_its_client_is_named(rig):
    session = rig.native.issuer.new_session(**WHO, client_id="portal")

    written = claims_of(session, TokenPolicy("iss", "aud"), 100.9, 1000.9)

    assert "tenant" not in written
    assert (written["client_id"], written["iat"], written["exp"]) == ("portal", 100, 1000)


async def test_a_token_lives_exactly_as_long_as_expires_in_says(rig, clock):
    """START is a quarter second past the full one: neither end may be rounded away."""
    pair = await rig.native.issuer.open(rig.native.issuer.new_session(**WHO))
    assert pair.expires_in == claims(pair.access_token)["exp"] - claims(pair.access_token)["iat"] == 900

    clock.advance(899.9)
    assert await rig.verifier.verify(pair.access_token.encode())
    clock.advance(0.1)

    assert await why_not(rig.verifier.verify(pair.access_token.encode()))
    assert await rig.native.issuer.introspect(pair.access_token) is None


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_introspection_and_expires_in_agree(rig_with, clock, token_format):
    issuer = rig_with(format=token_format).native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))
    clock.advance(100)

    known = await issuer.introspect(pair.access_token)

    assert known.exp == int(START) + 900
    assert known.token_type == "Bearer"
    assert known.session.user == "ada"
    assert (known.issued_at, bool(known.jti)) == ((int(START), True) if token_format == "jwt" else (None, False))


async def test_opaque_access_tokens_have_a_shape_and_no_content(rig_with):
    issuer = rig_with(format="opaque").native.issuer

    pair = await issuer.open(issuer.new_session(**WHO))

    assert pair.access_token.startswith("gwa_")
    assert pair.refresh_token.startswith("gwr_")
    assert pair.expires_in == 900


async def test_no_token_outlives_its_session(rig_with, clock):
    rig = rig_with(absolute_ttl=100.0)
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))

    assert pair.expires_in == 100
    assert (await issuer.introspect(pair.refresh_token)).exp == int(START) + 100
    clock.advance(100)
    assert await why_not(rig.verifier.verify(pair.access_token.encode()))


async def test_a_session_may_have_no_absolute_end(rig_with):
    issuer = rig_with(absolute_ttl=inf).native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))

    assert pair.session.absolute_expiry == inf
    assert pair.expires_in == 900


async def test_without_a_refresh_token_the_session_ends_with_its_access_token(rig_with):
    issuer = rig_with(refresh_ttl=0.0).native.issuer

    pair = await issuer.open(issuer.new_session(**WHO))

    assert pair.refresh_token == ""
    assert pair.session.absolute_expiry == START + 900


async def test_bytes_that_the_store_knows_are_never_handed_out(rig_with, monkeypatch):
    rig = rig_with(format="opaque")
    issuer = rig.native.issuer
    taken = await issuer.open(issuer.new_session(**WHO))
    bytes_to_come = [taken.access_token, taken.refresh_token]
    mint = rig.native.tokens.opaque.mint
    monkeypatch.setattr(
        type(rig.native.tokens.opaque), "mint", lambda _, kind: bytes_to_come.pop(0) if bytes_to_come else mint(kind)
    )

    pair = await issuer.open(issuer.new_session(**WHO))

    assert pair.access_token != taken.access_token
    assert (await issuer.introspect(taken.access_token)).session.id == taken.session.id


async def test_a_broken_random_source_is_an_outage_and_no_shared_session(rig_with, monkeypatch):
    rig = rig_with(format="opaque")
    issuer = rig.native.issuer
    taken = await issuer.open(issuer.new_session(**WHO))
    monkeypatch.setattr(
        type(rig.native.tokens.opaque),
        "mint",
        lambda _, kind: taken.access_token if kind is TokenKind.ACCESS else taken.refresh_token,
    )

    with pytest.raises(Unavailable):
        await issuer.open(issuer.new_session(**WHO))


async def test_a_rotation_of_an_unknown_token_says_so(rig):
    session = rig.native.issuer.new_session(**WHO)

    refreshed = await rig.native.issuer.rotate(rig.native.tokens.opaque.mint(TokenKind.REFRESH), session)

    assert (refreshed.outcome, refreshed.pair) == (Outcome.UNKNOWN, None)


async def test_successors_sealed_for_somebody_else_are_not_handed_out(rig):
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))
    await issuer.rotate(pair.refresh_token, pair.session)
    grace = rig.store.keys.grace(pair.session.id)
    spent = token_hash(pair.refresh_token.encode())
    whole = await rig.store.calls.one("HGET", grace, spent)
    await rig.store.calls.one("HSET", grace, spent, whole.split(b" ")[0] + b" " + b"forged" * 9)

    refreshed = await issuer.rotate(pair.refresh_token, pair.session)

    assert (refreshed.outcome, refreshed.pair) == (Outcome.UNKNOWN, None)


def another_gateway(rig):
    """The same login in another process: it shares the store and remembers nothing of the first one's refreshes."""
    first = rig.native.issuer
    return Issuer(rig.store, first._tokens, first.policy, rig.clock)


async def test_without_a_grace_a_second_use_on_another_gateway_is_a_breach(rig_with):
    rig = rig_with(grace=0.0)
    pair = await rig.native.issuer.open(rig.native.issuer.new_session(**WHO))
    await rig.native.issuer.rotate(pair.refresh_token, pair.session)

    refreshed = await another_gateway(rig).rotate(pair.refresh_token, pair.session)

    assert refreshed.outcome is Outcome.REUSED


async def test_without_a_grace_a_lost_answer_is_given_again_once_by_another_gateway(rig_with, monkeypatch):
    rig = rig_with(grace=0.0)
    issuer, other = rig.native.issuer, another_gateway(rig)
    pair = await issuer.open(issuer.new_session(**WHO))
    rotate = rig.store.rotate

    async def rotate_unheard(rotation):
        await rotate(rotation)
        raise StoreUnavailable("the answer was lost")

    monkeypatch.setattr(rig.store, "rotate", rotate_unheard)
    with pytest.raises(StoreUnavailable):
        await issuer.rotate(pair.refresh_token, pair.session)
    monkeypatch.setattr(rig.store, "rotate", rotate)
    rig.clock.advance(2)

    again = await other.rotate(pair.refresh_token, pair.session)
    stolen = await other.rotate(pair.refresh_token, pair.session)

    assert again.outcome is Outcome.REPLAYED
    assert again.pair.refresh_token
    assert stolen.outcome is Outcome.REUSED


async def test_a_second_use_waits_for_the_gateway_that_is_about_to_settle(rig_with, monkeypatch):
    rig = rig_with(grace=0.0)
    issuer, other = rig.native.issuer, another_gateway(rig)
    pair = await issuer.open(issuer.new_session(**WHO))
    heard, settle = asyncio.Event(), rig.store.settle_rotation

    async def settle_late(rotation):
        await heard.wait()
        await settle(rotation)

    monkeypatch.setattr(rig.store, "settle_rotation", settle_late)
    first = spawn(issuer.rotate(pair.refresh_token, pair.session), name="first")
    grace = rig.store.keys.grace(pair.session.id)
    await eventually(lambda: rig.store.calls.one("EXISTS", grace))
    second = spawn(other.rotate(pair.refresh_token, pair.session), name="second")
    await asyncio.sleep(0.1)
    assert not second.done()
    heard.set()

    assert {(await first).outcome, (await second).outcome} == {Outcome.ROTATED, Outcome.REUSED}


async def test_a_rotation_that_nobody_settles_is_a_503_for_others_and_not_for_ever(rig_with, monkeypatch):
    rig = rig_with(grace=0.0)
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))

    async def away(_):
        raise StoreUnavailable("the store went away")

    monkeypatch.setattr(rig.store, "settle_rotation", away)
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    assert (await issuer.rotate(pair.refresh_token, pair.session)).outcome is Outcome.ROTATED

    with pytest.raises(Unavailable):
        await another_gateway(rig).rotate(pair.refresh_token, pair.session)


async def test_the_store_never_sees_a_token(rig):
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))
    second = await issuer.rotate(pair.refresh_token, pair.session)

    stored = b""
    for key in await rig.store.calls.one("KEYS", rig.store.keys.session("*").split("{")[0][:-2] + "*"):
        stored += key + repr(await rig.store.calls.one("DUMP", key)).encode()

    assert stored
    for token in (pair.access_token, pair.refresh_token, second.pair.access_token, second.pair.refresh_token):
        assert token.encode() not in stored


@pytest.mark.parametrize(
    "changes", [{"login": "oauth2"}, {"absolute_expiry": START}, {"kind": TokenKind.REFRESH}], ids=str
)
async def test_introspection_believes_only_a_record_that_fits(rig, changes):
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))
    kind = changes.pop("kind", TokenKind.ACCESS)
    record = TokenRecord(token_hash(pair.access_token.encode()), kind, START + 900)

    async def find(_):
        return FoundToken(record, replace(pair.session, **changes))

    rig.store.judge_token = find

    assert await issuer.introspect(pair.access_token) is None


async def test_a_refresh_token_without_an_end_has_no_exp(rig_with):
    issuer = rig_with(refresh_ttl=inf, absolute_ttl=inf).native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))

    assert (await issuer.introspect(pair.refresh_token)).exp is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "gwa_" + "A" * 44, "gwr_" + "A" * 44, "ü"])
async def test_introspection_of_garbage_asks_no_store(rig, token):
    rig.store.calls.timeout = 0.0

    assert await rig.native.issuer.introspect(token) is None


class _Predictable:
    """A format with nothing random in it: two tokens of one session and one second are the same bytes."""

    login = "native"

    def mint(self, kind, session, now, expires_at):
        return f"{kind.value} {session.id} {expires_at}"

    def recognise(self, token, now):
        kind, _, expires_at = token.decode().split(" ")
        return Recognised(TokenKind(kind), expired=now >= float(expires_at))

    def is_ours(self, token):
        return True

    def fits(self, recognised, session):
        return True


async def test_tokens_of_one_second_live_a_second_less_where_nothing_else_tells_them_apart(rig):
    issuer = Issuer(rig.store, _Predictable(), TokenPolicy("iss", "aud"), rig.clock)
    pairs = [await issuer.open(issuer.new_session(**WHO))]

    for _ in range(3):
        pairs.append((await issuer.rotate(pairs[-1].refresh_token, pairs[-1].session)).pair)

    assert [pair.expires_in for pair in pairs] == [900, 899, 898, 897]
    assert len({pair.refresh_token for pair in pairs}) == 4
    for pair in pairs:
        record = (await rig.store.find_token(token_hash(pair.access_token.encode()))).record
        assert record.expires_at == START + pair.expires_in


async def test_a_refresh_token_that_stays_comes_back_and_gives_one_access_token_in_one_second(rig):
    issuer = Issuer(rig.store, _Predictable(), TokenPolicy("iss", "aud", rotate=False), rig.clock)
    first = await issuer.open(issuer.new_session(**WHO))

    again = [(await issuer.rotate(first.refresh_token, first.session)).pair for _ in range(3)]

    assert {pair.refresh_token for pair in again} == {first.refresh_token}
    assert {pair.access_token for pair in again} == {f"access {first.session.id} {START + 899}"}


async def test_what_a_token_tells_names_its_session_also_when_its_record_is_gone(rig, clock):
    issuer = rig.native.issuer
    mine, other = [await issuer.open(issuer.new_session(**WHO)) for _ in range(2)]
    clock.advance(901)

    recognised = issuer.recognise(mine.access_token.encode())

    assert recognised.expired
    assert issuer.tells(recognised, mine.session)
    assert not issuer.tells(recognised, other.session)
    assert not issuer.tells(recognised, replace(mine.session, login="oauth2"))
    assert not issuer.tells(Recognised(TokenKind.ACCESS), mine.session)
    assert issuer.recognise(b"x") is Reason.MALFORMED
    assert issuer.now() == START + 901


@pytest.mark.parametrize(
    ("kind", "login", "agrees"),
    [(TokenKind.ACCESS, "native", True), (TokenKind.REFRESH, "native", False), (TokenKind.ACCESS, "oauth2", False)],
)
async def test_a_record_is_a_token_s_own_if_kind_login_and_session_agree(rig, kind, login, agrees):
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))
    found = FoundToken(TokenRecord("0" * 64, kind, START + 900), replace(pair.session, login=login))

    assert issuer.knows(issuer.recognise(pair.access_token.encode()), found) is agrees


async def test_a_token_without_an_end_says_so(rig_with):
    issuer = rig_with(access_ttl=inf, absolute_ttl=inf).native.issuer

    pair = await issuer.open(issuer.new_session(**WHO))

    assert pair.expires_in == 0
    assert (await issuer.introspect(pair.access_token)).exp is None


async def test_a_sliding_access_token_does_not_end_its_session(rig_with):
    issuer = rig_with(refresh_ttl=0.0, sliding_access=True).native.issuer

    pair = await issuer.open(issuer.new_session(**WHO))

    assert pair.session.absolute_expiry == START + 90 * 86400
    assert pair.expires_in == 900


@pytest.mark.parametrize("kind", [TokenKind.PREAUTH, TokenKind.APPLICATION])
async def test_a_session_may_hold_one_token_alone_that_lives_as_long(rig, clock, kind):
    issuer = rig.native.issuer
    session = replace(issuer.new_session(**WHO), absolute_expiry=START + 60)

    token = await issuer.open_with(session, kind)

    known = await issuer.introspect(token)
    assert (known.kind, known.expires_at) == (kind, START + 60)
    assert known.token_type == ("Bearer" if kind is TokenKind.APPLICATION else "")
    clock.advance(60)
    assert await issuer.introspect(token) is None


async def test_a_refresh_token_is_found_or_refused_with_a_reason(rig, clock):
    issuer = rig.native.issuer
    pair = await issuer.open(issuer.new_session(**WHO))

    assert (await issuer.find_refresh(pair.refresh_token)).standing is Standing.LIVE
    assert await issuer.find_refresh(pair.access_token) is Reason.WRONG_KIND
    assert await issuer.find_refresh("x") is Reason.MALFORMED
    assert await issuer.find_refresh(rig.oauth2.tokens.opaque.mint(TokenKind.REFRESH)) is Reason.MALFORMED
    assert await issuer.find_refresh(rig.native.tokens.opaque.mint(TokenKind.REFRESH)) is Reason.UNKNOWN


async def test_a_refresh_token_that_tells_its_own_end_is_expired_when_the_store_has_forgotten_it(rig):
    issuer = Issuer(rig.store, _Predictable(), TokenPolicy("iss", "aud"), rig.clock)

    assert await issuer.find_refresh("refresh s1 1.0") is Reason.EXPIRED
