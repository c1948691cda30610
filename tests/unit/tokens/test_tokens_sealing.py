"""Only the holder of the spent token opens what took its place."""

from gateway.tokens.sealing import Successors, seal, unseal

PAIR = Successors("access", 1_800_000_900.25, "refresh")


def test_the_spent_token_opens_the_seal():
    assert unseal(seal(PAIR, "spent", "session"), "spent", "session") == PAIR


def test_another_token_or_session_or_a_changed_byte_opens_nothing():
    sealed = seal(PAIR, "spent", "session")

    assert unseal(sealed, "other", "session") is None
    assert unseal(sealed, "spent", "other") is None
    assert unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), "spent", "session") is None
    assert unseal(b"", "spent", "session") is None
    assert unseal(b"short", "spent", "session") is None


def test_nothing_of_the_pair_is_readable_and_no_seal_is_like_another():
    first, second = seal(PAIR, "spent", "session"), seal(PAIR, "spent", "session")

    assert first != second
    assert b"access" not in first
    assert "access'" not in repr(PAIR)
