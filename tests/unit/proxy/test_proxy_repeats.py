import pytest
from fakes.wired_gate import Wired
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.headers import HeaderActions

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BLOCK = b"Host: h\r\nAuthorization: Bearer warm\r\nX-A: 1\r\n\r\n"


def ask(wired, client, raw):
    """What the ERP got, and what the client heard."""
    client.says(raw)
    sent = wired.erp.take()
    if sent:
        wired.idle[0].data_received(OK)
    return sent, client.hears()


def without_id(sent):
    return b"\r\n".join(line for line in sent.split(b"\r\n") if not line.startswith(b"X-Request-Id"))


def request(target=b"/orders/x", block=BLOCK, method=b"GET"):
    return method + b" " + target + b" HTTP/1.1\r\n" + block


def test_a_repeated_block_means_what_it_meant():
    wired = Wired()
    client = wired.client()
    first, *others = (ask(wired, client, request())[0] for _ in range(5))

    assert {without_id(sent) for sent in others} == {without_id(first)}
    assert len({*others, first}) == 5, "each with an id of its own"
    assert client.connection._repeats._template is not None


def test_another_target_is_judged_for_itself():
    wired = Wired()
    client = wired.client()
    for _ in range(3):
        ask(wired, client, request())

    sent, _ = ask(wired, client, request(b"/orders/other?a=1"))
    assert sent.startswith(b"GET /orders/other?a=1 ")
    for target, status in (
        (b"/nowhere", b"404"),
        (b"/orders/../x", b"400"),
        (b"/orders/x#f", b"400"),
        (b"//x", b"400"),
    ):
        sent, heard = ask(wired, client, request(target))
        assert sent == b""
        assert heard.startswith(b"HTTP/1.1 " + status)


async def test_a_token_that_died_is_dead_for_a_repeated_request_too():
    wired = Wired()
    client = wired.client()
    for _ in range(3):
        ask(wired, client, request())

    wired.tokens.warm.clear()
    client.says(request())

    await client.connection._serving.task
    assert wired.erp.take() == b""
    assert client.hears().startswith(b"HTTP/1.1 401")


def test_headers_that_a_route_takes_away_are_there_for_the_next():
    wired = Wired([{}, {"path": "/public/**", "public": True}])
    client = wired.client()
    for target in (b"/orders/x", b"/public/x", b"/orders/x", b"/public/x", b"/orders/x"):
        sent, _ = ask(wired, client, request(target))
        assert (b"X-Auth-User: ada" in sent) == target.startswith(b"/orders")
        assert b"Bearer" not in sent


@pytest.mark.parametrize(
    "other",
    [
        BLOCK.replace(b"warm", b"\t"),
        BLOCK.replace(b"Bearer warm", b"Basic eDp5"),
        BLOCK.replace(b"X-A: 1", b"X-A: 2"),
        BLOCK.replace(b"X-A: 1", b"X-B: 1"),
        BLOCK.replace(b"X-A: 1\r\n", b""),
        BLOCK.replace(b"X-A: 1\r\n", b"X-A: 1\r\nX-A: 1\r\n"),
        BLOCK.replace(b"Host: h\r\n", b"Host: h\r\nHost: h\r\n"),
    ],
)
def test_another_block_is_read_anew(other):
    wired, fresh = Wired(), Wired()
    client = wired.client()
    for _ in range(3):
        ask(wired, client, request())

    sent, heard = ask(wired, client, request(block=other))
    expected, expected_heard = ask(fresh, fresh.client(), request(block=other))

    assert without_id(sent) == without_id(expected)
    assert heard[:12] == expected_heard[:12]


def test_new_rules_forget_what_was_read_under_the_old():
    wired = Wired([{"public": True}])
    client = wired.client()
    block = BLOCK.replace(b"X-A", b"X-Erp-Secret")
    for _ in range(3):
        assert b"X-Erp-Secret" in ask(wired, client, request(block=block))[0]

    wired.gate.rules = Wired([{"public": True, "upstream": wired.upstream}]).rules
    object.__setattr__(wired.gate.rules, "request_actions", HeaderActions([b"X-Erp-Secret"]))

    assert b"X-Erp-Secret" not in ask(wired, client, request(block=block))[0]


BLOCKS = st.sampled_from(
    [
        BLOCK,
        b"Host: h\r\n\r\n",
        b"Host: h\r\nAuthorization: Bearer warm\r\n\r\n",
        b"Host: h\r\nX: 1\r\n\r\n",
        b"Host: h\r\nX: \r\n\r\n",
        b"Host:h\r\nX:1\r\n\r\n",
        b"Host: h\r\nX: 1 \r\n\r\n",
        b"Host: h\r\nConnection: X\r\nX: 1\r\n\r\n",
        b"Host: h\r\nX_A: 1\r\n\r\n",
        b"Host: h\r\nContent-Length: 0\r\n\r\n",
        b"Host: h\r\nX-Auth-User: root\r\n\r\n",
    ]
)
TARGETS = st.sampled_from([b"/orders/x", b"/orders/open", b"/public/x?access_token=warm", b"/nowhere", b"/orders/%7e"])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([b"GET", b"HEAD", b"DELETE"]), TARGETS, BLOCKS), min_size=2, max_size=12))
def test_a_connection_with_a_history_answers_like_one_without(requests):
    routes = [{"anonymous": ["/orders/open"]}, {"path": "/public/**", "public": True}]
    wired = Wired(routes)
    client = wired.client()
    for method, target, block in requests:
        fresh = Wired(routes)

        sent, heard = ask(wired, client, request(target, block, method))
        alone, alone_heard = ask(fresh, fresh.client(), request(target, block, method))

        assert without_id(sent) == without_id(alone)
        assert heard[:12] == alone_heard[:12]
