"""Calls to an ERP: what went wrong is told apart, and nothing of one user travels with another's request."""

import pytest
from aiohttp import web
from fakes.erp_rig import asking
from fakes.fake_erp import FakeErp
from fakes.ports import free_port

from gateway.errors import ErpDown, ErpNonsense, ErpSlow, Unavailable


class Plain(FakeErp):
    def routes(self):
        return {}

    async def resource(self, request):
        answer = web.Response(text="ok", headers={"X-Erp": "1"})
        answer.set_cookie("session_id", "abc", path="/")
        return answer


@pytest.fixture
def erp():
    fake = Plain()
    yield fake
    fake.stop()


async def test_an_answer_is_read_whole(erp):
    async with asking(erp.port) as client:
        answer = await client.ask(
            "POST", "/x?y=1", body=b"{}", headers={"Accept": "a/b"}, address="192.0.2.7", timeout=60
        )

    assert (answer.status, answer.body, answer.headers["x-erp"]) == (200, b"ok", "1")
    assert answer.cookies == {"session_id": "abc"}
    asked = erp.asked[0]
    assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/x", "y=1", b"{}")
    assert asked.headers["x-forwarded-for"] == "192.0.2.7"
    assert asked.headers["accept-encoding"] == "identity"


async def test_a_cookie_never_comes_back_by_itself(erp):
    async with asking(erp.port) as client:
        await client.ask("GET", "/x", timeout=60)
        await client.ask("GET", "/x", timeout=60)

    assert [asked for asked in erp.asked if "cookie" in asked.headers] == []


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("error", ErpDown),
        ("maintenance", ErpDown),
        ("vanish", ErpDown),
        ("slow", ErpSlow),
        ("huge", ErpNonsense),
        ("zipped", ErpNonsense),
    ],
)
async def test_failures_are_told_apart(erp, failure, error):
    erp.script("/x", failure)

    async with asking(erp.port) as client:
        with pytest.raises(error) as raised:
            await client.ask("POST", "/x", timeout=0.5)

    assert type(raised.value) is error
    assert isinstance(raised.value, Unavailable)
    assert raised.value.retry_after


async def test_a_redirect_is_an_answer_and_not_followed(erp):
    erp.script("/x", "redirect")

    async with asking(erp.port) as client:
        answer = await client.ask("GET", "/x", timeout=60)

    assert answer.status == 302
    assert len(erp.asked) == 1


async def test_a_refused_connection_is_an_erp_that_is_down():
    async with asking(free_port()) as client:
        with pytest.raises(ErpDown) as raised:
            await client.ask("GET", "/x", timeout=60)

    assert type(raised.value) is ErpDown


async def test_another_server_is_asked_where_one_refuses(erp):
    async with asking(free_port(), erp.port) as client:
        for _ in range(3):
            assert (await client.ask("GET", "/x", timeout=60)).status == 200


async def test_servers_that_a_check_found_down_are_not_asked(erp):
    async with asking(erp.port) as client:
        client._upstream.servers[0].healthy = False
        with pytest.raises(ErpDown):
            await client.ask("GET", "/x", timeout=60)

    assert erp.asked == []


async def test_an_answer_that_is_no_http_makes_no_sense(erp):
    def babble(fake, request):
        request.transport.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        request.transport.close()
        return web.Response()

    erp.script("/x", babble)

    async with asking(erp.port) as client:
        with pytest.raises(ErpNonsense):
            await client.ask("GET", "/x", timeout=60)


async def test_when_the_process_ends_nobody_is_asked_any_more(erp):
    async with asking(erp.port) as client:
        await client.ask("GET", "/x", timeout=60)

    with pytest.raises(ErpDown):
        await client.ask("GET", "/x", timeout=60)

    assert len(erp.asked) == 1
