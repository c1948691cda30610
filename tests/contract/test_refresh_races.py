"""Refreshes that race, come again, meet a logout or lose the store: nobody is logged out wrongly, nothing dead returns.

Every dialect that refreshes, and every kind of policy, on the embedded store and on a Redis, which are paused and killed.
"""

import asyncio
import os
import random
import signal

import pytest
from fakes.garden import people
from fakes.servers import StoreServer
from fakes.speakers import SPEAKERS, Said
from fakes.token_rig import ManualClock, build
from fakes.waiting import eventually

from gateway.config.store import StoreConfig
from gateway.dialects import DIALECTS
from gateway.errors import Reason, StoreUnavailable
from gateway.identity_providers.passwords import PasswordChecks
from gateway.state.connect import open_store
from gateway.state.embedded import Embedded
from gateway.state.feed import Invalidation

CASES = {
    "native": ("native", {}, {}),
    "native without grace": ("native", {}, {"grace": 0.0}),
    "native that ends access tokens": ("native", {}, {"revoke_access": True}),
    "native without rotation": ("native", {}, {"rotate": False}),
    "oauth2": ("oauth2", {}, {}),
    "idempiere": ("idempiere", {}, {}),
    "idempiere with a grace": ("idempiere", {}, {"grace": 10.0}),
    "jdx": ("jdx", {}, {}),
    "itempath": ("itempath", {}, {}),
    "jmix": ("jmix", {}, {}),
    "jmix that rotates": ("jmix", {"reuse_refresh_token": False}, {}),
    "jmix 2": ("jmix", {"generation": 2}, {}),
}
TIMEOUT = 0.25
STEPS = (("log_in", 0.004), ("call", 0.001), ("refresh", 0.002), ("refresh", 0.002), ("log_out", 0.0015))
"""And the seconds within which the store fails after the step has begun: about as long as it takes."""


class EmbeddedPlace:
    """The store that is the gateway's own child, which starts it again."""

    def __init__(self, directory):
        self._embedded = Embedded(directory / "state")

    async def start(self):
        self.url = await self._embedded.start()

    def send(self, what):
        os.kill(self._embedded.pid, what)

    async def again(self):
        """Nothing: it comes by itself."""

    async def stop(self):
        await self._embedded.stop()


class RedisPlace:
    def __init__(self, directory):
        self._server = StoreServer("redis", directory, "--appendonly", "yes", "--appendfsync", "always")
        self.url = self._server.url

    async def start(self):
        await asyncio.to_thread(self._server.start)

    def send(self, what):
        self._server.process.send_signal(what)

    async def again(self):
        await asyncio.to_thread(self._server.process.wait)
        await self.start()

    async def stop(self):
        self._server.stop()


@pytest.fixture(params=[EmbeddedPlace, RedisPlace], ids=["embedded", "redis"])
async def place(request, tmp_path):
    place = request.param(tmp_path)
    await place.start()
    yield place
    await place.stop()


class Client:
    """A client of one dialect, and what the gateway then knows."""

    def __init__(self, store, checks, case):
        self.case = case
        self.dialect, options, policy = CASES[case]
        self.clock = ManualClock()
        made = {self.dialect: (DIALECTS[self.dialect], f"/{self.dialect}", options)}
        self.rig = build(store, checks, self.clock, dialects=made, listed=people(), **policy)
        self.policy = self.rig.logins[self.dialect].issuer.policy
        self.speaks = SPEAKERS[self.dialect](self.rig, self.dialect)

    async def call(self, said):
        """Whether the access token opens routes, asked of the store itself."""
        self.rig.feed.tell(Invalidation("reconnect"))
        try:
            judged = await self.rig.verifier.verify(said.access.encode())
        except StoreUnavailable:
            return Said("away")
        return Said("refused" if judged is None or isinstance(judged, Reason) else "ok")

    async def step(self, name, said):
        try:
            if name == "call":
                return await self.call(said)
            return await (self.speaks.log_in() if name == "log_in" else getattr(self.speaks, name)(said))
        except StoreUnavailable:
            return Said("away")

    async def until_answered(self, name, said):
        """As a client does that is told to come back."""
        answers = []

        async def answered():
            answers.append(await self.step(name, said))
            return answers[-1].what != "away"

        await eventually(answered)
        return answers[-1]

    async def is_over(self, *all_said):
        for said in all_said:
            assert (await self.until_answered("call", said)).what == "refused"
            assert (await self.until_answered("refresh", said)).what == "refused"


@pytest.fixture(params=CASES)
async def client(request, place):
    checks = PasswordChecks(workers=2, queue=64)
    hurried = "failure" in request.fixturenames  # only where the store fails; a busy disk is no failure
    store = open_store(StoreConfig(timeout=TIMEOUT if hurried else 10.0), url=place.url)
    await eventually(store.ping)
    yield Client(store, checks, request.param)
    await store.close()
    checks.close()


async def log_in(client):
    said = await client.until_answered("log_in", None)
    assert said.what == "ok"
    assert (await client.until_answered("call", said)).what == "ok"
    return said


async def test_of_refreshes_at_once_all_get_one_pair_or_one_wins(client):
    before = await log_in(client)

    answers = await asyncio.gather(*(client.until_answered("refresh", before) for _ in range(8)))

    won = [said for said in answers if said.what == "ok"]
    if client.policy.rotate and not client.policy.grace:
        assert len(won) == 1
        await client.is_over(before, *won)
    else:
        assert len(won) == 8
        assert len({said.refresh for said in won}) == 1
        assert (await client.until_answered("call", won[0])).what == "ok" or not client.policy.rotate
        assert (await client.until_answered("refresh", won[-1])).what == "ok"


async def test_a_replay_after_the_grace_ends_the_session_where_tokens_rotate(client):
    before = await log_in(client)
    after = await client.until_answered("refresh", before)
    client.clock.advance(client.policy.grace + 0.5)

    replayed = await client.until_answered("refresh", before)

    if client.policy.rotate:
        assert replayed.what == "refused"
        await client.is_over(before, after)
    else:
        assert replayed.what == "ok"
        assert (await client.until_answered("call", replayed)).what == "ok"


async def test_a_logout_during_a_refresh_ends_what_the_refresh_gives(client):
    for turns in range(0, 24, 2):
        before = await log_in(client)

        async def log_out_later(said, turns):
            for _ in range(turns):
                await asyncio.sleep(0)
            return await client.step("log_out", said)

        refreshed, left = await asyncio.gather(client.step("refresh", before), log_out_later(before, turns))

        assert left.what != "away"
        if left.what == "refused":  # its access token had been ended by the refresh
            assert client.policy.revoke_access
            assert (await client.until_answered("log_out", refreshed)).what == "ok"
        await client.is_over(before, *([refreshed] if refreshed.what == "ok" else []))


@pytest.mark.parametrize("failure", [signal.SIGSTOP, signal.SIGKILL], ids=["hung", "killed"])
async def test_a_store_that_fails_within_a_step_ends_nobody_and_revives_nothing(client, place, failure):
    dice = random.Random(f"{client.case} {failure}")
    for step, seconds in STEPS:
        before = await log_in(client)
        task = asyncio.ensure_future(client.step(step, before))
        await asyncio.sleep(dice.uniform(0, seconds))

        place.send(failure)
        said = await task
        if failure == signal.SIGSTOP:
            place.send(signal.SIGCONT)
        else:
            await place.again()

        assert said.what in {"ok", "away"}, "an outage is never bad credentials"
        await afterwards(client, step, before, said)


async def afterwards(client, step, before, said):
    """What the client finds who was told `said` when it wanted to take that step."""
    if step == "log_out":
        if said.what == "away":
            await client.until_answered("log_out", before)
        await client.is_over(before)
        return
    if step == "log_in":
        said = await client.until_answered("log_in", None) if said.what == "away" else said
        assert (await client.until_answered("call", said)).what == "ok"
    if step != "refresh" or not client.policy.revoke_access:
        assert (await client.until_answered("call", before)).what == "ok"
    if said.what == "away" or step == "call":
        said = await client.until_answered("refresh", before)
    if said.what == "refused":
        # The answer was lost with the store, and without a grace the client's second try is a second use.
        assert client.policy.rotate
        assert not client.policy.grace
        await client.is_over(before)
        return
    assert (await client.until_answered("call", said)).what == "ok"
    assert (await client.until_answered("refresh", said)).what == "ok"


def test_every_dialect_with_refresh_tokens_is_here():
    refreshing = {
        name
        for name, each in DIALECTS.items()
        if each.policy("https://gate.example", "https://gate.example", each.Options()).refresh_ttl
    }

    assert refreshing == set(SPEAKERS) == {dialect for dialect, *_ in CASES.values()}
