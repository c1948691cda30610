"""The tokens of a jdx login, to the byte."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest
from fakes.still_broker import SESSION
from fakes.token_rig import SECRET

from gateway.dialects.jdx_tokens import JdxTokens
from gateway.model import TokenKind
from gateway.tokens.keys import KeyMaterial, SigningKeys

RING = SigningKeys([KeyMaterial("k1", "HS256", SECRET)]).ring("jdx")
NOW, END = 1_702_396_400.25, 1_702_400_000.25
AS_JWT = replace(SESSION, context={"token_format": "jwt"})
AS_OPAQUE = replace(SESSION, context={"token_format": "opaque"})


@pytest.fixture
def tokens():
    return JdxTokens(RING, "opaque", "prod")


def segment(token, at):
    part = token.split(".")[at]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_jwt_has_the_documented_header_and_claims(tokens):
    token = tokens.mint(TokenKind.ACCESS, AS_JWT, NOW, END)

    assert token.startswith("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.")
    assert segment(token, 0) == b'{"alg":"HS256","typ":"JWT"}'
    payload = segment(token, 1)
    assert payload.strip() == b'{"sub":"101","db":"prod","exp":1702400000,"iat":1702396400}'
    assert len(payload) == len(payload.strip()) + 16
    assert json.loads(payload) == {"sub": "101", "db": "prod", "exp": 1702400000, "iat": 1702396400}


def test_tokens_of_one_user_and_one_second_differ(tokens):
    assert len({tokens.mint(TokenKind.ACCESS, AS_JWT, NOW, END) for _ in range(200)}) == 200


@pytest.mark.parametrize(
    ("written", "session", "is_jwt"),
    [
        ("opaque", SESSION, False),
        ("opaque", AS_JWT, True),
        ("jwt", SESSION, True),
        ("jwt", AS_OPAQUE, False),
    ],
)
def test_the_client_s_wish_overrules_the_login(written, session, is_jwt):
    token = JdxTokens(RING, written, "").mint(TokenKind.ACCESS, session, NOW, END)

    assert token.startswith("eyJ" if is_jwt else "gwa_")


@pytest.mark.parametrize(("kind", "prefix"), [(TokenKind.REFRESH, "gwr_"), (TokenKind.APPLICATION, "gwn_")])
def test_all_other_tokens_are_opaque(tokens, kind, prefix):
    assert tokens.mint(kind, AS_JWT, NOW, END).startswith(prefix)


def test_a_jwt_tells_whose_it_is_and_that_it_is_over(tokens):
    token = tokens.mint(TokenKind.ACCESS, AS_JWT, NOW, END).encode()

    early, late = tokens.recognise(token, NOW), tokens.recognise(token, END + 1)

    assert (early.kind, early.user_id, early.expired, late.expired) == (TokenKind.ACCESS, "101", False, True)
    assert tokens.fits(early, AS_JWT)
    assert not tokens.fits(early, replace(AS_JWT, user_id="102"))


def test_a_token_without_an_end_has_no_exp(tokens):
    token = tokens.mint(TokenKind.ACCESS, AS_JWT, NOW, float("inf"))

    assert list(json.loads(segment(token, 1))) == ["sub", "db", "iat"]


def test_a_padded_token_is_ours_and_no_credential(tokens):
    for session in (AS_JWT, AS_OPAQUE):
        padded = tokens.mint(TokenKind.ACCESS, session, NOW, END).encode() + b"="
        assert tokens.is_ours(padded)
        assert tokens.recognise(padded, NOW) is None
