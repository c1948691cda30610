"""Clients that come in: TLS handshakes are bounded like connections."""

import asyncio
import socket
import ssl

import pytest
from fakes.authority import write_certificates
from fakes.waiting import eventually
from fakes.wired_gate import Wired

from gateway.app.acceptor import Acceptor
from gateway.app.certificate import Certificate, tls_context
from gateway.app.doorway import Doorway
from gateway.app.slots import Slots


class House:
    """An acceptor behind a listening socket, and clients that connect and say nothing."""

    def __init__(self, wired, tls=None):
        self.wired = wired
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.sock.setblocking(False)
        self.slots = Slots.make(1)
        self.doorway = Doorway(wired.gate, tls, 30.0)
        self.acceptor = Acceptor(self.sock, self.slots, 0, self.doorway.serve)
        self.address = self.sock.getsockname()
        self.clients = []
        self.acceptor.start()

    async def connect(self):
        client = socket.create_connection(self.address, 10)
        client.setblocking(False)
        self.clients.append(client)
        await asyncio.sleep(0.01)
        return client

    async def close(self):
        for client in self.clients:
            client.close()
        self.wired.gate.cut_all()
        await eventually(lambda: self.slots[0] == 0)
        self.acceptor.close()
        self.slots.close()


async def was_cut(client):
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 60) == b""
    except ConnectionResetError:
        return True


async def stays(client):
    await asyncio.sleep(0.2)
    try:
        return bool(client.recv(1))
    except BlockingIOError:
        return True


@pytest.fixture
def tls(tmp_path):
    write_certificates(tmp_path, "127.0.0.1")
    return tls_context(Certificate((tmp_path / "cert.pem").read_bytes(), (tmp_path / "key.pem").read_bytes()))


async def test_a_client_becomes_a_connection_of_the_gate():
    house = House(Wired())
    await house.connect()

    await eventually(lambda: len(house.wired.gate.connections) == 1)
    assert house.slots[0] == 1
    await house.close()


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
async def test_handshakes_that_never_end_are_bounded_like_connections(tls, limit):
    house = House(Wired(**{limit: 2}), tls)
    first, second = await house.connect(), await house.connect()
    await eventually(lambda: house.slots[0] == 2)

    third = await house.connect()

    assert await was_cut(third)
    assert await stays(first)
    assert await stays(second)
    assert house.slots[0] == 2
    assert ("127.0.0.1", "too many connections", 0) in house.wired.lines
    await house.close()


async def test_one_that_ended_makes_room(tls):
    house = House(Wired(connections=1), tls)
    first = await house.connect()
    await eventually(lambda: house.slots[0] == 1)
    first.close()
    await eventually(lambda: house.slots[0] == 0)

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(*house.address, ssl=context)

    await eventually(lambda: len(house.wired.gate.connections) == 1)
    writer.close()
    del reader
    await house.close()
