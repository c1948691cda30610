import pytest
from fakes.wired_gate import Wired
from hypothesis import given
from hypothesis import strategies as st

OPEN = {"anonymous": ["/orders/**"]}
GET = b"GET /orders/x HTTP/1.1\r\nHost: h\r\n"
POST = b"POST" + GET[3:]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"


@pytest.fixture
def wired():
    return Wired([OPEN])


def answers(wired, raw):
    client = wired.client()
    client.says(raw)
    return client.hears()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /orders/x HTTP/2.0\r\nHost: h\r\n\r\n", b"505"),
        (b"GET /orders/x HTTP/1.1\r\nHost : h\r\n\r\n", b"400"),
        (b"GET /orders/x HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", b"400"),
        (GET + b"X: a\x00b\r\n\r\n", b"400"),
        (GET + b": empty\r\n\r\n", b"400"),
        (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n1", b"400"),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (POST + b"Content-Length: -1\r\n\r\n", b"400"),
        (POST + b"Content-Length: \r\n\r\n", b"400"),
        (POST + b"Content-Length: 1,1\r\n\r\n1", b"400"),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", b"501"),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (GET + b"X" * 300 + b": 1\r\n\r\n", b"400"),
        (GET + b"X: " + b"x" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /orders/" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"431"),
        (b"get /orders/x HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(wired, raw, status):
    client = wired.client()

    client.says(raw)

    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 " + status), heard
    assert b"Connection: close\r\n" in heard
    assert wired.erp.take() == b""
    client.says(GET + b"\r\n")
    assert client.hears() == wired.erp.take() == b"", "nothing that follows is read"


def test_a_head_may_come_byte_by_byte(wired):
    client = wired.client()

    client.says(*[bytes((byte,)) for byte in GET + b"X-A: 1\r\n\r\n"])

    assert b"X-A: 1\r\n" in wired.erp.take()


def test_a_head_over_the_limit_is_refused_before_it_ends(wired):
    client = wired.client()

    client.says(GET)
    for _ in range(40):
        client.says(b"X-A: " + b"x" * 1000 + b"\r\n")

    assert client.hears().startswith(b"HTTP/1.1 431")


def test_a_body_that_breaks_its_framing_is_refused(wired):
    client = wired.client()
    client.says(POST + b"Transfer-Encoding: chunked\r\n\r\n")

    client.says(b"zz\r\n")

    assert client.hears().startswith(b"HTTP/1.1 400")
    assert wired.erp.ended == "aborted"


@pytest.mark.parametrize(
    "endless", [b"X-T: " + b"x" * 900 + b"\r\n", b"1;" + b"x" * 900 + b"\r\n"], ids=["trailers", "extension"]
)
def test_what_is_no_body_does_not_go_on_for_ever(wired, endless):
    client = wired.client()
    client.says(POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"0\r\n" if endless.startswith(b"X") else b""))

    for _ in range(100):
        client.says(endless[:-2] if endless.startswith(b"1") else endless)

    assert client.hears()[:12] in {b"HTTP/1.1 431", b"HTTP/1.1 400"}


def test_an_ignored_upgrade_is_an_ordinary_request_with_its_body(wired):
    client = wired.client()

    client.says(POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok")
    sent = wired.erp.take()
    assert sent.endswith(b"Content-Length: 2\r\n\r\nok")
    assert b"h2c" not in sent
    wired.idle[0].data_received(OK)
    client.says(GET + b"\r\n")

    assert wired.erp.take().startswith(b"GET /orders/x ")


def test_what_follows_a_refused_handshake_is_http_again(wired):
    client = wired.client()
    client.says(GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + GET.replace(b"/x", b"/next") + b"\r\n")
    assert b"next" not in wired.erp.take()

    wired.idle[0].data_received(OK)

    assert wired.erp.take().startswith(b"GET /orders/next ")


@given(st.lists(st.integers(1, 60), max_size=12))
def test_however_the_bytes_are_cut_the_requests_are_the_same(cuts):
    wired = Wired([OPEN])
    client = wired.client()
    raw = POST + b"Transfer-Encoding: chunked\r\nX-A: 1\r\n\r\n3\r\nabc\r\n2;e\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
    at = 0
    for cut in cuts:
        client.says(*([raw[at : at + cut]] if raw[at : at + cut] else []))
        at += cut
    client.says(*([raw[at:]] if raw[at:] else []))

    head, _, body = wired.erp.take().partition(b"\r\n\r\n")
    assert b"X-A: 1" in head
    assert head.startswith(b"POST /orders/x HTTP/1.1\r\nHost: h\r\n")
    content, rest = b"", body
    while (size := int(rest.partition(b"\r\n")[0], 16)) > 0:
        rest = rest.partition(b"\r\n")[2]
        content, rest = content + rest[:size], rest[size + 2 :]
    assert content == b"abcde"
    assert rest == b"0\r\nX-T: 1\r\n\r\n"


@given(st.binary(max_size=200))
def test_no_bytes_are_a_defect(raw):
    wired = Wired([OPEN])
    client = wired.client()

    client.says(GET + raw)

    heard = client.hears()
    assert b" 500 " not in heard
    assert wired.erp.take().count(b"\r\nHost: h\r\n") <= 1


MANY = (GET + b"\r\n") * 2000
BODY = POST + b"Content-Length: 50000\r\n\r\n" + b"x" * 50_000


@pytest.mark.parametrize("before", [MANY, BODY], ids=["requests", "a body"])
def test_a_head_cut_off_behind_other_messages_is_not_charged_for_them(before):
    """A burst is read in pieces that end anywhere: 64 KiB of good requests were no head of 64 KiB."""
    wired = Wired(endpoints=None)  # no credential: all are answered at once
    client = wired.client()

    client.says(before + GET[:20], GET[20:] + b"\r\n")

    statuses = {line for line in client.hears().split(b"\r\n") if line.startswith(b"HTTP/1.1")}
    assert statuses == {b"HTTP/1.1 401 Unauthorized"}


@pytest.mark.parametrize("rest", [b"x" * 30_000 + b"\r\n\r\n", b"x" * 40_000], ids=["complete", "endless"])
def test_but_it_is_measured_all_the_same(rest):
    wired = Wired()
    client = wired.client()

    client.says(MANY + GET + b"X: " + b"x" * 10_000, rest)

    assert b"HTTP/1.1 431" in client.hears()
