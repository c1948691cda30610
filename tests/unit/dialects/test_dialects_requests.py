"""What clients send has one reading or none."""

from base64 import b64encode
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from fakes.token_rig import call
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.requests import basic, bearer, media_type, parse_form, parse_json, read_json, text
from gateway.errors import ClientRejected, CredentialsMissing, MalformedBody, Reason

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(WORDS, WORDS))
def test_a_form_that_a_client_encodes_is_read_back(form):
    assert parse_form(urlencode(form).encode()) == form


@given(st.binary(max_size=200))
def test_random_forms_are_read_or_refused(raw):
    try:
        form = parse_form(raw)
    except MalformedBody:
        return
    assert all(form.values())
    assert not any("\0" in part for pair in form.items() for part in pair)


@given(st.binary(max_size=200))
def test_random_bodies_are_read_or_refused(raw):
    with suppress(MalformedBody):
        assert isinstance(read_json(call(body=raw, content_type="application/json")), dict)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=1&&b=2&", {"a": "1", "b": "2"}),
        (b"a", {}),
        (b"a=", {}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=+%2B%20", {"a": " +  "[:3]}),
        ("a=ü".encode(), {"a": "ü"}),
    ],
)
def test_forms(raw, form):
    assert parse_form(raw) == form


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"a=1&a=", b"a&a", b"a=%", b"a=%g0", b"%00=1", b"a=%80"])
def test_forms_with_two_readings_are_refused(raw):
    with pytest.raises(MalformedBody):
        parse_form(raw)


@pytest.mark.parametrize("value", ["Bearer abc", "bearer abc", "BEARER abc"])
def test_the_scheme_of_a_bearer_has_no_case(value):
    assert bearer(call(authorization=value)) == b"abc"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", Reason.ABSENT),
        ("abc", Reason.MISSING_SCHEME),
        ("Bearerabc def", Reason.MISSING_SCHEME),
        (" Bearer abc", Reason.MISSING_SCHEME),
        ("Bearer", Reason.BAD_HEADER),
        ("Bearer ", Reason.BAD_HEADER),
        ("Bearer  abc", Reason.BAD_HEADER),
        ("Bearer\tabc", Reason.BAD_HEADER),
        ("Bearer a b", Reason.BAD_HEADER),
        ("Bearer a,b", Reason.BAD_HEADER),
        ("Bearer ä", Reason.BAD_HEADER),
    ],
)
def test_a_bearer_is_written_in_one_way_and_a_refusal_says_which_part_is_wrong(value, reason):
    with pytest.raises(CredentialsMissing) as refused:
        bearer(call(authorization=value))

    assert refused.value.reason is reason


def test_what_is_no_token_of_ours_is_still_read_as_a_bearer():
    assert bearer(call(authorization="Bearer not!a@token")) == b"not!a@token"


def encoded(raw):
    return call(authorization="Basic " + b64encode(raw).decode())


def test_basic_is_empty_where_there_is_none():
    assert basic(call()) == ()
    assert basic(call(authorization="Bearer abc")) == ()
    assert basic(call(authorization="basic YTpi")) == (("a", "b"),)


@pytest.mark.parametrize(
    ("raw", "readings"),
    [
        (b"a:b", (("a", "b"),)),
        (b"a:b:c", (("a", "b:c"),)),
        (b"a:", (("a", ""),)),
        (b"a:b+c", (("a", "b c"), ("a", "b+c"))),
        (b"a%3A:b%25", (("a:", "b%"), ("a%3A", "b%25"))),
        (b"a:100%zz", (("a", "100%zz"),)),
        (b"a:%ff", (("a", "%ff"),)),
    ],
)
def test_basic_is_form_decoded_first_and_then_taken_as_it_stands(raw, readings):
    assert basic(encoded(raw)) == readings


@pytest.mark.parametrize("sent", ["YTpiYw==", "YTpiYw"])
def test_the_padding_of_basic_may_be_left_out(sent):
    """Java's decoder, and so Spring, does not ask for it."""
    assert basic(call(authorization=f"Basic {sent}")) == (("a", "bc"),)


@pytest.mark.parametrize(
    "value",
    [
        "Basic",
        "Basic\tYTpi",
        "Basic YQ",
        "Basic YTpiY",
        "Basic YTpiYw=",
        "Basic  YTpi",
        "Basic !",
        "Basic YTpi YTpi",
        "Basic " + "A" * 20_000,
    ],
)
def test_an_unreadable_basic_is_refused(value):
    with pytest.raises(ClientRejected):
        basic(call(authorization=value))


@pytest.mark.parametrize("raw", [b"no colon", b"\xff:\xff", b"a\0:b", b"a" * 257 + b":b"])
def test_a_basic_that_is_no_text_is_refused(raw):
    with pytest.raises(ClientRejected):
        basic(encoded(raw))


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("application/json", "application/json"),
        ("APPLICATION/JSON ; Charset=UTF8", "application/json"),
        ("application/json; boundary=x", "application/json"),
        ("application/json; charset=utf-16", ""),
        ("application/json; charset=us-ascii", "application/json"),
        ("application/json; charset='ISO-8859-1'", "application/json"),
        ("", ""),
    ],
)
def test_media_types(header, kind):
    assert media_type(call(content_type=header)) == kind


def test_a_charset_that_stands_there_a_thousand_times_is_looked_at_once():
    class Body(bytes):
        looked_at = 0

        def isascii(self):
            Body.looked_at += 1
            return super().isascii()

    repeated = "application/json" + "; charset=ascii" * 1000 + "; charset=x-unheard-of" * 1000

    assert media_type(call(body=Body(b"{}"), content_type=repeated)) == ""
    assert media_type(call(body=Body(b"{}"), content_type=repeated.replace("; charset=x-unheard-of", ""))) != ""
    assert Body.looked_at <= 2


@pytest.mark.parametrize("body", ["{\xe9}".encode("latin-1"), "{\xe9}".encode(), b"a=%E9", b"a=%c3%a9"])
def test_another_charset_is_read_where_the_text_is_the_same_in_it(body):
    assert media_type(call(body=body, content_type="application/json; charset=iso-8859-1")) == ""
    assert media_type(call(body=b"a=%2B", content_type="application/json; charset=iso-8859-1")) == "application/json"


def test_a_byte_order_mark_before_json_is_passed_over():
    """Several platforms write one unasked."""
    assert parse_json(b"\xef\xbb\xbf{}") == {}
    with pytest.raises(MalformedBody):
        parse_json(b"\xef\xbb\xbf{}", bom=False)


def test_a_text_may_be_as_long_as_its_limit():
    assert text({"name": "x" * 5}, "name", 5) == "x" * 5
    with pytest.raises(MalformedBody):
        text({"name": "x" * 6}, "name", 5)
