"""What a format says of a token before any store is asked."""

from gateway.model import TokenKind
from gateway.tokens.format import Recognised


def test_an_opaque_token_tells_its_kind_and_nothing_else():
    assert Recognised(TokenKind.ACCESS) == Recognised(TokenKind.ACCESS, {}, expired=False, user_id="")
