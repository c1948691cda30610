from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamFault
from gateway.model import Reply
from gateway.proxy.answer import STATUS_LINES, AnswerActions, http_date, own_head, private, read_answer

ACTIONS = AnswerActions([b"X-Auth-User"])


def pairs(parts):
    return [(parts[at], parts[at + 2]) for at in range(0, len(parts), 4)]


def read(*fields):
    return read_answer(list(fields), ACTIONS)


def test_an_answers_headers_are_passed_on_in_order():
    fields = [(b"Set-Cookie", b"a=1"), (b"Content-Length", b"2"), (b"set-cookie", b"b=2"), (b"Server", b"odoo")]

    answer = read(*fields)

    assert pairs(answer.parts) == fields
    assert answer.sized
    assert not answer.chunked


@pytest.mark.parametrize(
    "name",
    [
        b"Keep-Alive",
        b"Proxy-Authenticate",
        b"Upgrade",
        b"TE",
        b"Alt-Svc",
        b"Connection",
        b"x-auth-user",
        b"X_Auth.User",
    ],
)
def test_hop_by_hop_headers_and_ours_are_not_passed_on(name):
    assert read((name, b"x")).parts == []


def test_what_connection_names_is_removed():
    answer = read((b"X-Hop", b"1"), (b"Connection", b"x-hop, close"), (b"X-End", b"2"))

    assert pairs(answer.parts) == [(b"X-End", b"2")]


@pytest.mark.parametrize("value", [b"gzip, chunked", b"gzip", b"identity"])
def test_another_transfer_coding_is_the_upstreams_fault(value):
    with pytest.raises(UpstreamFault):
        read((b"Transfer-Encoding", value))


def test_chunked_is_known_once():
    assert read((b"Transfer-Encoding", b" Chunked ")).chunked
    with pytest.raises(UpstreamFault):
        read((b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked"))


def test_a_location_is_kept_to_be_rewritten():
    assert read((b"location", b"/x")).location == b"/x"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([], b"private"),
        ([b"public"], b"private"),
        ([b"PUBLIC, max-age=1,S-MaxAge=2"], b"private, max-age=1"),
        ([b"no-store", b"private"], b"private, no-store"),
        ([b'private="set-cookie", no-cache'], b"private, no-cache"),
    ],
)
def test_an_answer_to_a_url_token_is_for_one_browser_only(said, told):
    parts = [part for value in said for part in (b"cache-CONTROL", b": ", value, b"\r\n")]
    parts += (b"Referrer-Policy", b": ", b"unsafe-url", b"\r\n", b"CDN-Cache-Control", b": ", b"public", b"\r\n")

    private(parts)

    assert pairs(parts) == [(b"Cache-Control", told), (b"Referrer-Policy", b"no-referrer")]


@given(st.lists(st.sampled_from([b"public", b"s-maxage=1", b"private", b"no-store", b"max-age=3", b" Public ", b""])))
def test_nothing_public_is_left(directives):
    parts = [b"Cache-Control", b": ", b",".join(directives), b"\r\n"]

    private(parts)

    said = [directive.strip().lower() for directive in dict(pairs(parts))[b"Cache-Control"].split(b",")]
    assert b"private" in said
    assert not {b"public", b"s-maxage=1"} & set(said)


def test_our_own_head_says_how_long_the_body_is():
    head = own_head(Reply(404, b"body", ((b"Content-Type", b"text/plain"),)), b"Connection: close\r\n")

    assert head.startswith(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nDate: ")
    assert head.endswith(b" GMT\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_has_no_length(status):
    assert b"Content-Length" not in own_head(Reply(status), b"")


def test_a_status_without_a_name_has_an_empty_phrase():
    assert STATUS_LINES[299] == b"HTTP/1.1 299 \r\n"
    assert own_head(Reply(799), b"").startswith(b"HTTP/1.1 799 \r\n")


def test_the_date_is_now():
    assert parsedate_to_datetime(http_date().decode()).utcoffset().total_seconds() == 0
    assert http_date() is http_date() or http_date() != b""


def test_the_memo_of_names_is_bounded():
    actions = AnswerActions()
    for number in range(5000):
        assert actions[b"x-%d" % number] is None

    assert len(actions) < 5000


def test_an_upstream_does_not_overwrite_a_cookie_of_a_login():
    actions = AnswerActions(cookies=[b"session_id"])
    theirs = [(b"Set-Cookie", b"session_idx=1"), (b"set-cookie", b"x=session_id=1"), (b"Set-Cookie", b"Session_Id=1")]
    ours = [
        (b"Set-Cookie", b"session_id=1; Path=/"),
        (b"set-cookie", b" session_id = 1"),
        (b"SET-COOKIE", b"session_id"),
    ]

    answer = read_answer([*ours, *theirs], actions)

    assert pairs(answer.parts) == theirs
    assert read_answer(ours, actions).sets_cookie, "it stays one client's secret, which no memory of heads may keep"
