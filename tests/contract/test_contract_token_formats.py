"""What holds for every dialect's token format: its own tokens are known again, and nothing else is."""

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from fakes.contract_sessions import ISSUED, session_for
from fakes.token_rig import SECRET, parts_of
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.model import TokenKind
from gateway.tokens.codec import MAX_TOKEN_BYTES
from gateway.tokens.keys import KeyMaterial, SigningKeys

NOW, END = 1_800_000_000.25, 1_800_000_900.25
KINDS = (TokenKind.ACCESS, TokenKind.REFRESH, TokenKind.PREAUTH, TokenKind.APPLICATION)
KEYS = SigningKeys([KeyMaterial("k1", "HS256", SECRET)])


def format_of(name, keys=KEYS, login=None, **policy):
    return parts_of(keys, login or name, DIALECTS[name], f"/{name}", {}, **policy).tokens


FORMATS = {(name, written): format_of(name, format=written) for name in DIALECTS for written in ("jwt", "opaque")}
each_format = pytest.mark.parametrize(
    ("name", "tokens"), [(name, made) for (name, _), made in FORMATS.items()], ids=[" ".join(key) for key in FORMATS]
)
each_token = pytest.mark.parametrize(
    ("name", "tokens", "kind"),
    [(name, made, kind) for (name, _), made in FORMATS.items() for kind in ISSUED.get(name, KINDS)],
    ids=[f"{name} {how} {kind.value}" for name, how in FORMATS for kind in ISSUED.get(name, KINDS)],
)


def minted(tokens, kind, name, end=END, **changes):
    session = replace(session_for(name), login=tokens.login, **changes)
    return session, tokens.mint(kind, session, NOW, end).encode()


@each_token
def test_a_token_is_known_again_as_what_it_is(name, tokens, kind):
    session, token = minted(tokens, kind, name)

    recognised = tokens.recognise(token, NOW)

    assert (recognised.kind, recognised.expired) == (kind, False)
    assert tokens.fits(recognised, session)
    assert tokens.is_ours(token)
    assert recognised.user_id in {"", session.user_id}
    assert len(token) <= MAX_TOKEN_BYTES
    assert token.isascii()
    assert b" " not in token


@each_format
def test_a_token_says_that_it_is_over_or_leaves_that_to_the_store(name, tokens):
    session, token = minted(tokens, TokenKind.ACCESS, name)

    late = tokens.recognise(token, END + 1)

    assert late.kind is TokenKind.ACCESS
    assert tokens.fits(late, session)
    assert late.expired == bool(late.claims)
    assert tokens.is_ours(token)


@each_format
def test_a_token_without_an_end_is_never_over(name, tokens):
    _, token = minted(tokens, TokenKind.ACCESS, name, float("inf"))

    assert not tokens.recognise(token, NOW + 1e9).expired


@each_token
def test_another_end_makes_other_bytes(name, tokens, kind):
    """The issuer relies on it where two tokens of one second would be the same."""
    if kind is not TokenKind.APPLICATION:
        session, token = minted(tokens, kind, name)
        assert tokens.mint(kind, session, NOW, END - 1).encode() != token


@each_token
def test_a_token_of_another_login_or_another_key_is_nobody_s(name, tokens, kind):
    _, token = minted(tokens, kind, name)
    written = next(how for (other, how), made in FORMATS.items() if made is tokens and other == name)
    strangers = [
        format_of(name, login="another", format=written),
        format_of(name, SigningKeys([KeyMaterial("k1", "HS256", SECRET[::-1])]), format=written),
        *(made for (other, _), made in FORMATS.items() if other != name),
    ]

    assert [made.recognise(token, NOW) for made in strangers] == [None] * len(strangers)


@each_token
def test_a_token_that_was_signed_with_an_earlier_key_is_still_known(name, tokens, kind):
    _, token = minted(tokens, kind, name)
    written = next(how for (other, how), made in FORMATS.items() if made is tokens and other == name)
    rotated = SigningKeys([KeyMaterial("k2", "HS256", SECRET[::-1]), KeyMaterial("k1", "HS256", SECRET)])

    assert format_of(name, rotated, format=written).recognise(token, NOW).kind is kind


@each_token
def test_a_token_has_one_spelling(name, tokens, kind):
    _, token = minted(tokens, kind, name)
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/"
    twins = [token + b"=", token + b"\n", b" " + token, token[:-1], token + b"A", token + b"\0", token.swapcase()]
    twins += [token[:-1] + bytes([char]) for char in last if char != token[-1]]

    assert [twin for twin in twins if tokens.recognise(twin, NOW) is not None] == []


@each_token
def test_no_bit_of_a_token_may_change(name, tokens, kind):
    _, token = minted(tokens, kind, name)

    for at in range(len(token)):
        for bit in (1, 2, 4, 8, 16, 32, 64):
            changed = token[:at] + bytes([token[at] ^ bit]) + token[at + 1 :]
            assert tokens.recognise(changed, NOW) is None


@each_format
@given(raw=st.binary(max_size=120))
def test_whatever_comes_is_judged_without_an_exception(name, tokens, raw):
    for token in (raw, urlsafe_b64encode(raw), b".".join((raw, raw, raw)), b"gwa_" + raw):
        assert tokens.recognise(token, NOW) is None
        assert tokens.is_ours(token) in {True, False}


@each_format
def test_a_very_long_token_is_refused_at_once(name, tokens):
    assert tokens.recognise(b"A" * 2**20, NOW) is None
    assert tokens.recognise(b"." * 2**20, NOW) is None


@each_token
def test_no_token_shows_the_store_s_session_id_or_its_context(name, tokens, kind):
    session, token = minted(tokens, kind, name, id="TheStoresOwnSessionId000")

    shown = token + b"".join(_decoded(part) for part in token.split(b"."))

    assert session.id.encode() not in shown


def _decoded(segment):
    try:
        padded = segment + b"=" * (-len(segment) % 4)
        return b64decode(padded) if b"+" in segment or b"/" in segment else urlsafe_b64decode(padded)
    except ValueError:
        return b""
