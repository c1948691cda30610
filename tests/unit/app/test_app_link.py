import asyncio
import socket

import pytest
from fakes.waiting import eventually

from gateway.app.link import LARGEST, Link


class End:
    """One end, and what it heard."""

    def __init__(self):
        self.heard = []
        self.is_over = False
        self.link = Link(self.heard.append, self._over)

    def _over(self):
        self.is_over = True


@pytest.fixture
async def ends():
    made = [End(), End()]
    for end, sock in zip(made, socket.socketpair(), strict=True):
        await asyncio.get_running_loop().create_unix_connection(lambda end=end: end.link, sock=sock)
    yield made
    for end in made:
        end.link.close()
    await asyncio.sleep(0)


async def test_messages_arrive_whole_and_in_order(ends):
    one, other = ends
    messages = [{"do": "start", "text": "ü" * size} for size in (0, 1, 100_000, 3)]

    for message in messages:
        one.link.send(message)

    await eventually(lambda: len(other.heard) == 4)
    assert other.heard == messages


async def test_the_end_of_one_side_is_told_to_the_other(ends):
    one, other = ends

    one.link.close()

    await eventually(lambda: other.is_over)
    other.link.send({"do": "nothing"})  # lost in silence


def test_a_message_cut_anywhere_is_put_together():
    sender, receiver = End(), End()
    written = []
    sender.link.connection_made(type("Transport", (), {"write": lambda _, data: written.append(data)})())
    sender.link.send({"do": "a"})
    sender.link.send({"do": "b"})

    for byte in b"".join(written):
        receiver.link.data_received(bytes([byte]))

    assert receiver.heard == [{"do": "a"}, {"do": "b"}]


async def test_a_message_too_large_to_be_one_ends_the_line(ends):
    _, other = ends

    other.link.data_received(LARGEST.to_bytes(4) + b"x")

    await eventually(lambda: other.is_over)
    assert other.heard == []
