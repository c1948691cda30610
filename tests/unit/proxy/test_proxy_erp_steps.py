"""The caller's own session in the ERP: fetched where it is not at hand, renewed once, and never borrowed."""

import pytest
from fakes.still_erp import StillErp, busy
from fakes.waiting import eventually
from fakes.wired_gate import Wired

from gateway.dialects.replies import refusal
from gateway.model import CredentialReading

HEAD = b"POST /orders/1 HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer warm\r\n"
NO = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def wired():
    made = Wired(idle=2)
    made.upstream.erp = StillErp()
    return made


def post(body, *fields):
    return HEAD + b"".join(fields) + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def test_what_is_at_hand_goes_out_at_once(wired):
    wired.client().says(post(b"", b"Cookie: a=1; session_id=stolen; b=2\r\n"))

    sent = busy(wired).transport.take()

    assert b"Authorization: Bearer s1\r\n" in sent
    assert b"Cookie: a=1; b=2; session_id=s1\r\n" in sent
    assert b"stolen" not in sent
    assert sent.count(b"Authorization") == 1


async def test_what_is_not_at_hand_is_fetched_first(wired):
    wired.upstream.erp.warm = False
    client = wired.client()

    client.says(post(b"hello"))
    assert busy(wired) is None
    await eventually(lambda: busy(wired))

    assert busy(wired).transport.take().endswith(b"\r\n\r\nhello")


async def test_who_may_not_have_one_is_refused(wired):
    wired.upstream.erp.forbids = True
    client = wired.client()

    client.says(post(b""))

    assert client.hears().startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("body", [b"", b"hello", b"x" * 65536])
async def test_a_request_is_sent_again_with_its_body(wired, body):
    client = wired.client()
    client.says(post(body))
    first = busy(wired)
    first.transport.take()

    first.data_received(NO)
    await eventually(lambda: wired.upstream.erp.renewed and busy(wired))
    again = busy(wired)

    sent = again.transport.take()
    assert b"Authorization: Bearer s2\r\n" in sent
    assert sent.endswith(b"\r\n\r\n" + body)
    again.data_received(YES)
    assert client.hears().endswith(b"ok")


async def test_a_chunked_body_is_sent_again_in_chunks(wired):
    client = wired.client()
    client.says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n")
    first = busy(wired)

    first.data_received(NO)
    await eventually(lambda: wired.upstream.erp.renewed and busy(wired))

    assert busy(wired).transport.take().endswith(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("body", [b"x" * 65537, b"x" * 200_000])
async def test_a_body_that_was_not_kept_is_for_the_client_to_send_again(wired, body):
    client = wired.client()
    client.says(post(body))

    busy(wired).data_received(NO)
    heard = await eventually(client.hears)

    assert heard.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1\r\n" in heard
    assert wired.upstream.erp.renewed == 1


async def test_an_answer_before_the_body_is_whole_is_not_waited_for(wired):
    client = wired.client()
    client.says(HEAD + b"Content-Length: 10\r\n\r\nhello")

    busy(wired).data_received(NO)

    assert (await eventually(client.hears)).startswith(b"HTTP/1.1 503 ")


async def test_a_second_401_is_the_erps_own_answer(wired):
    client = wired.client()
    client.says(post(b"hello"))
    busy(wired).data_received(NO)
    await eventually(lambda: wired.upstream.erp.renewed and busy(wired))

    busy(wired).data_received(NO)

    assert client.hears().startswith(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n")
    assert wired.upstream.erp.renewed == 1


async def test_a_session_that_is_over_is_a_401_of_ours(wired):
    wired.upstream.erp.ends = True
    client = wired.client()
    client.says(post(b"hello"))

    busy(wired).data_received(NO)

    heard = await eventually(client.hears)
    assert heard.startswith(b"HTTP/1.1 401 ")
    assert b'"invalid_token"' in heard


async def test_its_refusal_knows_the_text_of_the_token_where_the_dialect_tells_it():
    told = []
    reading = CredentialReading(tells_token=True)
    wired = Wired(({"reading": reading, "refuse": lambda error, _: told.append(error) or refusal(error)},), idle=2)
    wired.upstream.erp = StillErp(ends=True)
    client = wired.client()
    client.says(post(b"hello"))

    busy(wired).data_received(NO)

    await eventually(client.hears)
    assert [error.presented for error in told] == ["warm"]


async def test_a_client_that_leaves_meanwhile_disturbs_nobody(wired):
    client = wired.client()
    client.says(post(b"hello"))
    busy(wired).data_received(NO)

    client.connection.connection_lost(None)

    await eventually(lambda: not wired.gate.connections)
    assert busy(wired) is None
