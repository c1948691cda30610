"""Jmix's opaque tokens are told from random ones without a store."""

import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode

import pytest
from fakes.still_broker import SESSION
from fakes.token_rig import SECRET
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.jmix.tokens import JmixTokens
from gateway.model import TokenKind
from gateway.tokens.keys import KeyMaterial, SigningKeys

GENERATIONS = {
    "1": lambda ring: JmixTokens.of_generation_1(ring, url_safe=False),
    "1, url safe": lambda ring: JmixTokens.of_generation_1(ring, url_safe=True),
    "2": JmixTokens.of_generation_2,
}
each_generation = pytest.mark.parametrize("generation", GENERATIONS)


def tokens(generation="1", login="jmix", secret=SECRET):
    return GENERATIONS[generation](SigningKeys([KeyMaterial("k1", "HS256", secret)]).ring(login))


def minted(made_by, kind=TokenKind.ACCESS):
    return made_by.mint(kind, SESSION, 0.0, 1.0).encode()


@pytest.mark.parametrize(
    ("generation", "shape", "size"),
    [
        ("1", rb"[A-Za-z0-9+/]{27}=", 20),
        ("1, url safe", rb"[A-Za-z0-9_-]{27}", 20),
        ("2", rb"[A-Za-z0-9_-]{128}", 96),
    ],
)
def test_a_token_looks_like_jmix_s(generation, shape, size):
    for _ in range(50):
        token = minted(tokens(generation))
        assert re.fullmatch(shape, token)
        assert len(urlsafe_b64decode(token.translate(bytes.maketrans(b"+/", b"-_")) + b"==")) == size


@each_generation
@pytest.mark.parametrize("kind", TokenKind)
def test_a_token_is_known_again_as_what_it_is_for(generation, kind):
    made_by = tokens(generation)
    token = minted(made_by, kind)

    recognised = made_by.recognise(token, 0.0)

    assert (recognised.kind, recognised.expired, dict(recognised.claims)) == (kind, False, {})
    assert made_by.is_ours(token)
    assert made_by.fits(recognised, SESSION)
    assert made_by.login == "jmix"


@each_generation
def test_no_two_are_alike(generation):
    made_by = tokens(generation)

    assert len({minted(made_by) for _ in range(200)}) == 200


@each_generation
@pytest.mark.parametrize("other", [{"login": "other"}, {"secret": b"x" * 32}], ids=["login", "secret"])
def test_those_of_others_are_not_ours(generation, other):
    token = minted(tokens(generation, **other))

    assert tokens(generation).recognise(token, 0.0) is None
    assert not tokens(generation).is_ours(token)


@each_generation
def test_each_changed_character_is_seen(generation):
    made_by = tokens(generation)
    token = minted(made_by)

    for place in range(len(token)):
        changed = token[:place] + (b"A" if token[place : place + 1] != b"A" else b"B") + token[place + 1 :]
        assert made_by.recognise(changed, 0.0) is None


def respellings(token):
    """Other texts that a lax decoder reads as the same bytes."""
    raw = b64decode(token)
    yield urlsafe_b64encode(raw)
    yield token.rstrip(b"=")
    yield token + b"="
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(token[26:27])
    for spare in range(1, 4):  # two of the last character's six bits stand for nothing
        yield (
            token[:26] + b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last + spare :][:1] + b"="
        )


def test_a_token_has_one_spelling_that_counts_and_none_that_an_erp_gets_to_see():
    made_by = tokens()
    token = next(token for token in iter(lambda: minted(made_by), b"") if b"+" in token or b"/" in token)

    for other in respellings(token):
        assert made_by.recognise(other, 0.0) is None
        assert made_by.is_ours(other)


@each_generation
@given(garbage=st.binary(max_size=140) | st.text("abcXYZ019+/_-=", min_size=25, max_size=30).map(str.encode))
def test_garbage_is_not_ours(generation, garbage):
    made_by = tokens(generation)

    assert made_by.recognise(garbage, 0.0) is None
    assert not made_by.is_ours(garbage)
