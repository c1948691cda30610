"""Which request another proxy asks about: said by it, each thing once, or not at all."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest, CredentialsMissing, Forbidden, NotFound, StoreUnavailable, UpstreamFault
from gateway.proxy.forward_auth import METHODS, ForwardAuth, asks_refusal, asks_verdict, read_original, verdict_status

CADDY = [(b"X-Forwarded-Method", b"POST"), (b"X-Forwarded-Host", b"erp.example"), (b"X-Forwarded-Uri", b"/a?b=c")]


@pytest.mark.parametrize(
    ("target", "asks"),
    [
        (b"/_gateway/verify", True),
        (b"/_gateway/verify?x", True),
        (b"/_gateway/refusal", True),
        (b"/_gateway/verify/what/envoy?adds", True),
        (b"http://gate/_gateway/verify", True),
        (b"HTTPS://gate:8080/_gateway/verify?x", True),
        (b"/_gateway/verify/../verify#\xff", True),
        (b"/_gateway/verify#x", False),
        (b"/_gateway/verifyx", False),
        (b"/_GATEWAY/verify", False),
        (b"/x/_gateway/verify", False),
        (b"/?/_gateway/verify", False),
        (b"http://gate?/_gateway/verify", False),
        (b"//_gateway/verify", False),
        (b"*", False),
    ],
)
def test_two_paths_and_what_is_below_them_ask_for_a_verdict(target, asks):
    assert asks_verdict(target) is asks
    assert asks_refusal(target) is (asks and b"refusal" in target)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (CADDY, ("POST", b"erp.example", b"/a?b=c", False)),
        (
            [(b"x-original-method", b"GET "), (b"X-ORIGINAL-HOST", b"erp:81"), (b"X-Original-URI", b"/a")],
            ("GET", b"erp:81", b"/a", False),
        ),
        (
            [(b"X-Original-Method", b"GET"), (b"X-Original-URL", b"https://erp.example/a")],
            ("GET", b"erp.example", b"https://erp.example/a", False),
        ),
        ([*CADDY, (b"Sec-WebSocket-Key", b"x")], ("POST", b"erp.example", b"/a?b=c", True)),
        ([*CADDY, (b"X_Forwarded_Uri", b"/other")], ("POST", b"erp.example", b"/a?b=c", False)),
    ],
)
def test_the_request_is_named_by_either_family_of_headers(fields, expected):
    assert read_original(fields) == expected


@pytest.mark.parametrize("missing", range(3))
def test_nothing_is_guessed(missing):
    fields = CADDY[:missing] + CADDY[missing + 1 :]

    with pytest.raises(Forbidden):
        read_original(fields)


@pytest.mark.parametrize(
    "added",
    [
        (b"X-Forwarded-Method", b"POST"),
        (b"X-Original-Method", b"GET"),
        (b"x-forwarded-host", b"erp.example"),
        (b"X-Original-Host", b"other"),
        (b"X-FORWARDED-URI", b"/a?b=c"),
        (b"X-Original-URI", b"/open"),
        (b"X-Original-URL", b"http://erp.example/a?b=c"),
    ],
)
def test_what_stands_there_twice_says_nothing(added):
    with pytest.raises(Forbidden):
        read_original([*CADDY, added])
    with pytest.raises(Forbidden):
        read_original([added, *CADDY])


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, b"get"),
        (0, b"CONNECT"),
        (0, b"TRACE"),
        (0, b"GET, POST"),
        (0, b"FOO"),
        (0, b""),
        (1, b""),
        (1, b"a, b"),
        (1, b"user@erp.example"),
        (1, b"erp.example/x"),
        (1, b"erp.example:http"),
        (2, b""),
    ],
)
def test_a_value_that_is_none_is_refused(at, value):
    fields = list(CADDY)
    fields[at] = (fields[at][0], value)

    with pytest.raises(Forbidden):
        read_original(fields)


class _Reader:
    pass


@given(
    st.sampled_from(sorted(METHODS)) | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ-", min_size=1, max_size=12).map(str.encode)
)
def test_a_method_is_known_where_a_client_could_have_sent_it(method):
    parser = httptools.HttpRequestParser(_Reader())
    try:
        parser.feed_data(method + b" / HTTP/1.1\r\nHost: h\r\n\r\n")
    except httptools.HttpParserError:
        sent = False
    else:
        sent = method not in {b"TRACE", b"CONNECT"}

    assert (method in METHODS) is sent


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CredentialsMissing(), 401),
        (Forbidden(), 403),
        (BadRequest(), 403),
        (NotFound(), 403),
        (StoreUnavailable(), 503),
        (UpstreamFault(), 503),
    ],
)
def test_a_refusal_has_one_of_three_statuses(error, status):
    assert verdict_status(error, ForwardAuth()) == status
    assert verdict_status(error, ForwardAuth(failure_status=403)) == (403 if status == 503 else status)
