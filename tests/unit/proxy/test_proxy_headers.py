import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest, NotImplementedMessage, SeveralCredentials
from gateway.proxy.head import RequestHead
from gateway.proxy.headers import LONGEST_NAME, MEMO, HeaderActions, fold, read_head, without, without_aliases

ASSERTED = (b"X-Auth-User", b"X-Gateway-Assertion")
INJECTED = (b"x-erp-key",)
NEVER = {fold(name) for name in ASSERTED} | {
    b"forwarded",
    b"x-real-ip",
    b"x-rewrite-url",
    b"x-method-override",
    b"authorization",
    b"x-api-key",
    b"x-request-id",
    b"host",
    b"cookie",
    b"connection",
    b"keep-alive",
    b"te",
    b"upgrade",
    b"http2-settings",
    b"transfer-encoding",
    b"content-length",
    b"proxy-authorization",
}
FAMILIES = (b"x-forwarded-", b"x-original-", b"x-envoy-", b"x-http-method")


def read(*fields, actions=None):
    head = RequestHead("GET", b"/", list(fields), keep_alive=True)
    read_head(head, actions if actions is not None else HeaderActions(ASSERTED, INJECTED))
    return head


def pairs(copied):
    return [(copied[at], copied[at + 2]) for at in range(0, len(copied), 4)]


def test_ordinary_headers_are_copied_in_order_and_as_they_are():
    fields = [(b"Accept", b"*/*"), (b"X-Own", b"1"), (b"accept", b"\xff ;q=0"), (b"X-Own", b"")]

    head = read(*fields)

    assert pairs(head.copied) == fields
    assert b"".join(head.copied) == b"".join(b"%b: %b\r\n" % field for field in fields)


@pytest.mark.parametrize(
    "name",
    [
        *sorted(NEVER),
        b"X-Forwarded-User",
        b"X-Forwarded-Anything",
        b"X-Original-URL",
        b"X-Envoy-Original-Path",
        b"X-HTTP-Method-Override",
        b"X-HTTP-Method",
        b"Proxy-Connection",
        b"Proxy-Authenticate",
    ],
)
@pytest.mark.parametrize(
    "alias", [bytes.lower, bytes.title, lambda name: name.replace(b"-", b"_"), lambda name: name.replace(b"-", b".")]
)
def test_no_spelling_of_what_is_ours_is_copied(name, alias):
    """CVE-2025-64484, CVE-2026-52845: WSGI folds `_` onto `-`, PHP folds `.`, too."""
    value = b"1" if fold(alias(name)) == b"content-length" else b"chunked"

    assert read((alias(name), value)).copied == []


def test_forwarded_is_nobodys_word():
    """A proxy that sets X-Forwarded-For may pass on what its client wrote there."""
    head = read((b"Forwarded", b"for=192.0.2.1;proto=https;host=front"))

    assert (head.forwarded_for, head.forwarded_proto, head.forwarded_host) == (None, None, None)


def test_the_gateway_keeps_what_it_reads_itself():
    head = read(
        (b"Host", b"h "),
        (b"authorization", b"Bearer x "),
        (b"X-API-KEY", b"k"),
        (b"Cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"Referer", b"http://r/"),
        (b"X-Request-Id", b"abc"),
        (b"X-Forwarded-For", b"192.0.2.1"),
        (b"X-Forwarded-For", b"192.0.2.2"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"front"),
        (b"Content-Type", b"text/plain"),
        (b"Origin", b"http://o"),
        (b"Sec-Fetch-Site", b"none"),
    )

    assert (head.host, head.authorization, head.api_key) == (b"h", b"Bearer x", b"k")
    assert (head.cookie, head.referer, head.request_id) == (b"a=1; b=2", b"http://r/", b"abc")
    assert (head.forwarded_for, head.forwarded_proto, head.forwarded_host) == (
        b"192.0.2.1, 192.0.2.2",
        b"https",
        b"front",
    )
    assert (head.content_type, head.origin, head.fetch_site) == (b"text/plain", b"http://o", b"none")
    assert [name for name, _ in pairs(head.copied)] == [b"Content-Type", b"Origin", b"Sec-Fetch-Site"]


@pytest.mark.parametrize(
    ("fields", "cookie"),
    [
        ([(b"X-Session", b"abc")], b"sid=abc"),
        ([(b"Cookie", b"a=1"), (b"x-session", b" abc ")], b"a=1; sid=abc"),
        ([(b"X-Session", b"abc"), (b"Cookie", b"sid=abc")], b"sid=abc; sid=abc"),
        ([(b"X-Session", b"a; lang=x")], None),
        ([(b"X-Session", b"")], None),
        ([(b"X_Session", b"abc"), (b"X.Session", b"abc")], None),
    ],
)
def test_a_header_may_stand_for_a_cookie(fields, cookie):
    head = read(*fields, actions=HeaderActions(sessions={b"x-session": b"sid"}))

    assert (head.cookie, head.copied, head.conditional) == (cookie, [], None)


def test_without_such_a_login_it_is_a_header_like_any_other():
    assert pairs(read((b"X-Session", b"abc")).copied) == [(b"X-Session", b"abc")]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ([(b"Host", b"a"), (b"host", b"a")], BadRequest),
        ([(b"Content-Type", b"text/plain"), (b"content-type", b"application/x-www-form-urlencoded")], BadRequest),
        ([(b"Content-Length", b"1"), (b"Content-Length", b"1")], BadRequest),
        ([(b"Content-Length", b"9" * 19)], BadRequest),
        ([(b"Content-Length", b"x")], BadRequest),
        ([(b"Content-Length", b"+1")], BadRequest),
        ([(b"Content-Length", b"1_0")], BadRequest),
        ([(b"Content-Length", b"")], BadRequest),
        ([(b"Authorization", b"a"), (b"AUTHORIZATION", b"b")], SeveralCredentials),
        ([(b"X-API-Key", b"a"), (b"x-api-key", b"a")], SeveralCredentials),
        ([(b"Transfer-Encoding", b"gzip, chunked")], NotImplementedMessage),
        ([(b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")], NotImplementedMessage),
        ([(b"Transfer-Encoding", b"identity")], NotImplementedMessage),
        ([(b"X" * (LONGEST_NAME + 1), b"")], BadRequest),
    ],
)
def test_what_means_two_things_is_refused(fields, error):
    with pytest.raises(error):
        read(*fields)


@pytest.mark.parametrize("value", [b"", b"x" * 65, b"a b", b"a\tb", b'"', b"\xff", b"a/b"])
def test_a_malformed_request_id_is_dropped(value):
    assert read((b"X-Request-Id", value)).request_id is None


def test_an_expectation_is_understood_or_ignored():
    assert read((b"Expect", b" 100-Continue ")).expects_continue
    assert not read((b"Expect", b"200-ok")).expects_continue


@pytest.mark.parametrize(
    "value", [b"X-Own, Accept", b"keep-alive,x-own ,\taccept", b"X-OWN, ACCEPT, X-Auth-User, Host"]
)
def test_what_connection_names_is_not_passed_on(value):
    head = read((b"X-Own", b"1"), (b"Connection", value), (b"Accept", b"*/*"), (b"Host", b"h"), (b"Other", b"2"))

    assert pairs(head.copied) == [(b"Other", b"2")]
    assert head.host == b"h"


def test_names_with_an_underscore_and_injected_names_wait_for_the_route():
    head = read((b"API_KEY", b"1"), (b"X-ERP-Key", b"2"), (b"X.Erp.Key", b"3"), (b"Own", b"4"))

    assert head.conditional == [(b"API_KEY", b"1"), (b"X-ERP-Key", b"2"), (b"X.Erp.Key", b"3")]
    assert pairs(head.copied) == [(b"Own", b"4")]


def test_the_memo_is_bounded_and_changes_nothing():
    actions = HeaderActions(ASSERTED, INJECTED)
    for number in range(MEMO + 10):
        read((b"X-%d" % number, b""), actions=actions)

    assert len(actions) == MEMO
    assert read((b"X_Auth_User", b"root"), (b"X-Late", b"1"), actions=actions).copied == [
        b"X-Late",
        b": ",
        b"1",
        b"\r\n",
    ]


def test_removal_by_name_and_by_alias():
    copied = [b"X-A", b": ", b"1", b"\r\n", b"x_a", b": ", b"2", b"\r\n", b"B", b": ", b"3", b"\r\n"]

    assert pairs(without_aliases(copied, {b"x-a"})) == [(b"B", b"3")]
    without(copied, [b"x-a"])
    assert pairs(copied) == [(b"x_a", b"2"), (b"B", b"3")]


NAMES = st.one_of(
    st.sampled_from(sorted(NEVER | {b"x-forwarded-for", b"x-erp-key"})),
    st.from_regex(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,30}", fullmatch=True),
)


@st.composite
def spelled(draw):
    """A name in some spelling that an ERP may fold back."""
    name = draw(NAMES)
    return bytes(
        draw(st.sampled_from(b"-_." if byte in b"-_." else bytes({byte, *bytes((byte,)).upper()}))) for byte in name
    )


VALUES = st.from_regex(rb"[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff\t]{0,20}[\x21-\x7e\x80-\xff])?", fullmatch=True)
HEAD = re.compile(rb"(?:([^:\r\n]+): ([^\r\n]*)\r\n)*")


@given(st.lists(st.tuples(spelled(), VALUES), max_size=12))
def test_nothing_a_client_sends_makes_an_asserted_header_appear(fields):
    try:
        head = read(*fields)
    except (BadRequest, NotImplementedMessage, SeveralCredentials):
        return

    for name, _ in pairs(head.copied):
        assert fold(name) not in NEVER
        assert not fold(name).startswith(FAMILIES)
        assert b"_" not in name


@given(st.lists(st.tuples(spelled(), VALUES), max_size=12))
def test_the_copied_block_parses_back_to_what_was_meant(fields):
    try:
        head = read(*fields)
    except (BadRequest, NotImplementedMessage, SeveralCredentials):
        return
    block = b"".join(head.copied)

    assert HEAD.fullmatch(block)
    lines = [tuple(line.split(b": ", 1)) for line in block.split(b"\r\n")[:-1]]
    assert lines == pairs(head.copied)
    remaining = iter(fields)
    assert all(field in remaining for field in lines), "in the order they came, and none invented"


@pytest.mark.parametrize("name", [b"Content-Type", b"Origin", b"Sec-Fetch-Site"])
def test_two_that_differ_of_what_we_judge_by_are_refused(name):
    """The ERP might go by the one that we did not."""
    with pytest.raises(BadRequest, match=f"more than one {name.decode().lower()} header"):
        read((name, b"one"), (name.lower(), b"two"))

    assert pairs(read((name, b"one"), (name, b"one")).copied) == [(name, b"one"), (name, b"one")]
