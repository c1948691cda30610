"""Cookies are found, cut and written without touching what is not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import CookieRule
from gateway.tokens.cookies import cookie_values, set_cookie, without_cookie

NOW = 1_800_000_000.9


@pytest.mark.parametrize(
    ("header", "values"),
    [
        (b"session_id=a", [b"a"]),
        (b"a=1; session_id=b; c=2", [b"b"]),
        (b"a=1;session_id=b;c=2", [b"b"]),
        (b"session_id=a; session_id=b", [b"a", b"b"]),
        (b"  session_id = a ; x=y", [b"a"]),
        (b'session_id="a b"', [b"a b"]),
        (b'session_id="', [b'"']),
        (b"session_id=", [b""]),
        (b"session_id=a=b", [b"a=b"]),
        (b"session_id", []),
        (b"Session_Id=a; xsession_id=b; session_idx=c", []),
        (b"other=session_id", []),
        (b"", []),
    ],
)
def test_a_cookie_is_found_by_its_whole_name(header, values):
    assert cookie_values(header, b"session_id") == values


@pytest.mark.parametrize(
    ("header", "left"),
    [
        (b"session_id=ours", None),
        (b'session_id="ours"', None),
        (b"a=1; session_id=ours; c=2", b"a=1; c=2"),
        (b"session_id=ours; c=2", b"c=2"),
        (b"a=1; session_id=ours", b"a=1"),
        (b"a=1;session_id=ours;c=2", b"a=1;c=2"),
        (b"session_id=ours; session_id=theirs; session_id=ours", b"session_id=theirs"),
        (b"session_id=theirs;  x", b"session_id=theirs;  x"),
        (b"other=ours", b"other=ours"),
        (b"xsession_id=ours", b"xsession_id=ours"),
        (b" a=1 ; b ", b" a=1 ; b "),
    ],
)
def test_only_what_is_ours_is_cut_and_all_else_stays_as_it_came(header, left):
    assert without_cookie(header, b"session_id", lambda value: value == b"ours") == left


@given(st.binary(max_size=60))
def test_where_nothing_is_unwanted_nothing_is_changed(header):
    assert without_cookie(header, b"s", lambda _: False) is header


@given(
    st.lists(st.sampled_from([b"s=ours", b's="ours"', b"s=theirs", b"x=ours", b"s", b"", b" s = ours "]), max_size=6)
)
def test_what_was_cut_is_found_no_more(pairs):
    left = without_cookie(b"; ".join(pairs), b"s", lambda value: value == b"ours")

    assert b"ours" not in cookie_values(left or b"", b"s")


def test_a_cookie_is_written_as_odoo_writes_it():
    headers = set_cookie(CookieRule("session_id", 604800), "abc", NOW)

    assert headers == (
        (
            b"Set-Cookie",
            b"session_id=abc; Expires=Fri, 22 Jan 2027 08:00:00 GMT; Max-Age=604800; HttpOnly; Path=/",
        ),
    )


def test_a_cookie_may_be_bound_more_tightly():
    rule = CookieRule("s", 60, path="/web", http_only=False, secure=True, same_site="Lax")

    ((_, value),) = set_cookie(rule, "abc", NOW)

    assert value == b"s=abc; Expires=Fri, 15 Jan 2027 08:01:00 GMT; Max-Age=60; Secure; Path=/web; SameSite=Lax"
