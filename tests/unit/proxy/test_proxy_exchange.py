import asyncio

import pytest
from fakes.wired_gate import Wired

from gateway.errors import BodyTooLarge, Forbidden
from gateway.model import Reply
from gateway.proxy.route import RefuseByRequest

POST = b"POST /orders/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer warm\r\n"


def begun(raw, **options):
    wired = Wired(**options)
    client = wired.client()
    client.says(raw)
    return wired, client, client.connection._serving


@pytest.mark.parametrize(
    ("head", "asks"),
    [
        (b"GET /orders/x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", True),
        (b"GET /orders/x HTTP/1.1\r\nConnection: keep-alive , UPGRADE\r\nUpgrade: WebSocket\r\n", True),
        (b"GET /orders/x HTTP/1.1\r\nUpgrade: websocket\r\n", False),
        (b"GET /orders/x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n", False),
        (b"POST /orders/x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", False),
    ],
)
def test_what_is_a_websocket_handshake(head, asks):
    _, _, exchange = begun(head + b"Host: h\r\nAuthorization: Bearer warm\r\n\r\n")

    assert exchange.asks_websocket == asks


def test_a_reply_keeps_the_connection_where_what_is_left_is_small():
    _, client, exchange = begun(POST + b"Content-Length: 5\r\n\r\n")

    exchange.refuse(Forbidden())
    assert client.hears().startswith(b"HTTP/1.1 403")
    client.says(b"12345")

    assert not client.transport.ended
    client.says(b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.hears().startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 70000\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\nExpect: 100-continue\r\n"],
)
def test_it_is_closed_where_it_is_not(framing):
    _, client, exchange = begun(POST + framing + b"\r\n")

    exchange.refuse(Forbidden())

    assert b"Connection: close\r\n" in client.hears()
    assert client.transport.eof


def test_head_gets_the_length_and_no_body():
    _, client, exchange = begun(b"HEAD" + POST[4:] + b"\r\n")

    exchange.reply(Reply(200, b"12345"))

    heard = client.hears()
    assert b"Content-Length: 5\r\n" in heard
    assert heard.endswith(b"\r\n\r\n")


def test_an_error_drops_the_upstream_and_is_answered_once():
    wired, client, exchange = begun(POST + b"Content-Length: 5\r\n\r\n")

    exchange.refuse(BodyTooLarge())
    exchange.refuse(Forbidden())

    assert wired.erp.ended == "aborted"
    assert client.hears().count(b"HTTP/1.1") == 1
    assert len(wired.lines) == 1


def test_after_the_head_an_error_can_only_cut():
    wired, client, exchange = begun(POST + b"Content-Length: 0\r\n\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")

    exchange.refuse(Forbidden("too late"))

    assert client.transport.ended == "aborted"
    assert exchange.cut_reason == "too late"
    assert len(wired.lines) == 1


def test_a_client_that_vanishes_ends_the_upstreams_work_and_is_a_499():
    wired, client, exchange = begun(POST + b"Content-Length: 0\r\n\r\n")

    client.connection.connection_lost(None)
    exchange.client_lost()

    assert wired.erp.ended == "aborted"
    assert [line[4] for line in wired.lines] == [499]


def test_one_that_vanishes_during_the_answer_keeps_its_status_and_the_log_says_so():
    wired, client, _ = begun(POST + b"Content-Length: 0\r\n\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")

    client.connection.connection_lost(None)

    assert [(line[4], line[8], line[13]) for line in wired.lines] == [(200, 5, "the client went away")]


def test_one_that_vanishes_after_the_answer_has_all_of_it():
    wired, client, exchange = begun(POST + b"Content-Length: 5\r\n\r\n12")
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    client.connection.connection_lost(None)

    assert exchange.over
    assert [(line[4], line[13]) for line in wired.lines] == [(200, "")]


def test_http_1_0_is_told_that_the_connection_stays():
    _, client, exchange = begun(
        b"GET /orders/x HTTP/1.0\r\nConnection: keep-alive\r\nAuthorization: Bearer warm\r\n\r\n"
    )

    exchange.reply(Reply(200, b"x"))

    assert b"Connection: keep-alive\r\n" in client.hears()
    assert not client.transport.ended


def test_the_request_id_is_the_clients_or_ours():
    _, _, exchange = begun(POST + b"X-Request-Id: mine\r\nContent-Length: 0\r\n\r\n")
    assert exchange.request_id_text == "mine"
    _, _, exchange = begun(POST + b"X-Request-Id: \r\nContent-Length: 0\r\n\r\n")
    assert exchange.request_id_text == exchange.request_id_text != ""


def told(error, call):
    return Reply(200, b"%s %r" % (type(error).__name__.encode(), call and call.body))


JSONRPC = {"refuse": RefuseByRequest(told)}
COLD_POST = b"POST /orders/x HTTP/1.1\r\nHost: h\r\n"


def refusal_heard(*raw):
    wired = Wired([JSONRPC])
    client = wired.client()
    client.says(*raw)
    return client.hears()


@pytest.mark.parametrize(
    "parts",
    [
        (COLD_POST + b"Content-Length: 9\r\n\r\n" + b'{"id": 7}',),
        (COLD_POST + b"Content-Length: 9\r\n\r\n", b'{"id"', b": 7}"),
        (COLD_POST + b"Transfer-Encoding: chunked\r\n\r\n", b'5\r\n{"id"\r\n', b"4\r\n: 7}\r\n0\r\n\r\n"),
    ],
    ids=["at once", "in parts", "in chunks"],
)
async def test_a_refusal_that_wants_the_body_waits_for_it(parts):
    wired = Wired([JSONRPC])
    client = wired.client()
    client.says(*parts)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert client.hears().endswith(b"CredentialsMissing b'{\"id\": 7}'")
    client.says(b"GET /orders/x HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.hears().endswith(b"CredentialsMissing b''"), "and the connection is good for the next"


@pytest.mark.parametrize(
    "raw",
    [
        COLD_POST + b"\r\n",
        COLD_POST + b"Content-Length: 65537\r\n\r\n",
        COLD_POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["none", "large", "asked for"],
)
def test_it_does_not_wait_for_a_body_that_is_not_there_or_not_small(raw):
    assert refusal_heard(raw).endswith(b"CredentialsMissing b''")


async def test_a_body_that_grows_too_large_is_still_told_the_first_failure():
    wired = Wired([JSONRPC])
    client = wired.client()
    client.says(COLD_POST + b"Transfer-Encoding: chunked\r\n\r\n")
    await asyncio.sleep(0)

    client.says(b"10001\r\n" + b"x" * 0x10001 + b"\r\n")

    assert client.hears().endswith(b"CredentialsMissing b''")
    assert client.transport.eof


async def test_a_body_that_never_comes_is_told_the_first_failure_in_the_end():
    wired = Wired([JSONRPC])
    client = wired.client()
    client.says(COLD_POST + b"Content-Length: 9\r\n\r\n")
    await asyncio.sleep(0)

    client.connection.expire()

    assert client.hears().endswith(b"CredentialsMissing b''")


async def test_a_client_that_leaves_while_it_is_waited_for_is_told_nothing():
    wired = Wired([JSONRPC])
    client = wired.client()
    client.says(COLD_POST + b"Content-Length: 9\r\n\r\n")
    await asyncio.sleep(0)

    client.connection.connection_lost(None)
    await asyncio.sleep(0)

    assert client.hears() == b""
    assert wired.gate.in_flight == 0


def test_the_origin_of_the_site_that_was_asked():
    _, _, exchange = begun(b"GET /orders/x HTTP/1.1\r\nHost: gate.example:8080\r\nAuthorization: Bearer warm\r\n\r\n")

    assert exchange.own_origin == b"http://gate.example:8080"
