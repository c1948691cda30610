import pytest
from fakes.wired_gate import Wired

from gateway.proxy import phases

OPEN = {"anonymous": ["/orders/**"]}
GET = b"GET /orders/%d HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d"


@pytest.fixture
def wired():
    return Wired([OPEN])


def test_requests_sent_ahead_are_answered_in_order(wired):
    client = wired.client()
    client.says(GET % 1 + GET % 2 + GET % 3)
    assert not client.transport.reading

    for number in (1, 2, 3):
        assert wired.erp.take().startswith(b"GET /orders/%d " % number)
        wired.idle[0].data_received(OK % number)
        assert client.hears().endswith(b"%d" % number)

    assert client.transport.reading


def test_a_refusal_waits_for_its_turn(wired):
    client = wired.client()

    client.says(GET % 1 + b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.hears() == b""
    wired.idle[0].data_received(OK % 1)

    first, second = client.hears().split(b"HTTP/1.1 404")
    assert first.endswith(b"1")
    assert b"not_found" in second


def test_hundreds_of_refusals_at_once_need_no_deep_stack(wired):
    client = wired.client()

    client.says(b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n" * 500)

    assert client.hears().count(b"HTTP/1.1 404") == 500


def test_connection_close_ends_it_after_the_answer(wired):
    client = wired.client()
    client.says(b"GET /orders/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /orders/2")

    wired.idle[0].data_received(OK % 1)

    assert b"Connection: close\r\n" in client.hears()
    assert client.transport.ended == "closed"


@pytest.mark.parametrize(
    ("begin", "phase", "status"),
    [
        (b"GET /orders/1 HT", phases.HEAD, b"408"),
        (b"POST /orders/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n1", phases.BODY, b"408"),
        (GET % 1, phases.RESPONSE, b"504"),
    ],
)
def test_what_takes_too_long_is_told(wired, begin, phase, status):
    client = wired.client()
    client.says(begin)
    assert client.connection.phase == phase
    assert client.connection.deadline > wired.gate.now

    client.connection.expire()

    assert client.hears().startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("says", [b"", GET % 1])
def test_an_idle_connection_is_closed_in_silence(wired, says):
    client = wired.client()
    if says:
        client.says(says)
        wired.idle[0].data_received(OK % 1)
        client.hears()

    client.connection.expire()

    assert client.transport.ended == "aborted"
    assert client.hears() == b""


def test_an_answer_that_nobody_reads_is_cut(wired):
    client = wired.client()
    client.says(GET % 1)
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1")

    client.connection.pause_writing()
    assert not wired.erp.reading
    assert client.connection.phase == phases.DRAIN
    client.connection.expire()

    assert client.transport.ended == "aborted"


def test_and_goes_on_once_it_is_read(wired):
    client = wired.client()
    client.says(GET % 1)
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1")

    client.connection.pause_writing()
    client.connection.resume_writing()

    assert wired.erp.reading
    assert client.connection.phase == phases.STREAM


def test_work_of_our_own_is_not_ended_by_the_sweeper(wired):
    client = wired.client()
    client.connection.phase = phases.NOTHING

    client.connection.expire()

    assert not client.transport.ended
    assert client.connection.deadline == float("inf")


def test_a_client_that_stops_sending_still_gets_its_answer(wired):
    client = wired.client()
    client.says(GET % 1)

    assert client.connection.eof_received()
    wired.idle[0].data_received(OK % 1)

    assert client.hears().endswith(b"1")
    assert client.transport.ended == "closed"


def test_one_that_stops_with_nothing_owed_is_gone(wired):
    assert not wired.client().connection.eof_received()


def test_a_lost_connection_ends_what_waits_behind_the_present_exchange(wired):
    client = wired.client()
    client.says(GET % 1 + GET % 2)

    client.connection.connection_lost(None)

    assert [line[4] for line in wired.lines] == [499, 499]
    assert wired.gate.connections == set()
