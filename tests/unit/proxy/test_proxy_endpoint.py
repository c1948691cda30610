import asyncio
from ipaddress import ip_network

import pytest
from fakes.waiting import eventually
from fakes.wired_gate import Wired

from gateway.errors import LoginRejected
from gateway.model import Reply


class Login:
    """Keeps what it was called with."""

    def __init__(self):
        self.calls = []
        self.error = None

    async def handle(self, call):
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        return Reply(200, call.body.upper(), ((b"Content-Type", b"text/plain"),))


def wired_to(login, **options):
    return Wired(endpoints={b"/auth/login": [(None, {"POST": login.handle})]}, **options)


async def post(wired, head=b"", body=b"", target=b"/auth/login"):
    client = wired.client()
    client.says(b"POST %b HTTP/1.1\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n" % (target, head, len(body)), body)
    serving = client.connection._serving
    await asyncio.wait([serving.task])
    await asyncio.sleep(0)
    return client.hears()


async def test_an_endpoint_gets_the_whole_request_and_its_reply_is_sent():
    login = Login()

    heard = await post(wired_to(login), b"X-A: 1\r\nx-a: 2\r\nX-Request-Id: r1\r\n", b"body", b"/auth/%6cogin?x=1")

    (call,) = login.calls
    assert (call.method, call.path, call.query, call.body) == ("POST", "/auth/login", "x=1", b"body")
    assert call.headers["x-a"] == "1"
    assert (call.client_address, call.secure, call.request_id) == ("192.0.2.7", False, "r1")
    assert heard.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n")
    assert heard.endswith(b"\r\n\r\nBODY")


async def test_a_trusted_proxy_says_who_calls():
    login = Login()

    await post(
        wired_to(login, trusted=(ip_network("192.0.2.0/24"),)),
        b"X-Forwarded-For: 198.51.100.4\r\nX-Forwarded-Proto: https\r\n",
    )

    assert (login.calls[0].client_address, login.calls[0].secure) == ("198.51.100.4", True)


@pytest.mark.parametrize(
    ("head", "trusted", "shared"),
    [
        (b"", (), False),
        (b"X-Forwarded-For: 198.51.100.4\r\n", (), True),
        (b"x-forwarded-for:\r\n", (), True),
        (b"X-Forwarded-For: 198.51.100.4\r\n", (ip_network("192.0.2.0/24"),), False),
    ],
)
async def test_a_proxy_that_is_not_trusted_stands_for_nobody_knows_how_many(head, trusted, shared):
    login = Login()

    await post(wired_to(login, trusted=trusted), head)

    assert login.calls[0].address_is_shared is shared


async def test_a_refusal_is_spelled_as_the_login_does():
    login = Login()
    login.error = LoginRejected("no such user")

    heard = await post(wired_to(login))

    assert heard.startswith(b"HTTP/1.1 401")
    assert b"invalid_credentials" in heard
    assert b"no such user" not in heard


async def test_a_body_over_64_kib_is_refused_unread():
    login = Login()
    wired = wired_to(login)
    client = wired.client()

    client.says(b"POST /auth/login HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n")
    await client.connection._serving.task

    assert client.hears().startswith(b"HTTP/1.1 413")
    assert login.calls == []


async def test_a_chunked_one_is_counted_as_it_comes():
    login = Login()
    client = wired_to(login).client()

    client.says(b"POST /auth/login HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    task = client.connection._serving.task
    client.says(b"10000\r\n" + b"x" * 65536 + b"\r\n", b"1\r\nx\r\n")
    await task

    assert client.hears().startswith(b"HTTP/1.1 413")
    assert login.calls == []


async def test_a_client_that_waits_is_told_to_go_on():
    login = Login()
    client = wired_to(login).client()

    client.says(b"POST /auth/login HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    serving = client.connection._serving
    await eventually(lambda: client.transport.sent)
    assert client.hears() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.says(b"ok")
    await serving.task

    assert client.hears().endswith(b"OK")


async def test_a_defect_is_a_500_that_tells_nothing(caplog):
    login = Login()
    login.error = RuntimeError("a secret detail")

    heard = await post(wired_to(login))

    assert heard.startswith(b"HTTP/1.1 500")
    assert b"a secret detail" not in heard
    assert "exchange failed" in caplog.text


async def test_what_went_wrong_at_an_endpoint_is_told_in_the_log_alone():
    async def fail(_):
        return Reply(503, b"away", failure="10.0.0.7:8069: connection refused")

    wired = Wired(endpoints={b"/auth/login": [(None, {"POST": fail})]})

    heard = await post(wired)

    (line,) = wired.lines
    assert line[-1] == "10.0.0.7:8069: connection refused"
    assert heard.startswith(b"HTTP/1.1 503 ")
    assert b"10.0.0.7" not in heard
