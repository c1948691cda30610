"""What a login recognises as its own, before any store is asked."""

from dataclasses import replace
from math import inf

import pytest
from fakes.token_rig import SECRET

from gateway.model import Session, TokenKind
from gateway.tokens.format import Recognised
from gateway.tokens.keys import KeyMaterial, SigningKeys
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.policy import TokenPolicy

OF_LOGINS = [kind for kind in TokenKind if kind is not TokenKind.API_KEY]

KEYS = SigningKeys([KeyMaterial("k1", "HS256", SECRET)])
POLICY = TokenPolicy("https://gate.example/auth", "https://gate.example")
MINE, THEIRS = (LoginTokens.of(KEYS.ring(login), POLICY) for login in ("mine", "theirs"))
SESSION = Session("s1", "mine", "staff", "101", "ada", created=100.0)
CLAIMS = {"iss": POLICY.issuer, "aud": POLICY.audience, "iat": 100, "exp": 200}


def test_a_login_recognises_its_own_tokens_and_their_kind():
    assert MINE.login == "mine"
    assert MINE.recognise(MINE.opaque.mint(TokenKind.ACCESS).encode(), 150) == Recognised(TokenKind.ACCESS)
    assert MINE.recognise(MINE.opaque.mint(TokenKind.REFRESH).encode(), 150) == Recognised(TokenKind.REFRESH)
    assert MINE.recognise(MINE.codec.encode(CLAIMS).encode(), 150) == Recognised(TokenKind.ACCESS, CLAIMS)


def test_a_login_recognises_nothing_else():
    for token in (THEIRS.opaque.mint(TokenKind.ACCESS), THEIRS.codec.encode(CLAIMS), "", "x", "a.b.c"):
        assert MINE.recognise(token.encode(), 150) is None


def test_an_expired_jwt_is_recognised_as_one():
    assert MINE.recognise(MINE.codec.encode(CLAIMS).encode(), 500) == Recognised(TokenKind.ACCESS, CLAIMS, expired=True)


@pytest.mark.parametrize("kind", OF_LOGINS)
@pytest.mark.parametrize("written", ["jwt", "opaque"])
def test_every_kind_is_written_and_recognised_and_ours(kind, written):
    tokens = LoginTokens.of(KEYS.ring("mine"), replace(POLICY, format=written))

    token = tokens.mint(kind, SESSION, 100.0, 200.0).encode()

    recognised = tokens.recognise(token, 150.0)
    assert (recognised.kind, recognised.expired) == (kind, False)
    assert tokens.fits(recognised, SESSION)
    assert tokens.is_ours(token)
    assert not THEIRS.recognise(token, 150.0)


def test_a_jwt_tells_whose_it_is_and_fits_its_own_session_only():
    recognised = MINE.recognise(MINE.mint(TokenKind.ACCESS, SESSION, 100.0, 200.0).encode(), 150.0)

    assert recognised.user_id == "101"
    assert MINE.fits(recognised, SESSION)
    assert not MINE.fits(recognised, replace(SESSION, id="another"))
    assert not MINE.fits(Recognised(TokenKind.ACCESS, {"sub": "101"}), SESSION)


def test_an_access_token_without_an_end_is_opaque_since_our_jwts_have_one():
    assert MINE.mint(TokenKind.ACCESS, SESSION, 100.0, inf).startswith("gwa_")


def test_a_damaged_token_of_ours_is_still_ours_and_a_foreign_one_is_not():
    token = MINE.mint(TokenKind.ACCESS, SESSION, 100.0, 200.0).encode()

    assert MINE.is_ours(token + b"=")
    assert MINE.is_ours(b"gwa_" + b"A" * 44)
    assert not MINE.is_ours(THEIRS.mint(TokenKind.ACCESS, SESSION, 100.0, 200.0).encode())
