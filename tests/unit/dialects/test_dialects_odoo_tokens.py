"""Odoo's session ids are told from random ones without a store."""

import re
from base64 import urlsafe_b64decode

import pytest
from fakes.still_broker import SESSION
from fakes.token_rig import SECRET

from gateway.dialects.odoo_tokens import SessionIds
from gateway.model import TokenKind
from gateway.tokens.keys import KeyMaterial, SigningKeys


def ids(login="odoo", secret=SECRET):
    return SessionIds(SigningKeys([KeyMaterial("k1", "HS256", secret)]).ring(login))


def minted(made_by, kind=TokenKind.ACCESS):
    return made_by.mint(kind, SESSION, 0.0, 1.0)


@pytest.mark.parametrize("kind", TokenKind)
def test_an_id_is_84_characters_and_says_what_it_is_for(kind):
    made_by = ids()

    token = minted(made_by, kind)

    assert re.fullmatch(r"[A-Za-z0-9_-]{84}", token)
    assert len(urlsafe_b64decode(token)) == 63
    recognised = made_by.recognise(token.encode(), 0.0)
    assert (recognised.kind, recognised.expired, dict(recognised.claims)) == (kind, False, {})
    assert made_by.is_ours(token.encode())
    assert made_by.fits(recognised, SESSION)
    assert made_by.login == "odoo"


def test_no_two_ids_are_alike():
    made_by = ids()

    assert len({minted(made_by) for _ in range(100)}) == 100


@pytest.mark.parametrize("others", [ids("other"), ids(secret=b"x" * 32)], ids=["another login", "another secret"])
def test_ids_of_others_are_not_ours(others):
    token = minted(others).encode()

    assert ids().recognise(token, 0.0) is None
    assert not ids().is_ours(token)


@pytest.mark.parametrize(
    "garbage", [b"", b"a", b"a" * 83, b"a" * 84, b"a" * 85, b"\xff" * 84, b"a" * 83 + b"=", b"gwa_x"]
)
def test_garbage_is_not_ours(garbage):
    assert ids().recognise(garbage, 0.0) is None
    assert not ids().is_ours(garbage)


def test_each_changed_character_is_seen():
    made_by = ids()
    token = minted(made_by)

    for place in range(84):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert made_by.recognise(changed.encode(), 0.0) is None


def test_a_padded_id_is_ours_and_opens_nothing():
    made_by = ids()
    padded = minted(made_by).encode() + b"="

    assert made_by.recognise(padded, 0.0) is None
    assert made_by.is_ours(padded)


def test_the_id_after_a_logout_looks_like_all_others_and_is_nobodys():
    made_by = ids()

    token = made_by.nobodys().encode()

    assert len(token) == 84
    assert made_by.recognise(token, 0.0) is None
    assert made_by.is_ours(token)
