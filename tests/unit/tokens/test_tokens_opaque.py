"""Opaque tokens and API keys: garbage is told from ours without asking the store."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import TokenKind
from gateway.tokens.opaque import MacBytes, OpaqueTokens, api_key_id, looks_ours, mint_api_key, token_hash

OF_LOGINS = [kind for kind in TokenKind if kind is not TokenKind.API_KEY]

TOKENS = OpaqueTokens([b"k" * 32])
KINDS = [TokenKind.ACCESS, TokenKind.REFRESH]


@pytest.mark.parametrize("kind", KINDS)
def test_a_minted_token_is_recognised_with_its_kind(kind):
    token = TOKENS.mint(kind)

    assert TOKENS.kind_of(token.encode()) is kind
    assert looks_ours(token)
    assert len(token) == 48


def test_no_two_tokens_are_the_same():
    assert len({TOKENS.mint(TokenKind.ACCESS) for _ in range(1000)}) == 1000


def test_every_changed_character_is_noticed():
    token = TOKENS.mint(TokenKind.ACCESS).encode()

    for at in range(len(token)):
        changed = token[:at] + (b"A" if token[at : at + 1] != b"A" else b"B") + token[at + 1 :]
        assert TOKENS.kind_of(changed) is None


def test_an_access_token_cannot_be_turned_into_a_refresh_token():
    token = TOKENS.mint(TokenKind.ACCESS)

    assert TOKENS.kind_of(token.replace("gwa_", "gwr_").encode()) is None


@pytest.mark.parametrize("after", ["=", "A", "\n", " "])
def test_a_token_has_one_spelling(after):
    token = TOKENS.mint(TokenKind.ACCESS) + after

    assert TOKENS.kind_of(token.encode()) is None


def test_another_login_s_tokens_are_not_ours_but_look_it():
    token = OpaqueTokens([b"o" * 32]).mint(TokenKind.ACCESS)

    assert TOKENS.kind_of(token.encode()) is None
    assert looks_ours(token)


def test_tokens_of_an_older_key_are_still_recognised():
    rotated = OpaqueTokens([b"n" * 32, b"k" * 32])

    assert rotated.kind_of(TOKENS.mint(TokenKind.REFRESH).encode()) is TokenKind.REFRESH
    assert TOKENS.kind_of(rotated.mint(TokenKind.REFRESH).encode()) is None


def test_a_made_api_key_carries_its_id_and_a_checksum():
    key = mint_api_key("scanner-1")

    assert key.startswith("gwk_scanner-1_")
    assert api_key_id(key) == api_key_id(key.encode()) == "scanner-1"
    assert looks_ours(key)
    assert api_key_id(key[:-1] + ("A" if key[-1] != "A" else "B")) is None
    assert api_key_id(key.replace("scanner-1", "scanner-2")) is None


@pytest.mark.parametrize("key_id", ["", "a_b", "ä", "a" * 65, "a b", "a\n"])
def test_an_api_key_s_id_is_a_plain_word(key_id):
    with pytest.raises(ValueError, match="id is 1 to 64"):
        mint_api_key(key_id)


@pytest.mark.parametrize(
    "value", ["", "gwa_", "gwa_short", "gwx_" + "A" * 44, "Bearer gwa_" + "A" * 44, "A" * 48, "ü" * 48]
)
def test_foreign_values_do_not_look_ours(value):
    assert not looks_ours(value)
    assert TOKENS.kind_of(value.encode()) is None
    assert api_key_id(value) is None


@pytest.mark.parametrize("value", ["gwa_" + "A" * 44 + "=", "gwr_" + "A" * 43, "gwk_id_" + "A" * 44])
def test_damaged_values_of_ours_still_look_ours(value):
    assert looks_ours(value)


@given(st.binary(max_size=100))
def test_random_bytes_are_not_ours(value):
    assert TOKENS.kind_of(value) is None
    assert api_key_id(value) is None


def test_a_megabyte_is_refused_at_once():
    token, key = b"gwa_" + b"A" * 2**20, b"gwk_" + b"A" * 2**20
    times = []
    for _ in range(5):
        began = time.thread_time()
        assert TOKENS.kind_of(token) is None
        assert api_key_id(key) is None
        times.append(time.thread_time() - began)

    assert min(times) < 0.01


def test_the_hash_of_a_token_is_its_sha256():
    assert token_hash(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("kind", OF_LOGINS)
def test_every_kind_has_a_prefix_of_its_own_that_its_mac_covers(kind):
    token = TOKENS.mint(kind).encode()
    prefixes = {TOKENS.mint(other)[:4].encode() for other in OF_LOGINS}

    assert len(prefixes) == len(OF_LOGINS)
    assert [TOKENS.kind_of(prefix + token[4:]) for prefix in sorted(prefixes)].count(None) == len(OF_LOGINS) - 1
    assert looks_ours(token)


@given(st.integers(12, 48), st.integers(4, 20))
def test_bytes_with_a_mac_are_for_their_label_and_keys_alone(random_bytes, mac_bytes):
    made = MacBytes([b"n" * 32, b"k" * 32], random_bytes, mac_bytes)
    earlier, stranger = (MacBytes([key * 32], random_bytes, mac_bytes) for key in (b"k", b"o"))
    raw = earlier.make(b"access")

    assert len(raw) == random_bytes + mac_bytes
    assert made.is_for(raw, b"access")
    assert not made.is_for(raw, b"refresh")
    assert not made.is_for(raw[:-1], b"access")
    assert not made.is_for(raw + b"\0", b"access")
    assert not stranger.is_for(raw, b"access")
    assert not made.is_for(b"", b"access")
