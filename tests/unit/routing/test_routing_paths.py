"""Raw targets in, one canonical path out; what could be read in two ways is refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import UnsafePath
from gateway.routing.paths import canonical, split_target, strip_prefix


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"/x/y", b"/x/y", b""),
        (b"/x?", b"/x", b""),
        (b"/x?a=1&b=%zz", b"/x", b"a=1&b=%zz"),  # the query is forwarded byte for byte, never repaired
        (b"/x?a?b/../c;d\\e", b"/x", b"a?b/../c;d\\e"),
        (b"http://erp.example/x?q", b"/x", b"q"),
        (b"HTTPS://ERP.example/x", b"/x", b""),
        (b"http://erp.example", b"/", b""),
        (b"http://erp.example?q", b"/", b"q"),
    ],
)
def test_a_target_splits_into_path_and_query(target, path, query):
    assert split_target(target, b"erp.EXAMPLE") == (path, query)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"*",
        b"erp.example:443",
        b"x",
        b"?q",
        b"//evil",  # split leaves it to `canonical`
        b"http://other.example/x",
        b"http://user@erp.example/x",
        b"http://erp.example:80/x",
        b"http:///x",
        b"http:/x",
        b"ftp://erp.example/x",
        b"http://erp.example#/x",
        b"http://erp.example\\@evil/x",
        b"http://erp.example@evil/x",
        b"/x?a#b",
        b"/x?a b",
        b"/x?\xc3\xa9",
        b"/x?\x00",
        b"/x?a\r\nHost: evil",
    ],
)
def test_a_target_in_another_form_is_refused(target):
    with pytest.raises(UnsafePath):
        canonical(split_target(target, b"erp.example")[0])


def test_absolute_form_without_an_authority_is_refused():
    with pytest.raises(UnsafePath):
        split_target(b"http://erp.example/")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", b"/"),
        (b"/x/", b"/x/"),
        (b"/.well-known/jwks.json", b"/.well-known/jwks.json"),
        (b"/a.b/..c/d..", b"/a.b/..c/d.."),
        (b"/%61%2D%2e%5f%7E", b"/a-._~"),
        (b"/%41/%7a", b"/A/z"),
        (b"/caf%c3%a9", b"/caf%C3%A9"),
        (b"/a%20b", b"/a%20b"),
        (b"/%24metadata/$count", b"/%24metadata/$count"),  # reserved: the two spellings may differ for an ERP
        (b'/a[1]{2}|^`<>"', b'/a[1]{2}|^`<>"'),
        (b"/res.partner(1,2)/name='x'", b"/res.partner(1,2)/name='x'"),
        (b"/a@b:c+d&e=f!*", b"/a@b:c+d&e=f!*"),
        (b"/" + b"a" * 30000, b"/" + b"a" * 30000),
    ],
)
def test_a_path_has_one_spelling(raw, path):
    spelling = canonical(raw)

    assert spelling.path == path
    assert spelling.encoded == frozenset()
    assert len(spelling.readings) == 1


REFUSED = {
    "relative": [b"", b"x", b"%2Fx", b"./x"],
    "raw bytes": [
        b"/a b",
        b"/a\tb",
        b"/a\x00",
        b"/a\x7f",
        b"/a\x80",
        b"/caf\xc3\xa9",
        b"/a\r\nX: y",
        b"/x HTTP/1.1\r\n",
    ],
    "delimiters": [b"/a#b", b"/a?b", b"/secret#/public/"],
    "backslash": [b"/a\\b", b"/..\\x", b"/a%5cb", b"/a%5C..%5Cb", b"/a%255Cb"],
    "bad escapes": [b"/%", b"/a%", b"/a%2", b"/a%zz", b"/a%%61", b"/%u002e", b"/a%+1", b"/% 41", b"/%2%65"],
    "empty segments": [b"//", b"//evil", b"/a//b", b"/a//", b"/%2Fevil", b"/%2F%2Fevil", b"/;/evil"],
    "control bytes": [
        b"/a%00",
        b"/a%0ab",
        b"/a%0D%0A",
        b"/a%1f",
        b"/a%7f",
        b"/a%2500",
        b"/a%c2%85",
        b"/x%20HTTP/1.1%0d%0a",
    ],
    "dot segments": [
        b"/.",
        b"/..",
        b"/a/.",
        b"/a/..",
        b"/a/./b",
        b"/a/../b",
        b"/a/.../b",
        b"/%2e",
        b"/%2E%2e/b",
        b"/a/.%2e",
        b"/a/%2e./b",
        b"/a/..%20/b",
        b"/a/%20../b",
        b"/a/.%20./b",
    ],
    "dot segments beside an encoded delimiter": [
        b"/a/..;/b",
        b"/a/..;x=1/b",
        b"/a/.;/b",
        b"/a/..%3b/b",
        b"/a;/../b",
        b"/a;..",
        b"/a%2F..%2Fb",
        b"/a/..%2fb",
        b"/a%2f../b",
        b"/a/%252e%252e/b",
        b"/a/%25252e%25252e/b",
        b"/a/..%252fb",
        b"/a/%25u002e",
        b"/a/..%3Fb",
        b"/a/..%23b",
    ],
    "not UTF-8": [
        b"/%ff",
        b"/%c0%ae%c0%ae/b",
        b"/a%c0%af..",
        b"/%e0%80%ae",
        b"/%f0%80%80%ae",
        b"/%c3",
        b"/%c3/%a9",
        b"/%ed%a0%80",
        b"/%f4%90%80%80",
        b"/a%25ff",
        b"/%c3%2Fa9",
    ],
    "compatibility forms": [
        b"/a/%ef%bc%8e%ef%bc%8e/b",  # full-width full stops
        b"/a/%e2%80%a5/b",  # two dot leader
        b"/a/..%ef%bc%8fb",  # full-width solidus
        b"/a/..%e2%88%95b",  # division slash
        b"/a/..%ef%bc%bcb",  # full-width backslash
        b"/a/..%cd%be",  # Greek question mark, equivalent to `;`
        b"/a/..%c2%a0",  # no-break space
    ],
    "endless": [b"/a%" + b"25" * 40 + b"41"],
}


@pytest.mark.parametrize("raw", [raw for rows in REFUSED.values() for raw in rows])
def test_a_path_that_an_erp_could_read_differently_is_refused(raw):
    with pytest.raises(UnsafePath):
        canonical(raw)


def test_a_refusal_says_why_in_the_log_and_nothing_of_it_to_the_client():
    with pytest.raises(UnsafePath, match="a bad escape") as refusal:
        canonical(b"/password%zz")

    assert "password" not in str(refusal.value)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("path", "prefix", "left"),
    [
        (b"/api/x", b"/api", b"/x"),
        (b"/api", b"/api", b"/"),
        (b"/api/", b"/api", b"/"),
        (b"/a/b/c%2Fd", b"/a/b", b"/c%2Fd"),
        (b"/x", b"", b"/x"),
    ],
)
def test_a_prefix_is_cut_at_the_end_of_a_segment(path, prefix, left):
    assert strip_prefix(path, prefix) == left


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        (b"/apix", b"/api"),
        (b"/ap", b"/api"),
        (b"/%24x/y", b"/$x"),
        (b"/API/x", b"/api"),
        (b"/api/%2Fhost", b"/api"),
        (b"/api/;x/y", b"/api"),
    ],
)
def test_a_path_that_cannot_be_cut_safely_is_refused(path, prefix):
    with pytest.raises(UnsafePath):
        strip_prefix(path, prefix)


PIECES = [
    b"/",
    b"a",
    b"B",
    b".",
    b"..",
    b"%2e",
    b"%2F",
    b"%2f",
    b"%25",
    b"%5c",
    b";",
    b"%3b",
    b"%00",
    b"%c3%a9",
    b"%20",
    b"$",
    b"%24",
    b"%7e",
    b"%",
]
SPELLINGS = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=12).map(
    lambda pieces: b"/" + b"".join(pieces)
)


@given(SPELLINGS)
@example(b"/%2525")
@example(b"/a%2541")
def test_canonical_is_idempotent(raw):
    try:
        spelling = canonical(raw)
    except UnsafePath:
        return

    assert canonical(spelling.path) == spelling
    assert spelling.path.isascii()


@given(SPELLINGS)
def test_what_is_left_of_a_path_is_canonical_too(raw):
    try:
        left = strip_prefix(canonical(b"/api" + raw).path, b"/api")
    except UnsafePath:
        return

    assert canonical(left).path == left


@given(SPELLINGS)
def test_nothing_but_a_path_or_a_refusal_comes_out(raw):
    try:
        spelling = canonical(raw)
    except UnsafePath:
        return

    for reading in spelling.readings:
        assert reading.startswith(b"/")
        assert not {b".", b".."} & set(reading.split(b"/"))
        assert b"\\" not in reading
        assert not any(byte < 0x20 or byte == 0x7F for byte in reading)
        reading.decode()


@pytest.mark.parametrize(
    "unit", [b"/.", b".", b"%2e", b"%25", b"%2F", b";", b"%20", b"%3F", b"/a", b"%c3%a9", b"%EF%B7%BA"]
)
def test_a_long_path_costs_linear_time(unit):
    """32 KiB of the worst bytes: a quadratic step would take seconds, and the whole suite would time out."""
    for tail in (b"", b"a", b"%", b"/.."):
        try:
            canonical(b"/" + unit * (32 * 1024 // len(unit)) + tail)
        except UnsafePath:
            continue
