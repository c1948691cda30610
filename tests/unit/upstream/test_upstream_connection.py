import pytest
from fakes.transports import StillTransport
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.connection import MAX_ANSWER_HEAD, UpstreamConnection

ASK = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Sink:
    """Writes down what it is told."""

    known_answers = None

    def __init__(self):
        self.told = []
        self.body = b""
        self.error = None
        self.stale = None
        self.ended = False
        self.status = 0

    def answer_informational(self, status, fields):
        self.told.append(status)

    def answer_head(self, status, fields):
        self.status = status
        self.fields = fields

    def answer_body(self, data):
        self.body += data

    def answer_paused(self):
        self.told.append("paused")

    def answer_end(self, trailers):
        self.ended = True
        self.trailers = trailers

    def answer_switched(self, fields, connection, rest):
        self.told.append(("switched", rest))

    def upstream_failed(self, error, *, stale):
        self.error, self.stale = error, stale

    def upstream_full(self):
        self.told.append("full")

    def upstream_drained(self):
        self.told.append("drained")


class Home:
    """The pool, as a connection sees it."""

    def __init__(self):
        self.idle = []
        self.gone = []

    def release(self, connection):
        self.idle.append(connection)

    def forget(self, connection):
        self.gone.append(connection)


class Line:
    """A connection and its two ends."""

    def __init__(self):
        self.home = Home()
        self.connection = UpstreamConnection(self.home)
        self.transport = StillTransport()
        self.connection.connection_made(self.transport)

    def ask(self, *, head_only=False, request_done=True):
        sink = Sink()
        self.connection.start(sink, ASK, head_only=head_only, request_done=request_done)
        return sink

    def answers(self, *parts):
        for part in parts:
            self.connection.data_received(part)


@pytest.fixture
def line():
    return Line()


def test_an_answer_in_one_piece(line):
    sink = line.ask()
    assert line.transport.take() == ASK

    line.answers(OK)

    assert (sink.status, sink.body, sink.ended) == (200, b"hello", True)
    assert line.home.idle == [line.connection]
    assert line.connection.reused


@given(st.lists(st.integers(1, 20), max_size=10))
def test_however_it_is_cut_it_is_the_same_answer(cuts):
    line = Line()
    sink = line.ask()
    raw = b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
    at = 0
    for cut in cuts:
        if raw[at : at + cut]:
            line.answers(raw[at : at + cut])
        at += cut
    if raw[at:]:
        line.answers(raw[at:])

    assert (sink.status, sink.body, sink.ended, sink.trailers) == (200, b"abcde", True, [(b"T", b"1")])
    assert sink.told[0] in {100, "paused"}
    assert line.home.idle == [line.connection]


@pytest.mark.parametrize("status", [b"099", b"000"])
def test_a_status_that_is_none_lets_no_body_pass_without_a_head(line, status):
    sink = line.ask()

    line.answers(b"HTTP/1.1 " + status + b" X\r\n\r\n" + OK)

    assert sink.error is not None
    assert (sink.body, sink.told, sink.status) == (b"", [], 0)
    assert line.transport.ended


def test_an_answer_to_head_has_no_body_whatever_it_says(line):
    sink = line.ask(head_only=True)
    line.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert sink.ended

    sink = line.ask()
    line.answers(OK)

    assert (sink.status, sink.body) == (200, b"hello"), "the next answer is no body of the one before"


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"]
)
def test_an_answer_without_a_length_ends_with_the_connection(line, head):
    sink = line.ask()
    line.answers(head, b"abc")
    assert not sink.ended

    line.connection.connection_lost(None)

    assert (sink.body, sink.ended, sink.error) == (b"abc", True, None)
    assert line.home.idle == []


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (b"", None),
        (b"HTTP/1.1 2", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", None),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", ConnectionResetError()),
        (b"HTTP/1.1 100 Go\r\n\r\n", None),
    ],
)
def test_an_answer_that_breaks_off_is_a_failure(line, answer, lost):
    sink = line.ask()
    if answer:
        line.answers(answer)

    line.connection.connection_lost(lost)

    assert sink.error is not None
    assert not sink.ended


@pytest.mark.parametrize(("begin", "stale"), [(b"", True), (b"H", False)])
def test_a_reused_connection_that_was_closed_is_stale_until_the_first_byte(line, begin, stale):
    line.ask()
    line.answers(OK)
    sink = line.ask()
    if begin:
        line.answers(begin)

    line.connection.connection_lost(None)

    assert sink.stale == stale


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_ANSWER_HEAD + 1),
    ],
)
def test_what_is_no_answer_is_a_failure(line, raw):
    sink = line.ask()

    line.answers(raw)

    assert sink.error is not None
    assert line.transport.ended == "aborted"


@pytest.mark.parametrize("more", [OK, b"garbage"])
def test_a_second_answer_is_nobodys(line, more):
    sink = line.ask()

    line.answers(OK + more)

    assert (sink.body, sink.ended) == (b"hello", True)
    assert line.home.idle == []
    assert line.transport.ended


def test_bytes_that_nobody_asked_for_end_the_connection(line):
    line.ask()
    line.answers(OK)

    line.answers(OK)

    assert line.transport.ended == "aborted"


def test_an_answer_before_the_end_of_the_request_cannot_be_followed_by_another(line):
    sink = line.ask(request_done=False)

    line.answers(OK)

    assert sink.ended
    assert line.home.idle == []
    assert line.transport.ended == "closed"


def test_an_upgrade_gives_the_connection_away(line):
    sink = line.ask()

    line.answers(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nrest")

    assert sink.told[-1] in {("switched", b"rest"), "paused"}
    assert ("switched", b"rest") in sink.told
    assert line.home.gone == [line.connection]
    assert not line.transport.ended


def test_back_pressure_is_told(line):
    sink = line.ask()

    line.connection.pause_writing()
    line.connection.resume_writing()

    assert sink.told == ["full", "drained"]


def test_an_abandoned_exchange_hears_nothing_more(line):
    sink = line.ask()

    line.connection.abandon()
    line.connection.connection_lost(None)

    assert (sink.error, sink.ended) == (None, False)
    assert line.transport.ended == "aborted"
