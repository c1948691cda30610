"""API keys that are made while the gateway runs: found through the store, judged as keys and as nothing else."""

from math import inf

from fakes.clock import Clock
from fakes.token_rig import PASSWORD, call, why_not
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Reason
from gateway.model import Session, TokenKind
from gateway.state.key_records import KeyRecords
from gateway.state.records import TokenRecord
from gateway.tokens.made_keys import (
    PROVIDER,
    MadeKeyFormat,
    identity_of_key,
    key_id_of,
    key_session,
    routes_of,
)
from gateway.tokens.opaque import mint_api_key, token_hash

FORMAT = MadeKeyFormat()


def scanner(clock=None, **more):
    return key_session("scanner-1", "scanner", created=(clock or Clock())(), roles=("warehouse",), **more)


async def keep(store, session, key):
    record = TokenRecord(token_hash(key.encode()), TokenKind.API_KEY, session.absolute_expiry)
    await KeyRecords(store).add(session, record)


def test_a_key_is_recognised_by_its_checksum_and_belongs_to_the_session_of_its_id():
    key = FORMAT.mint(TokenKind.API_KEY, scanner(), 0.0, inf).encode()

    recognised = FORMAT.recognise(key, 0.0)

    assert recognised.kind is TokenKind.API_KEY
    assert FORMAT.fits(recognised, scanner())
    assert not FORMAT.fits(recognised, key_session("scanner-2", "scanner", created=0.0))
    assert FORMAT.is_ours(key)


@given(st.binary(max_size=120))
def test_nothing_else_is_a_key(token):
    assert FORMAT.recognise(token, 0.0) is None
    assert not FORMAT.is_ours(token)


@given(st.integers(0, 200), st.integers(1, 255))
def test_nor_is_one_with_a_damaged_byte(place, other):
    key = bytearray(mint_api_key("scanner-1").encode())
    place %= len(key)
    key[place] ^= other
    recognised = FORMAT.recognise(bytes(key), 0.0)

    assert recognised is None or not FORMAT.fits(recognised, scanner())


def test_who_a_key_speaks_for():
    identity = identity_of_key(scanner(routes=("images",), scopes=("read",)))

    assert (identity.provider, identity.user_id, identity.user) == (PROVIDER, "scanner", "scanner")
    assert (identity.method, identity.key_id, identity.key_routes) == ("api_key", "scanner-1", {"images"})
    assert (identity.roles, identity.scopes) == ({"warehouse"}, {"read"})
    assert identity.session_id == "", "no ERP session of a user is behind it"


def test_a_session_of_a_login_has_no_key():
    session = Session("s1", "native", "staff", "100", "ada", 1.0)

    assert key_id_of(session) == ""
    assert routes_of(scanner()) == frozenset()


async def test_a_made_key_verifies_until_it_is_ended(rig):
    key = mint_api_key("scanner-1")
    await keep(rig.store, scanner(rig.clock), key)

    verified = await rig.verifier.verify(key.encode())
    assert verified.identity.key_id == "scanner-1"
    assert verified.expires_at == inf

    await KeyRecords(rig.store).end("key-scanner-1", "revoked by an operator")
    assert await why_not(rig.verifier.verify(key.encode())) is Reason.REVOKED


async def test_it_ends_when_it_was_made_to_end(rig):
    key = mint_api_key("scanner-1")
    await keep(rig.store, scanner(rig.clock, expires_at=rig.clock() + 60), key)
    assert (await rig.verifier.verify(key.encode())).expires_at == rig.clock() + 60

    rig.clock.advance(61)

    assert await why_not(rig.verifier.verify(key.encode())) is Reason.EXPIRED


async def test_no_other_key_opens_its_session_and_no_key_is_a_token_of_a_login(rig):
    await keep(rig.store, scanner(rig.clock), mint_api_key("scanner-1"))

    assert await why_not(rig.verifier.verify(mint_api_key("scanner-1").encode())) is Reason.UNKNOWN
    pair = await rig.native.broker.login("ada", PASSWORD, call())
    assert (await rig.verifier.verify(pair.access_token.encode())).identity.key_id == ""
