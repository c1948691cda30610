"""Sealed ERP sessions open for their own session, provider and key only, and only unchanged."""

from dataclasses import replace
from math import inf

import pytest
from fakes.token_rig import START
from hypothesis import given
from hypothesis import strategies as some

from gateway.broker.erp_seal import ErpSeal
from gateway.model import ErpSession, Session

SEAL = ErpSeal("0123456789abcdef0123456789abcdef")
SESSION = Session("s1", "native", "erp", "7", "ada", created=START)
ERP = ErpSession(
    headers=(("Authorization", "Bearer tökén"),),
    cookies=(("session_id", "abc"),),
    renew_at=START + 60,
    secrets={"refresh": "hush"},
    facts={"tenants": [{"id": "11"}]},
)


def test_what_is_sealed_is_opened_again():
    assert SEAL.unseal(SESSION, SEAL.seal(SESSION, ERP)) == ERP
    assert SEAL.unseal(SESSION, SEAL.seal(SESSION, replace(ERP, renew_at=inf))).renew_at == inf


def test_nothing_of_it_can_be_read():
    sealed = SEAL.seal(SESSION, ERP)

    for word in (b"hush", b"Bearer", b"abc", b"tenants"):
        assert word not in sealed
    assert SEAL.seal(SESSION, ERP) != sealed


@pytest.mark.parametrize("other", [replace(SESSION, id="s2"), replace(SESSION, provider="elsewhere")])
def test_it_opens_for_no_other_session_and_no_other_provider(other):
    assert SEAL.unseal(other, SEAL.seal(SESSION, ERP)) is None


def test_another_key_opens_nothing():
    other = ErpSeal("fedcba9876543210fedcba9876543210")

    assert other.key_name != SEAL.key_name
    assert other.unseal(SESSION, SEAL.seal(SESSION, ERP)) is None
    forged = other.key_name.encode() + SEAL.seal(SESSION, ERP)[8:]
    assert other.unseal(SESSION, forged) is None


@given(some.integers(min_value=0, max_value=200), some.integers(min_value=1, max_value=255))
def test_a_changed_byte_opens_nothing(at, flip):
    sealed = bytearray(SEAL.seal(SESSION, ERP))
    sealed[at % len(sealed)] ^= flip

    assert SEAL.unseal(SESSION, bytes(sealed)) is None


@given(some.binary(max_size=64))
def test_anything_else_opens_nothing(data):
    assert SEAL.unseal(SESSION, data) is None
