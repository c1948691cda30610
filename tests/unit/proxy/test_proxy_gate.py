import pytest
from fakes.wired_gate import StillServer, Wired

from gateway.errors import UpstreamFault
from gateway.model import Reply
from gateway.proxy.gate import MOST_MEMOS

WARM = b"Host: h\r\nAuthorization: Bearer warm\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(path, rest=WARM):
    return b"GET " + path + b" HTTP/1.1\r\n" + rest


def test_a_warm_request_is_forwarded_before_data_received_returns():
    wired = Wired()
    client = wired.client()

    client.says(get(b"/orders/x"))

    assert wired.erp.writes == 1
    assert client.connection._serving.task is None
    wired.idle[0].data_received(OK)
    assert client.hears().endswith(b"\r\n\r\nok")
    assert client.transport.writes == 1
    assert wired.server.idle == [wired.idle[0]]


async def test_a_cold_token_takes_the_same_way_after_a_look_up():
    wired = Wired()
    client = wired.client()

    client.says(get(b"/orders/x", WARM.replace(b"warm", b"cold")))
    await client.connection._serving.task

    assert b"X-Auth-User: bob\r\n" in wired.erp.take()


async def test_an_outage_of_the_store_is_a_503():
    wired = Wired()
    wired.tokens.away = True
    client = wired.client()

    client.says(get(b"/orders/x", WARM.replace(b"warm", b"cold")))
    await client.connection._serving.task

    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1\r\n" in heard
    assert b"WWW-Authenticate" not in heard


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n", b"404"),
        (b"GET /orders/../x HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"GET /orders/x HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /orders/x HTTP/1.1\r\nHost: a/b\r\n\r\n", b"400"),
        (b"GET http://other/orders/x HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"TRACE /orders/x HTTP/1.1\r\nHost: h\r\n\r\n", b"405"),
        (b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", b"405"),
        (b"GET /orders/x HTTP/1.1\r\nHost: h\r\n\r\n", b"401"),
        (b"GET /orders/x HTTP/1.0\r\n\r\n", b"401"),
        (b"POST /orders/x HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", b"413"),
    ],
)
def test_what_is_refused_is_refused_at_once_and_nothing_is_sent(raw, status):
    wired = Wired([{"body_limit": 10}])
    client = wired.client()

    client.says(raw)

    assert client.hears().startswith(b"HTTP/1.1 " + status)
    assert wired.erp.take() == b""


def test_the_route_decides_in_file_order_and_by_method_and_host():
    wired = Wired(
        [
            {"name": "posts", "methods": frozenset({"POST"})},
            {"name": "here", "hosts": frozenset({b"here"}), "public": True},
            {"name": "rest"},
        ]
    )
    for raw, route in (
        (b"POST /orders/x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "posts"),
        (b"GET /orders/x HTTP/1.1\r\nHost: h\r\n\r\n", "rest"),
    ):
        wired.client().says(raw)
        assert wired.lines[-1][3] == route
    wired.client().says(b"GET /orders/x HTTP/1.1\r\nHost: HERE:80\r\n\r\n")
    assert wired.erp.take()


def test_a_verdict_is_remembered_for_method_target_and_host_only():
    wired = Wired([{"anonymous": ["GET /orders/open"]}])
    client = wired.client()
    for _ in range(2):
        client.says(get(b"/orders/open", b"Host: h\r\n\r\n"))
        assert wired.erp.take()
        wired.idle[0].data_received(OK)
    client.hears()
    assert len(wired.rules.judged) == 1

    for raw, status in (
        (b"POST /orders/open HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", b"401"),
        (get(b"/orders/open/x", b"Host: h\r\n\r\n"), b"401"),
        (get(b"/orders/open", b"\r\n"), b"400"),
    ):
        other = wired.client()
        other.says(raw)
        assert other.hears().startswith(b"HTTP/1.1 " + status)


def test_a_request_without_a_host_opens_no_verdict_for_others():
    wired = Wired([{"anonymous": ["/orders/**"]}])
    wired.client().says(b"GET /orders/x HTTP/1.0\r\n\r\n")
    wired.idle[0].data_received(OK)
    client = wired.client()

    client.says(b"GET /orders/x HTTP/1.1\r\n\r\n")

    assert client.hears().startswith(b"HTTP/1.1 400")


def test_verdicts_are_bounded_and_none_is_kept_for_a_query():
    wired = Wired()
    client = wired.client()
    for number in range(MOST_MEMOS + 5):
        client.says(get(b"/orders/%d" % number, b"Host: h\r\n\r\n"))
        client.says(get(b"/orders/x?%d" % number, b"Host: h\r\n\r\n"))
        client.hears()

    assert len(wired.rules.judged) <= MOST_MEMOS
    assert not [target for _, target, _ in wired.rules.judged if b"?" in target]


async def test_a_server_that_refuses_is_not_the_end_where_there_is_another():
    wired = Wired(idle=0)
    other = StillServer("10.0.0.2")
    wired.upstream.servers = (wired.server, other)
    wired.server.refuses = UpstreamFault("refused")
    other.refuses = None
    for _ in range(2):
        client = wired.client()
        client.says(get(b"/orders/x"))
        await client.connection._serving.task

    assert len(other.connected) == 2
    assert wired.lines == []


async def test_a_client_that_leaves_while_a_connection_is_opened_costs_nothing():
    wired = Wired(idle=0)
    client = wired.client()
    client.says(get(b"/orders/x"))
    task = client.connection._serving.task

    client.connection.connection_lost(None)

    assert task.cancelling()
    assert wired.lines[0][4] == 499


async def test_an_endpoint_is_served_before_any_route():
    async def handle(call):
        return Reply(200, b"ours")

    wired = Wired([{"path": "/**", "public": True}], endpoints={b"/auth/me": [(None, {"GET": handle})]})
    client = wired.client()
    client.says(get(b"/auth/me"))
    await client.connection._serving.task
    assert client.hears().endswith(b"ours")

    client.says(b"POST /auth/me HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
    refused = client.hears()
    assert refused.startswith(b"HTTP/1.1 405")
    assert b"Allow: GET\r\n" in refused
    client.says(get(b"/auth/other"))
    assert wired.erp.take()


def test_request_ids_are_unique():
    gate = Wired().gate

    assert len({gate.new_request_id() for _ in range(100)}) == 100
    assert gate.new_request_id().split(b"-")[0] != Wired().gate.new_request_id().split(b"-")[0]


def test_new_rules_are_for_new_exchanges():
    wired = Wired()
    client = wired.client()
    client.says(get(b"/orders/x"))

    wired.gate.rules = Wired([{"path": "/elsewhere"}]).rules
    wired.idle[0].data_received(OK)
    assert client.hears().endswith(b"ok")
    client.says(get(b"/orders/x"))

    assert client.hears().startswith(b"HTTP/1.1 404")
