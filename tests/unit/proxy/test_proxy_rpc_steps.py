"""A credential in the body: the whole of it is read and judged, and those bytes go on."""

import json

import pytest
from fakes.presented import verified
from fakes.waiting import eventually
from fakes.wired_gate import Wired

from gateway.assembly.rpc import refusal_of
from gateway.authn.sources import BODY_SOURCES
from gateway.dialects import odoo_rpc
from gateway.errors import AccountLocked, LoginRejected, StoreUnavailable
from gateway.proxy.rpc_steps import MOST_BYTES
from gateway.proxy.rpc_surface import RpcSurface

LOGIN = b'{"id":7, "params":{"service":"common","method":"login","args":["prod","ada","right"]}}'
VERSION = b'{"params":{"service":"common","method":"version","args":[]}}'
READ = b'{"id":7,"params":{"service":"object","method":"execute","args":["prod",2,"right","res.partner","read"]}}'


class StillLogins:
    def __init__(self):
        self.refuses = None
        self.asked = []

    async def verified(self, asked, method, call):
        self.asked.append((asked.who, method, call.client_address))
        if self.refuses is not None:
            raise self.refuses
        return verified("ada")


@pytest.fixture
def logins():
    return StillLogins()


@pytest.fixture
def wired(logins):
    surface = RpcSurface(BODY_SOURCES["jsonrpc"], logins, lambda asked: odoo_rpc.answered(asked.id, result=False))
    return Wired(({"path": "/**", "rpc": surface, "refuse": refusal_of(surface), "strip_prefix": b"/erp"},))


def head(*lines, target=b"/erp/jsonrpc", method=b"POST"):
    return b"\r\n".join((method + b" " + target + b" HTTP/1.1", b"Host: erp.example", *lines)) + b"\r\n\r\n"


def post(body, *lines, target=b"/erp/jsonrpc"):
    return head(*lines, b"Content-Length: %d" % len(body), target=target) + body


async def answer(client):
    heard = await eventually(client.hears)
    status, _, body = heard.partition(b"\r\n\r\n")
    return int(status.split()[1]), json.loads(body)


@pytest.mark.parametrize(("body", "asked"), [(LOGIN, [("ada", "jsonrpc")]), (READ, [(2, "jsonrpc")]), (VERSION, [])])
async def test_the_bytes_that_were_judged_are_forwarded(wired, logins, body, asked):
    wired.client().says(post(body))

    sent = await eventually(wired.erp.take)

    assert sent.startswith(b"POST /jsonrpc HTTP/1.1\r\n")
    assert sent.endswith(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    assert (b"X-Auth-User: ada\r\n" in sent) is bool(asked)
    assert [each[:2] for each in logins.asked] == asked


async def test_a_body_in_pieces_is_waited_for_and_forwarded_with_its_length(wired, logins):
    client = wired.client()
    client.says(head(b"Transfer-Encoding: chunked"), b"%x\r\n%b\r\n" % (len(LOGIN), LOGIN))
    assert logins.asked == []

    client.says(b"0\r\n\r\n")
    sent = await eventually(wired.erp.take)

    assert sent.endswith(b"Content-Length: %d\r\n\r\n%b" % (len(LOGIN), LOGIN))
    assert b"chunked" not in sent


async def test_a_large_body_is_read_beside_the_loop_and_forwarded_whole(wired):
    body = LOGIN + b" " * 100_000
    wired.client().says(post(body))

    assert (await eventually(wired.erp.take)).endswith(body)


async def test_a_wrong_password_is_false_for_a_login_and_an_error_for_a_call(wired, logins):
    logins.refuses = LoginRejected()
    client = wired.client()

    client.says(post(LOGIN))
    assert await answer(client) == (200, {"jsonrpc": "2.0", "id": 7, "result": False})
    client.says(post(READ))
    status, told = await answer(client)

    assert (status, told["id"], told["error"]["data"]["name"]) == (200, 7, "odoo.exceptions.AccessDenied")
    assert wired.erp.take() == b""


@pytest.mark.parametrize(("error", "status"), [(AccountLocked("x"), 200), (StoreUnavailable("x"), 503)])
async def test_what_is_no_wrong_password_is_an_error(wired, logins, error, status):
    logins.refuses = error
    client = wired.client()

    client.says(post(LOGIN))
    told = await answer(client)

    assert (told[0], "error" in told[1]) == (status, True)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(LOGIN, target=b"/erp/jsonrpc?jsonp=x"), 400),
        (post(LOGIN, target=b"/erp/web/dataset/call_kw"), 200),
        (post(LOGIN, target=b"/erp/jsonrpc/"), 200),
        (post(LOGIN, b"Content-Type: application/json; charset=utf-7"), 400),
        (post(LOGIN, b"content-encoding: deflate"), 400),
        (post(LOGIN, b"Content-Encoding: identity", b"Content-Encoding: gzip"), 400),
        (post(b"{}"), 400),
        (head(b"Content-Length: 0"), 400),
        (head(method=b"GET"), 405),
        (head(b"Content-Length: %d" % (MOST_BYTES + 1)), 413),
    ],
)
async def test_what_odoo_could_read_otherwise_goes_nowhere(wired, logins, request_bytes, status):
    client = wired.client()
    client.says(request_bytes)

    told = await answer(client)

    assert (told[0], "error" in told[1]) == (status, True)
    assert (wired.erp.take(), logins.asked) == (b"", [])


async def test_a_client_that_leaves_meanwhile_disturbs_nobody(wired):
    client = wired.client()
    client.says(head(b"Content-Length: 100"), b"{")

    client.connection.connection_lost(None)

    await eventually(lambda: not wired.gate.connections)
    assert wired.erp.take() == b""
