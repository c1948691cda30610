import asyncio
import socket

import pytest
from fakes.transports import StillTransport
from fakes.waiting import eventually
from fakes.wired_gate import Wired

from gateway.app.acceptor import DECLINE_SECONDS, PATIENCE_SECONDS, Acceptor, CountedConnection
from gateway.app.slots import CLOSED, Slots


class Door:
    """A listening socket, counters, and acceptors that keep what they accept."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.slots = Slots.make(4)
        self.taken = {0: [], 1: []}
        self.clients = []
        self.acceptors = []

    def acceptor(self, slot, serve=None):
        sock = self.sock.dup()
        sock.setblocking(False)

        async def keep(_, client):
            self.taken[slot].append(client)

        acceptor = Acceptor(sock, self.slots, slot, serve or keep)
        self.acceptors.append(acceptor)
        return acceptor

    def connect(self, count=1):
        self.clients += [socket.create_connection(self.sock.getsockname(), 10) for _ in range(count)]

    def close(self):
        for acceptor in self.acceptors:
            acceptor.close()
        for sock in (self.sock, *self.clients, *self.taken[0], *self.taken[1]):
            sock.close()
        self.slots.close()


@pytest.fixture
async def door():
    door = Door()
    yield door
    door.close()


async def test_two_that_share_a_socket_share_the_connections(door):
    for slot in (0, 1):
        door.acceptor(slot).start()

    door.connect(32)
    await eventually(lambda: len(door.taken[0]) + len(door.taken[1]) == 32)

    assert 13 <= len(door.taken[0]) <= 19
    assert (door.slots[0], door.slots[1]) == (len(door.taken[0]), len(door.taken[1]))


async def test_whoever_has_many_leaves_the_next_to_the_other(door):
    door.acceptor(0).start()
    door.connect(6)
    await eventually(lambda: len(door.taken[0]) == 6)
    door.acceptor(1).start()

    door.connect(5)
    await eventually(lambda: len(door.taken[1]) == 5)

    assert len(door.taken[0]) == 6


async def test_nobody_waits_for_a_worker_that_does_not_come(door):
    """Its figure is the lowest, and it accepts nothing: stuck, or dead and not yet missed."""
    door.slots[1] = 0
    door.acceptor(0).start()

    door.connect(10)

    await eventually(lambda: len(door.taken[0]) == 10)


async def test_patience_with_a_stuck_worker_wanes_and_comes_back_with_it(door):
    door.slots[1] = 0
    acceptor = door.acceptor(0)
    acceptor.start()
    door.connect(40)
    await eventually(lambda: len(door.taken[0]) == 40)
    assert acceptor._patience < DECLINE_SECONDS

    door.slots[1] = 40
    door.connect(1)
    await eventually(lambda: len(door.taken[0]) == 41)

    assert acceptor._patience == PATIENCE_SECONDS


async def test_a_connection_that_is_over_no_longer_counts(door):
    acceptor = door.acceptor(0)
    acceptor.start()
    door.connect(3)
    await eventually(lambda: len(door.taken[0]) == 3)

    acceptor.left()

    assert door.slots[0] == 2


async def test_a_handshake_that_fails_no_longer_counts(door):
    async def fail(_, client):
        door.taken[0].append(client)
        raise ConnectionResetError

    door.acceptor(0, fail).start()
    door.connect(1)
    await eventually(lambda: door.taken[0])

    await eventually(lambda: door.slots[0] == 0)


async def test_one_that_ends_for_all_takes_in_who_waits(door):
    acceptor = door.acceptor(0)
    acceptor.start()
    door.connect(5)

    await acceptor.end(take_queued=True)

    assert len(door.taken[0]) == 5


async def test_one_that_is_closed_leaves_the_queue_to_others(door):
    closing = door.acceptor(0)
    closing.start()
    closing.close()
    closing.close()

    door.connect(2)
    door.acceptor(1).start()

    await eventually(lambda: len(door.taken[1]) == 2)
    assert door.slots[0] == CLOSED
    assert door.taken[0] == []


class Full:
    """A socket on a machine that has run out of files, for a while."""

    def __init__(self, real, refusals):
        self._real, self.refusals = real, refusals

    def fileno(self):
        return self._real.fileno()

    def accept(self):
        if self.refusals:
            raise self.refusals.pop()
        return self._real.accept()

    def close(self):
        self._real.close()


async def test_a_machine_out_of_files_is_asked_again_later(door, monkeypatch):
    monkeypatch.setattr("gateway.app.acceptor._RETRY_SECONDS", 0.01)
    acceptor = door.acceptor(0)
    full = Full(acceptor._sock, [OSError(24, "Too many open files"), ConnectionAbortedError(103, "aborted")])
    acceptor._sock = full
    acceptor.start()

    door.connect(1)

    await eventually(lambda: door.taken[0])
    await asyncio.sleep(0)
    assert full.refusals == []


async def test_one_that_became_a_tunnel_no_longer_counts_once_that_is_closed(door):
    """Its transport has another protocol then, which tells the connection."""
    wired, acceptor = Wired(), door.acceptor(0)
    acceptor.start()
    door.connect(2)
    await eventually(lambda: door.slots[0] == 2)
    connection = CountedConnection(wired.gate)
    connection.acceptor = acceptor
    connection.connection_made(StillTransport())

    connection.disconnected()

    assert door.slots[0] == 1
    assert not wired.gate.connections
