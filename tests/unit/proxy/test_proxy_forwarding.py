import pytest
from fakes.wired_gate import Wired

POST = b"POST /orders/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer warm\r\n"
GET = b"GET" + POST[4:]


def begun(raw, *routes, **options):
    wired = Wired(routes, **options)
    client = wired.client()
    client.says(raw)
    return wired, client


def test_a_body_is_passed_on_as_it_arrives():
    wired, client = begun(POST + b"Content-Length: 6\r\n\r\nab")
    assert wired.erp.take().endswith(b"Content-Length: 6\r\n\r\nab")

    client.says(b"cd")
    assert wired.erp.take() == b"cd"
    client.says(b"ef")
    assert wired.erp.take() == b"ef"


def test_chunks_are_framed_anew_and_trailers_filtered():
    wired, client = begun(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    wired.erp.take()

    client.says(b"2;ext=1\r\nab\r\n", b"0\r\nX-Sum: 1\r\nX-Auth-User: root\r\n\r\n")

    assert wired.erp.take() == b"2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n"


def test_what_the_route_sets_or_removes_comes_in_no_trailer_either():
    wired, client = begun(
        POST + b"Transfer-Encoding: chunked\r\n\r\n", {"remove_headers": frozenset({b"x-role", b"x-debug"})}
    )
    wired.erp.take()

    client.says(b"0\r\nX-Role: admin\r\nX.ROLE: admin\r\nX-Debug: 1\r\nX-Sum: 1\r\n\r\n")

    assert wired.erp.take() == b"0\r\nX-Sum: 1\r\n\r\n"


def test_a_body_over_the_limit_is_refused_as_it_comes():
    wired, client = begun(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", {"body_limit": 8})

    client.says(b"4\r\n6789\r\n")

    assert client.hears().startswith(b"HTTP/1.1 413")
    assert wired.erp.ended == "aborted"


def test_back_pressure_of_the_upstream_stops_the_client():
    wired, client = begun(POST + b"Content-Length: 6\r\n\r\nab")

    wired.idle[0].pause_writing()
    assert not client.transport.reading
    wired.idle[0].resume_writing()

    assert client.transport.reading


def test_an_answers_body_is_passed_on_as_it_arrives_and_its_head_with_the_first_of_it():
    wired, client = begun(GET + b"\r\n")
    erp = wired.idle[0]

    erp.data_received(b"HTTP/1.1 200 Whatever\r\nContent-Length: 6\r\nX-A: 1\r\n\r\nab")
    assert client.hears() == b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-A: 1\r\n\r\nab"
    erp.data_received(b"cd")
    assert client.hears() == b"cd"
    erp.data_received(b"ef")
    assert client.hears() == b"ef"

    assert wired.server.idle == [erp]


def test_a_head_without_a_body_yet_is_sent_at_once():
    wired, client = begun(GET + b"\r\n")

    wired.idle[0].data_received(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert client.hears().endswith(b"Transfer-Encoding: chunked\r\n\r\n")
    wired.idle[0].data_received(b"3\r\nabc\r\n")
    assert client.hears() == b"3\r\nabc\r\n"
    wired.idle[0].data_received(b"0\r\nX-Sum: 1\r\nX-Auth-User: a\r\n\r\n")
    assert client.hears() == b"0\r\nX-Sum: 1\r\n\r\n"


def test_an_answer_that_the_end_of_the_connection_ends():
    wired, client = begun(GET + b"\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\n\r\nabc")
    assert client.hears().endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")

    wired.idle[0].connection_lost(None)

    assert client.hears() == b"0\r\n\r\n"
    assert not client.transport.ended


def test_http_1_0_gets_it_unframed_and_closed():
    wired, client = begun(GET.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")

    heard = client.hears()
    assert b"Transfer-Encoding" not in heard
    assert heard.endswith(b"\r\n\r\nabc")
    assert client.transport.ended == "closed"


@pytest.mark.parametrize(
    "half",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
    ],
)
def test_a_back_end_that_dies_midway_never_looks_complete(half):
    wired, client = begun(GET + b"\r\n")
    wired.idle[0].data_received(half)

    wired.idle[0].connection_lost(None)

    assert client.transport.ended == "aborted"
    assert not client.hears().endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "stale", "retried"),
    [
        (b"GET", True, True),
        (b"DELETE", True, True),
        (b"GET", False, False),
        (b"POST", True, False),
        (b"PATCH", True, False),
    ],
)
async def test_only_what_cannot_have_been_received_is_sent_again(method, stale, retried):
    wired = Wired()
    wired.idle[0].reused = stale
    client = wired.client()
    client.says(method + POST[4:] + (b"Content-Length: 0\r\n" if method[0:1] == b"P" else b"") + b"\r\n")

    wired.idle[0].connection_lost(None)
    serving = client.connection._serving
    if serving is not None:
        await serving.task

    assert len(wired.server.connected) == retried
    assert client.hears().startswith(b"HTTP/1.1 502") == (not retried)


async def test_and_only_once():
    wired = Wired()
    wired.idle[0].reused = True
    client = wired.client()
    client.says(GET + b"\r\n")
    wired.idle[0].connection_lost(None)
    await client.connection._serving.task
    (fresh,) = wired.server.connected
    fresh.reused = True

    fresh.connection_lost(None)

    assert client.hears().startswith(b"HTTP/1.1 502")


def test_an_answer_that_has_begun_is_never_asked_for_again():
    wired = Wired()
    wired.idle[0].reused = True
    client = wired.client()
    client.says(GET + b"\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 2")

    wired.idle[0].connection_lost(None)

    assert client.hears().startswith(b"HTTP/1.1 502")


def test_informational_answers_are_passed_on_to_those_who_can_read_them():
    wired, client = begun(POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\nX-Auth-User: a\r\n\r\n")
    assert client.hears() == b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"

    wired, client = begun(GET.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 100 Go\r\n\r\n")
    assert client.hears() == b""


def test_an_upgrade_that_nobody_asked_for_is_a_502():
    wired, client = begun(GET + b"\r\n")

    wired.idle[0].data_received(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")

    assert client.hears().startswith(b"HTTP/1.1 502")


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"])
def test_a_late_upstream_is_a_504_or_a_cut(begin):
    wired, client = begun(GET + b"\r\n")
    if begin:
        wired.idle[0].data_received(begin)

    client.connection._serving.upstream_late()

    assert client.hears().startswith(b"HTTP/1.1 504") == (not begin)
    assert bool(client.transport.ended) == bool(begin)


def test_a_coding_that_cannot_be_passed_on_is_a_502():
    wired, client = begun(GET + b"\r\n")

    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")

    assert client.hears().startswith(b"HTTP/1.1 502")


def test_an_answer_before_the_end_of_the_request_closes_what_cannot_be_read():
    wired, client = begun(POST + b"Content-Length: 1000000\r\n\r\nab")

    wired.idle[0].data_received(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")

    assert client.hears().endswith(b"\r\n\r\nno")
    assert client.transport.eof


def test_heads_that_were_read_before_are_read_the_same_again():
    wired = Wired([{}, {"path": "/images/**", "credentials": ("access_token",)}])
    client = wired.client()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: public\r\nX-Auth-User: x\r\n\r\n"
    heard = []
    for body in (b"ok", b"no", b"ok"):
        client.says(GET + b"\r\n")
        wired.idle[0].data_received(answer + body)
        heard.append(client.hears())

    assert len(wired.rules.known_answers) == 1
    assert heard == [answer.replace(b"X-Auth-User: x\r\n", b"") + body for body in (b"ok", b"no", b"ok")]
    client.says(b"GET /images/1?access_token=warm HTTP/1.1\r\nHost: h\r\n\r\n")
    wired.idle[0].data_received(answer + b"ok")
    assert b"Cache-Control: private\r\n" in client.hears(), "a head in memory is no way around what a route rewrites"
