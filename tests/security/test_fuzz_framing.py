"""Mutated HTTP through a real gateway: client and upstream always agree where a request ends (a quick slice).

`make fuzz` runs 100,000 cases and more; see bench/fuzz.py.
"""

import pytest
from fakes.framing import Incomplete, Malformed, read_all, read_request
from fakes.framing_run import CONFIG, fuzz
from fakes.gateway_process import GatewayProcess
from fakes.ports import free_port

CASES = 6000


@pytest.fixture
def upstream_port():
    return free_port()


@pytest.fixture
def gateway(tmp_path, upstream_port):
    process = GatewayProcess(tmp_path, CONFIG.format(port=upstream_port)).start()
    yield process
    process.stop()


async def test_the_upstream_is_sent_only_what_a_client_framed_and_every_client_is_answered_in_order(
    gateway, upstream_port
):
    run = await fuzz(gateway.port, upstream_port, seed="quick", first=0, count=CASES)

    assert run.failures == []
    assert run.forwarded > CASES / 2
    assert run.answers[400] > CASES / 10
    assert gateway.process.poll() is None
    assert '"level":"error"' not in gateway.stderr


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
    ],
)
def test_the_referee_refuses_what_could_be_framed_in_two_ways(data):
    with pytest.raises(Malformed):
        read_request(data)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nx",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ],
)
def test_the_referee_waits_for_the_rest(data):
    with pytest.raises(Incomplete):
        read_request(data)


def test_the_referee_tells_requests_apart():
    data = (
        b"POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        b"PUT /2 HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n003;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: t\r\n\r\n"
        b"GET /3 HTTP/1.1\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\n\r\n"
    )

    framed = [(request.target, request.body) for request in read_all(data)]

    assert framed == [(b"/1", b"abc"), (b"/2", b"abcd"), (b"/3", b"")]
