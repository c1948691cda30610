import asyncio

from fakes.wired_gate import Wired

WARM = b"Host: h\r\nAuthorization: Bearer warm\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(path):
    return b"GET " + path + b" HTTP/1.1\r\n" + WARM


def test_connections_are_counted_by_address_and_limited():
    wired = Wired(connections_per_address=2)
    first, second = wired.client(), wired.client()
    assert wired.client().transport.ended == "aborted"
    assert wired.gate.per_address["192.0.2.7"] == 3

    for client in (first, second):
        client.connection.connection_lost(None)
    assert wired.gate.per_address["192.0.2.7"] == 1


def test_the_sweeper_ends_what_is_overdue():
    wired = Wired()
    client, patient = wired.client(), wired.client()
    client.connection.deadline = 0.0
    patient.connection.deadline = float("inf")

    wired.gate.sweep()

    assert client.transport.ended == "aborted"
    assert not patient.transport.ended


def test_draining_closes_what_is_idle_and_lets_the_rest_finish():
    wired = Wired()
    idle, busy = wired.client(), wired.client()
    busy.says(get(b"/orders/x"))
    assert wired.gate.in_flight == 1

    wired.gate.drain()
    assert idle.transport.ended == "closed"
    assert not busy.transport.ended
    wired.idle[0].data_received(OK)

    assert b"Connection: close\r\n" in busy.hears()
    assert busy.transport.ended == "closed"


async def test_idle_connections_may_have_a_moment_for_one_more_request():
    """It would have met our close on its way, and not every client sends it again."""
    wired = Wired()
    client, silent = wired.client(), wired.client()

    wired.gate.drain(idle_grace=0.01)
    assert not client.transport.ended
    client.says(get(b"/orders/x"))
    wired.idle[0].data_received(OK)
    assert b"Connection: close\r\n" in client.hears()
    assert client.transport.ended == "closed"
    await asyncio.sleep(0.02)

    assert silent.transport.ended == "closed"


def test_cutting_ends_everything_now():
    wired = Wired()
    client = wired.client()
    client.says(get(b"/orders/x"))

    wired.gate.cut_all()

    assert client.transport.ended == "aborted"
