import asyncio
import ssl

import pytest
from fakes.transports import StillTransport

from gateway.errors import UpstreamFault, UpstreamTimeout
from gateway.upstream import pool
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.pool import IDLE_SECONDS, Endpoint, Server


@pytest.fixture
def server():
    return Server(Endpoint("127.0.0.1", 80), 1.0)


def opened(server):
    connection = UpstreamConnection(server)
    connection.connection_made(StillTransport())
    server.open.add(connection)
    return connection


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        (Endpoint("erp", 80), "http://erp"),
        (Endpoint("erp", 8069), "http://erp:8069"),
        (Endpoint("::1", 80), "http://[::1]"),
        (Endpoint("erp", 443, ssl.create_default_context()), "https://erp"),
        (Endpoint("erp", 80, ssl.create_default_context()), "https://erp:80"),
    ],
)
def test_origins(endpoint, origin):
    assert endpoint.origin == origin


def test_the_connection_used_last_is_used_first(server):
    first, second = opened(server), opened(server)
    server.release(first)
    server.release(second)

    assert server.take() is second
    assert server.busy == 1
    assert server.take() is first
    assert server.take() is None


def test_one_that_is_closing_is_not_handed_out(server):
    connection = opened(server)
    server.release(connection)
    connection.transport.close()

    assert server.take() is None


def test_a_closed_one_is_forgotten(server):
    connection = opened(server)
    server.release(connection)

    connection.connection_lost(None)

    assert (server.idle, server.open) == ([], set())


def test_old_ones_are_closed_by_the_sweeper(server):
    old, young = opened(server), opened(server)
    server.release(old)
    server.release(young)
    old.idle_since = young.idle_since - 2

    server.sweep(young.idle_since + IDLE_SECONDS - 1)

    assert (old.transport.ended, young.transport.ended) == ("closed", "")
    assert server.idle == [young]


def test_a_retired_server_closes_what_comes_back(server):
    idle, busy = opened(server), opened(server)
    server.release(idle)

    server.retire()
    assert (idle.transport.ended, busy.transport.ended) == ("closed", "")
    server.release(busy)

    assert busy.transport.ended == "closed"


class Loop:
    """Answers create_connection as a test wants."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.during = None

    async def create_connection(self, factory, host, port, **options):
        self.asked = (host, port, options)
        if self.during:
            self.during()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome == "hang":
            await asyncio.sleep(3600)
        connection = factory()
        connection.connection_made(StillTransport())
        return connection.transport, connection


@pytest.fixture
def loop(monkeypatch):
    def answer(outcome):
        fake = Loop(outcome)

        class Module:
            get_running_loop = staticmethod(lambda: fake)
            timeout = staticmethod(asyncio.timeout)

        monkeypatch.setattr(pool, "asyncio", Module)
        return fake

    return answer


async def test_a_new_connection_is_counted_from_the_moment_it_is_asked_for(server, loop):
    fake = loop("connect")
    counted = []
    fake.during = lambda: counted.append(server.busy)

    connection = await server.connect()

    assert counted == [1]
    assert server.busy == 1
    assert connection in server.open
    assert fake.asked == ("127.0.0.1", 80, {"ssl": None, "server_hostname": None})


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (ConnectionRefusedError("refused"), UpstreamFault),
        (ssl.SSLCertVerificationError("wrong name"), UpstreamFault),
        (TimeoutError(), UpstreamTimeout),
    ],
)
async def test_one_that_fails_is_told_and_counts_against_the_server(server, loop, outcome, error):
    loop(outcome)

    with pytest.raises(error):
        await server.connect()

    assert server.busy == 0
    assert not server.is_up(0.0)
    loop("connect")
    await server.connect()
    assert server.is_up(0.0)


async def test_one_that_takes_too_long_is_given_up(server, loop):
    loop("hang")
    server.connect_timeout = 0.01

    with pytest.raises(UpstreamTimeout):
        await server.connect()

    assert server.busy == 0


async def test_tls_names_the_server(loop):
    context = ssl.create_default_context()
    fake = loop("connect")

    await Server(Endpoint("10.0.0.1", 443, context, "erp.internal"), 1.0).connect()
    assert fake.asked[2] == {"ssl": context, "server_hostname": "erp.internal"}
    await Server(Endpoint("erp", 443, context), 1.0).connect()
    assert fake.asked[2]["server_hostname"] == "erp"
