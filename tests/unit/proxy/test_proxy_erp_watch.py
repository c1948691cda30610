"""What an ERP's answer says of its session is known before the client sees any of it."""

import pytest
from fakes.still_erp import StillErp, busy, credential
from fakes.waiting import eventually
from fakes.wired_gate import Wired

GET = b"GET /orders/1 HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer warm\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"


@pytest.fixture
def wired():
    made = Wired(idle=2)
    made.upstream.erp = StillErp()
    return made


def answer(body=b"fine", fields=b"", status=b"200 OK"):
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), fields, body)


def asked(wired, request=GET):
    """The connection that the request went out on."""
    client = wired.client()
    client.says(request)
    return client, busy(wired)


async def test_an_answer_that_says_nothing_passes_as_it_is(wired):
    client, erp = asked(wired)

    erp.data_received(answer(b"fine", b"X-Erp: 1\r\n"))

    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"X-Erp: 1\r\n" in heard
    assert heard.endswith(b"\r\n\r\nfine")
    assert erp in wired.server.idle


async def test_a_body_is_passed_on_piece_by_piece_once_it_is_known(wired):
    client, erp = asked(wired)
    erp.data_received(JSON % (6000, b"") + b"x" * 1000)
    assert client.hears() == b""

    erp.data_received(b"x" * 3500)
    assert client.hears().endswith(b"x" * 4500)
    erp.data_received(b"x" * 1500)

    assert client.hears() == b"x" * 1500
    assert erp in wired.server.idle


async def test_a_short_body_is_known_at_its_end(wired):
    client, erp = asked(wired)

    erp.data_received(JSON % (4, b"") + b"fi")
    assert client.hears() == b""
    erp.data_received(b"ne")

    assert client.hears().endswith(b"\r\n\r\nfine")


@pytest.mark.parametrize(
    "says",
    [
        answer(b"no", status=b"401 Unauthorized"),
        JSON % (7, b"") + b"EXPIRED",
        JSON % (9000, b"") + b"EXPIRED" + b"x" * 5000,
    ],
    ids=["by its head", "by its body", "by the start of its body"],
)
async def test_an_expired_session_is_renewed_unseen(wired, says):
    client, erp = asked(wired)

    erp.data_received(says)
    await eventually(lambda: wired.upstream.erp.renewed and busy(wired))
    again = busy(wired)

    assert client.hears() == b""
    assert b"Authorization: Bearer s2\r\n" in again.transport.take()
    again.data_received(answer(b"at last"))
    assert client.hears().endswith(b"at last")


async def test_a_session_that_was_just_confirmed_is_not_doubted(wired):
    wired.upstream.erp.current = credential("s1", trusted=True)
    client, erp = asked(wired)

    erp.data_received(answer(b"you may not", b"Set-Cookie: session_id=anonymous-visitor\r\n", b"401 Unauthorized"))

    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"Set-Cookie" not in heard
    assert (wired.upstream.erp.renewed, wired.upstream.erp.adopted) == (0, [])


async def test_a_cookie_of_the_erp_session_is_kept_and_others_pass(wired):
    client, erp = asked(wired)
    cookies = b"Set-Cookie: session_id=rotated-value; Path=/\r\nset-cookie: lang=en\r\n"

    erp.data_received(answer(b"fine", cookies))

    heard = client.hears()
    assert b"set-cookie: lang=en\r\n" in heard
    assert b"session_id" not in heard
    assert wired.upstream.erp.adopted == [("s1", {"session_id": "rotated-value"})]


@pytest.mark.parametrize("value", [b"", b"x", b'"quoted-value"', b"a b c d e f g", b"x" * 1025, b"\xff" * 20])
async def test_a_cookie_that_is_no_session_is_only_dropped(wired, value):
    client, erp = asked(wired)

    erp.data_received(answer(b"fine", b"Set-Cookie: session_id=" + value + b"; Max-Age=0\r\n"))

    assert b"session_id" not in client.hears()
    assert wired.upstream.erp.adopted == []


async def test_an_upstream_that_breaks_before_it_is_known_is_a_502(wired):
    client, erp = asked(wired)
    erp.data_received(JSON % (7, b"") + b"EXP")

    erp.connection_lost(None)

    assert client.hears().startswith(b"HTTP/1.1 502 ")


async def test_informational_answers_pass(wired):
    client, erp = asked(wired)

    erp.data_received(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer())

    assert client.hears().startswith(b"HTTP/1.1 103 Early Hints\r\n")


async def test_an_anonymous_caller_sees_the_answer_without_the_erps_cookie():
    wired = Wired([{"anonymous": ["/orders/**"]}])
    wired.upstream.erp = StillErp()
    client, erp = asked(wired, b"GET /orders/1 HTTP/1.1\r\nHost: erp.example\r\n\r\n")
    sent = erp.transport.take()

    erp.data_received(answer(b"who are you", b"Set-Cookie: session_id=anonymous-visitor\r\n", b"401 Unauthorized"))

    assert b"Bearer" not in sent
    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"session_id" not in heard
    assert wired.upstream.erp.adopted == []
