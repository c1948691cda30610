"""Writing again what was heard: which steps, in how many round trips. On real servers: tests/contract."""

import pytest
from fakes.clock import Clock
from fakes.records import digest

from gateway.errors import StoreUnavailable
from gateway.state.calls import Calls
from gateway.state.feed import Invalidation
from gateway.state.keys import Keys, Pointer, owner_tag, tenant_tag
from gateway.state.rewriting import REMARK, Rewriting
from gateway.state.store import REVOKE, REVOKE_TOKEN, Store


class Answers:
    """A topology that takes everything down and answers as a store that has lost nothing, or all."""

    def __init__(self, *, lost):
        self.lost = lost
        self.rounds = []

    async def ask(self, commands):
        self.rounds.append(commands)
        return [self._answer(command) for command in commands]

    def _answer(self, command):
        if command[0] == "GET":
            return Pointer("s9", "owner", "-", 2e9).dump().encode() if self.lost else None
        if command[0] == "EVALSHA" and command[1] == REVOKE.sha:
            return [b"owner", b"-"] if self.lost else []
        return int(self.lost)

    def close(self):
        """Nothing to close."""


@pytest.fixture
def rewriting():
    def make(*, lost, timeout=5.0):
        topology = Answers(lost=lost)
        store = Store(Calls(topology, timeout=timeout), Keys("gw:"), Clock())
        return store, topology, Rewriting(store)

    return make


EVENTS = [
    Invalidation("session", session_id="s1"),
    Invalidation("token", token_hash=digest("a")),
    Invalidation("user", provider="staff", user_id="1", not_before=1.25),
    Invalidation("tenant", tenant="t1", not_before=2.0),
    Invalidation("all", not_before=3.000001),
]


async def test_nothing_heard_asks_nobody(rewriting):
    _, topology, again = rewriting(lost=True)

    assert await again.write_again() == 0
    assert topology.rounds == []


async def test_each_end_is_the_step_that_it_was(rewriting):
    store, topology, again = rewriting(lost=True)
    for event in EVENTS:
        store.tombstones.hear(event)

    assert await again.write_again() == 5

    scripts = [command for commands in topology.rounds for command in commands if command[0] == "EVALSHA"]
    assert [command[1] for command in scripts] == [REVOKE.sha, REVOKE_TOKEN.sha, *[REMARK.sha] * 3]
    assert scripts[1][3] == "gw:s:{s9}"
    assert [command[4] for command in scripts[2:]] == ["1.250000", "2.000000", "3.000001"]
    assert [command[3] for command in scripts[2:]] == [
        store.keys.mark_user(owner_tag("staff", "1")),
        store.keys.mark_tenant(tenant_tag("t1")),
        store.keys.mark_all,
    ]


async def test_a_token_that_nobody_points_to_is_left_alone(rewriting):
    store, topology, again = rewriting(lost=False)
    store.tombstones.hear(EVENTS[1])

    assert await again.write_again() == 0
    assert [command[0] for commands in topology.rounds for command in commands] == ["GET"]


async def test_many_go_in_batches(rewriting):
    store, topology, again = rewriting(lost=False)
    for number in range(1000):
        store.tombstones.hear(Invalidation("session", session_id=f"s{number}"))

    await again.write_again()

    assert [len(commands) for commands in topology.rounds] == [200] * 5


async def test_a_store_that_is_away_says_so(rewriting):
    store, topology, again = rewriting(lost=False)
    store.tombstones.hear(EVENTS[0])

    async def refuse(_):
        raise ConnectionRefusedError

    topology.ask = refuse
    with pytest.raises(StoreUnavailable):
        await again.write_again()
