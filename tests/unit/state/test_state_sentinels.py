"""Sentinels: only what says that it is a master is written to, and a fail-over is followed."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from fakes.resp_server import HELLO, RespServer, bulk
from fakes.waiting import eventually

from gateway.state.endpoint import Endpoint
from gateway.state.sentinels import Sentinels

REPLICA = HELLO.replace(b"master", b"replica")
READONLY = b"-READONLY You can't write against a read only replica.\r\n"


class House:
    """Two servers that hold data, and sentinels that each name one of them at an epoch."""

    def __init__(self, sentinels=3):
        self.named = [(0, 1)] * sentinels  # per sentinel: which server it names, and its epoch; None: no such master
        self.answers = [[], []]

    async def __aenter__(self):
        self._stack = AsyncExitStack()
        enter = self._stack.enter_async_context
        self.servers = [await enter(RespServer(lambda command, at=at: self._say(at, command))) for at in range(2)]
        self.sentinels = [
            await enter(RespServer(lambda command, at=at: self._name(at, command))) for at in range(len(self.named))
        ]
        self.servers[1]._hello = REPLICA
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    def _say(self, at, command):
        if command[0] == "WAIT":
            return b":1\r\n"
        said = self.answers[at].pop(0) if self.answers[at] else bulk(str(at))
        return said(self) if callable(said) else said

    def _name(self, at, command):
        if command[0] == "SUBSCRIBE":
            return b""
        if command[0] == "PING":
            return b">3\r\n+subscribe\r\n+x\r\n:1\r\n+PONG\r\n"
        if self.named[at] is None:
            return b"_\r\n" if command[1] == "GET-MASTER-ADDR-BY-NAME" else b"-ERR No such master with that name\r\n"
        which, epoch = self.named[at]
        if command[1] == "MASTER":
            return b"%1\r\n+config-epoch\r\n" + bulk(str(epoch))
        return b"*2\r\n" + bulk("127.0.0.1") + bulk(str(self.servers[which].port))

    def fail_over(self, at=1, epoch=2):
        """The other one is the master, and all know it."""
        self.servers[at]._hello, self.servers[1 - at]._hello = HELLO, REPLICA
        self.named = [(at, epoch)] * len(self.named)

    def announce(self, sentinel, *, name="gate"):
        ports = self.servers[0].port, self.servers[1].port
        said = f"{name} 127.0.0.1 {ports[0]} 127.0.0.1 {ports[1]}"
        listening = self.sentinels[sentinel].listening
        self.sentinels[sentinel].say(b">3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n" + bulk(said), to=listening)

    def store(self, *, timeout=5.0, extra=()):
        sentinels = [Endpoint(host="127.0.0.1", port=one.port, timeout=timeout) for one in self.sentinels]
        return Sentinels([*extra, *sentinels], "gate", Endpoint(timeout=timeout), [])

    def asked(self, at):
        return [command for command in self.servers[at].commands if command[0] != "HELLO"]


@pytest.fixture
async def house():
    async with House() as house:
        yield house


async def test_the_master_that_the_sentinels_name_is_asked(house):
    store = house.store()

    assert await store.ask([("GET", "a"), ("GET", "b")]) == [b"0", b"0"]
    assert await store.ask_durably([("SET", "a", "1")], 1, 0.1) == ([b"0"], 1)

    (master,) = await store.masters()
    assert master.endpoint.port == house.servers[0].port
    assert store.key_on(master, "gw:beat") == "gw:beat"
    assert house.asked(1) == []
    store.close()


async def test_a_sentinel_of_an_older_epoch_is_not_believed(house):
    """It was cut off while the others failed over."""
    house.fail_over()
    house.named[0] = (0, 1)
    house.servers[0]._hello = HELLO  # cut off, it still takes itself for the master
    store = house.store()

    assert await store.ask([("GET", "a")]) == [b"1"]
    store.close()


async def test_a_server_that_says_it_is_no_master_is_never_asked(house):
    house.named = [(1, 1)] * 3
    store = house.store()
    asking = asyncio.ensure_future(store.ask([("SET", "a", "1")]))
    await eventually(lambda: len(house.servers[1].connections) > 1)
    assert not asking.done()

    house.fail_over(0)

    assert await asking == [b"0"]
    assert house.asked(1) == []
    store.close()


async def test_what_a_demoted_master_refused_is_sent_to_its_successor(house):
    store = house.store()
    await store.ask([("GET", "a")])
    house.answers[0] = [b"+OK\r\n", READONLY]
    house.fail_over()

    assert await store.ask([("GET", "a"), ("SET", "a", "1")]) == [b"OK", b"1"]

    assert house.asked(1) == [("SET", "a", "1")], "what was answered is not asked again"
    assert await store.ask([("GET", "b")]) == [b"1"]
    store.close()


async def test_a_lost_connection_is_told_and_nothing_is_sent_again(house):
    store = house.store()
    await store.ask([("GET", "a")])
    house.answers[0] = [lambda house: house.servers[0].hang_up(house.servers[0].asking)]

    with pytest.raises(OSError):
        await store.ask([("SET", "a", "1")])
    house.fail_over()

    assert await store.ask([("GET", "b")]) == [b"1"]
    assert ("SET", "a", "1") not in house.asked(1)
    store.close()


async def test_a_fail_over_that_is_announced_is_followed_without_a_call(house):
    store = house.store()
    await store.ask([("GET", "a")])
    sentinel = house.sentinels[1]
    await eventually(lambda: ("SUBSCRIBE", "+switch-master") in sentinel.commands)
    await eventually(lambda: sentinel.commands[-1][0] == "SENTINEL")
    sentinel.listening = sentinel.asking
    house.announce(1, name="another")
    house.fail_over()

    house.announce(1)
    await eventually(lambda: store._last.endpoint.port == house.servers[1].port)

    assert await store.ask([("GET", "b")]) == [b"1"]
    assert len(house.asked(0)) == 1
    store.close()


async def test_a_fail_over_that_nobody_announced_is_noticed_all_the_same(house):
    store = house.store()
    await store.ask([("GET", "a")])

    house.fail_over()
    await eventually(lambda: house.servers[1].connections)
    await eventually(lambda: store._last.endpoint.port == house.servers[1].port)

    assert await store.ask([("GET", "b")]) == [b"1"]
    store.close()


async def test_a_doubt_without_a_successor_keeps_the_connections(house):
    store = house.store()
    (master,) = await store.masters()
    await store.ask([("GET", "a")])

    store.doubt(master)

    assert await store.masters() == (master,)
    assert await store.ask([("GET", "a")]) == [b"0"]
    store.close()


async def test_sentinels_that_are_away_or_know_nothing_do_not_matter_while_one_answers(house):
    house.named[0] = house.named[1] = None
    store = house.store(extra=[Endpoint(host="127.0.0.1", port=1)])

    assert await store.ask([("GET", "a")]) == [b"0"]
    store.close()


async def test_where_no_sentinel_names_a_master_it_is_said_in_time(house):
    house.named = [None] * 3
    store = house.store(timeout=0.1)

    with pytest.raises(ConnectionError, match="no sentinel knows a master named gate"):
        await store.ask([("GET", "a")])
    store.close()


@pytest.mark.parametrize("sentinels", ["know nothing", "hang"])
async def test_while_no_sentinel_names_a_master_the_one_before_is_asked(house, monkeypatch, sentinels):
    """It is there, and nobody can have failed over; one late answer must not lock everybody out until they are back."""
    store = house.store(timeout=0.3)
    (master,) = await store.masters()
    house.named = [None] * 3
    if sentinels == "hang":
        monkeypatch.setattr(house, "_name", lambda _at, _command: b"")
    store.doubt(master)

    assert await store.ask([("GET", "a")]) == [b"0"]

    assert await store.masters() == (master,)
    store.close()


async def test_a_former_master_that_was_demoted_is_not_asked_although_no_sentinel_names_another(house):
    store = house.store(timeout=0.3)
    (master,) = await store.masters()
    house.servers[0]._hello = REPLICA
    house.named = [None] * 3
    store.doubt(master)

    with pytest.raises(ConnectionError, match="is not a master"):
        await store.ask([("SET", "a", "1")])

    assert house.asked(0) == []
    store.close()


async def test_callers_who_go_while_the_master_is_looked_for_harm_nobody(house):
    store = house.store()
    hasty, patient = (asyncio.ensure_future(store.ask([("GET", key)])) for key in "ab")
    await asyncio.sleep(0)

    hasty.cancel()

    assert await patient == [b"0"]
    store.close()


async def test_closing_closes_the_connections_to_a_former_master_too(house):
    store = house.store(timeout=60.0)
    await store.ask([("GET", "a")])
    (link,) = store._last._links
    house.fail_over()
    await eventually(lambda: store._last.endpoint.port == house.servers[1].port)
    assert link.is_open

    store.close()

    await eventually(link.ended.done)


async def test_a_closed_store_asks_nobody(house):
    store = house.store()
    store.close()

    with pytest.raises(ConnectionAbortedError):
        await store.ask([("GET", "a")])
    assert house.sentinels[0].commands == []
