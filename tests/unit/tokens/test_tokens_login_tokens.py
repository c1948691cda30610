"""What a login recognises as its own, before any store is asked."""

from fakes.token_rig import SECRET

from gateway.model import TokenKind
from gateway.tokens.format import Recognised
from gateway.tokens.keys import KeyMaterial, SigningKeys
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.policy import TokenPolicy

KEYS = SigningKeys([KeyMaterial("k1", "HS256", SECRET)])
POLICY = TokenPolicy("https://gate.example/auth", "https://gate.example")
MINE, THEIRS = (LoginTokens.of(KEYS.ring(login), POLICY) for login in ("mine", "theirs"))
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
