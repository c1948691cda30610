from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.url_token import cut, cut_from_referer, may_carry, values


def ours(value):
    return value.startswith(b"gwa_")


@pytest.mark.parametrize(
    ("query", "found", "left"),
    [
        (b"", [], b""),
        (b"a=1", [], b"a=1"),
        (b"access_token=gwa_x", [b"gwa_x"], b""),
        (b"a=1&access_token=gwa_x&b=%zz", [b"gwa_x"], b"a=1&b=%zz"),
        (b"&&access_token=gwa_x&", [b"gwa_x"], b"&&"),
        (b"access_token=theirs", [b"theirs"], b"access_token=theirs"),
        (b"access_token", [b""], b"access_token"),
        (b"%61ccess%5ftoken=gwa%5fx", [b"gwa_x"], b""),
        (b"access_token=gwa_x&access_token=theirs", [b"gwa_x", b"theirs"], b"access_token=theirs"),
        (b"Access_Token=gwa_x", [], b"Access_Token=gwa_x"),
        (b"xaccess_token=gwa_x&access_token2=gwa_y", [], b"xaccess_token=gwa_x&access_token2=gwa_y"),
        (b"access_token=gwa_x=y", [b"gwa_x=y"], b""),
        (b"%2561ccess_token=gwa_x", [], b"%2561ccess_token=gwa_x"),
        (b"id=7&session_id=gwa_x&a=%20", [], b"id=7&a=%20"),
        (b"session%5Fid=gwa%5fx", [], b""),
        (b"session_id=theirs&xsession_id=gwa_x", [], b"session_id=theirs&xsession_id=gwa_x"),
    ],
)
def test_queries(query, found, left):
    assert values(query) == found
    assert cut(query, ours) == left


@pytest.mark.parametrize(
    ("referer", "left"),
    [
        (b"http://h/p", b"http://h/p"),
        (b"http://h/p?access_token=gwa_x", b"http://h/p"),
        (b"http://h/p?a=1&access_token=gwa_x#f", b"http://h/p?a=1#f"),
        (b"http://h/p#access_token=gwa_x", b"http://h/p"),
        (b"http://h/p?access_token=gwa_x#a=1&%61ccess_token=gwa_x", b"http://h/p#a=1"),
        (b"http://h/p?access_token=theirs#x", b"http://h/p?access_token=theirs#x"),
        (b"http://h/p%20?q", b"http://h/p%20?q"),
        (b"", b""),
    ],
)
def test_referers(referer, left):
    assert cut_from_referer(referer, ours) == left


def test_only_what_is_named_is_cut():
    assert cut(b"session_id=gwa_x&access_token=gwa_y", ours, (b"access_token",)) == b"session_id=gwa_x"


@st.composite
def queries(draw):
    """A query of pairs, some of them our parameter in some spelling."""
    plain = st.from_regex(rb"[a-z%0-9+.]{0,6}(=[a-z%0-9+=.]{0,6})?", fullmatch=True)
    name = st.builds(
        lambda escaped: b"".join(
            b"%%%02x" % byte if flag else bytes((byte,)) for byte, flag in zip(b"access_token", escaped, strict=True)
        ),
        st.lists(st.booleans(), min_size=12, max_size=12),
    )
    value = st.sampled_from([b"gwa_x", b"gwa_y%2e", b"%67wa_z", b"theirs", b""])
    return draw(st.lists(st.one_of(plain, st.builds(lambda n, v: n + b"=" + v, name, value)), max_size=8))


@given(queries())
def test_only_ours_is_cut_and_every_other_byte_stays(pairs):
    query = b"&".join(pairs)

    left = cut(query, ours)

    assert not [value for value in values(left) if ours(value)]
    kept = [
        pair
        for pair in query.split(b"&")
        if not (
            unquote_to_bytes(pair.partition(b"=")[0]) == b"access_token"
            and ours(unquote_to_bytes(pair.partition(b"=")[2]))
        )
    ]
    assert left == b"&".join(kept)
    assert cut(left, ours) == left


@given(queries())
def test_the_cheap_look_never_misses(pairs):
    query = b"&".join(pairs)

    assert may_carry(query) or not values(query)


@given(st.binary(max_size=40))
def test_any_token_comes_out_as_it_was_put_in(token):
    assert values(b"access_token=" + quote_from_bytes(token, safe="").encode()) == [token]
