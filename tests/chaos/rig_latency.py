"""How long a revoked token still opens anything: every worker of every node is asked without a pause meanwhile."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from chaos.rig_nodes import PASSWORD
from chaos.rig_wire import Wire, bearer, post, request
from fakes.waiting import eventually

CONNECTIONS = 6
"""To each node: with two workers, one that got none of them is as unlikely as its acceptor is unfair."""
PAUSE = 0.004


@dataclass
class Revocation:
    """One of them. Seconds from the moment when the call to revoke had returned; 0: not even one success after it."""

    sent: float = 0.0
    """When the last request was sent that succeeded."""
    answered: float = 0.0
    """When its answer was there."""
    from_cut: float = 0.0
    """When it was sent, from the cut of the feed on."""
    asked: int = 0


class Probes:
    """Connections to some nodes, which all ask with one token."""

    def __init__(self, nodes):
        self._nodes = nodes
        self.wires = []
        self.successes = []
        self.asked = 0

    async def __aenter__(self):
        self.wires = [await Wire.open(node.address) for node in self._nodes for _ in range(CONNECTIONS)]
        return self

    async def __aexit__(self, *_):
        for wire in self.wires:
            await wire.end()

    async def warm(self, token):
        """Once on each connection: every worker now knows the token."""
        for wire in self.wires:
            answer = await wire.ask(request("GET", "/echo/plain/warm", bearer(token)))
            assert answer.status == 200, answer.body

    async def ask_until_refused(self, token, final):
        self.successes, self.asked = [], 0
        await asyncio.gather(*(self._ask(wire, token, final) for wire in self.wires))

    async def _ask(self, wire, token, final):
        refused = 0
        while refused < 3:
            sent = monotonic()
            answer = await wire.ask(request("GET", "/echo/plain/probe", bearer(token)))
            self.asked += 1
            if answer.status == 200:
                self.successes.append((sent, monotonic()))
                assert not refused, "accepted after it was refused by the same worker"
            else:
                assert answer.status in final, answer.body
                refused += 1
            await asyncio.sleep(PAUSE)


async def revoke(rig, probes, *, cut=None):
    """One revocation at the first node, seen from the probes' nodes; `cut` is done before it, `final` judges after it."""
    user, node = rig.dice.choice(rig.users), rig.nodes[0]
    wire = await Wire.open(node.address)
    path = rig.dice.choice(["/auth", "/opaque"])
    answer = await wire.ask(post(f"{path}/login", {"username": user.name, "password": PASSWORD}))
    token = answer.json["access_token"]
    await probes.warm(token)
    asking = asyncio.ensure_future(probes.ask_until_refused(token, {401, 503} if cut else {401}))
    await asyncio.sleep(0.02)
    cut_at = monotonic()
    if cut:
        cut()
        await asyncio.sleep(rig.dice.uniform(0, 0.4))
    answer = await wire.ask(request("POST", f"{path}/logout", bearer(token), b""))
    returned = monotonic()
    assert answer.status == 204, answer.body
    await asyncio.wait_for(asking, 30)
    await wire.end()
    sent, answered = (max((pair[which] for pair in probes.successes), default=0.0) for which in (0, 1))
    return Revocation(max(0.0, sent - returned), max(0.0, answered - returned), max(0.0, sent - cut_at), probes.asked)


async def revoke_many(rig, count):
    """So many, at all nodes."""
    async with Probes(rig.nodes) as probes:
        return [await revoke(rig, probes) for _ in range(count)]


async def revoke_behind_a_cut(rig, relay, count, *, feed_only):
    """So many while the last node, the only one behind the relay, hears nothing; it is healed after each."""
    behind = rig.nodes[-1:]
    found = []
    for _ in range(count):
        async with Probes(behind) as probes:
            found.append(await revoke(rig, probes, cut=lambda: relay.cut(feed_only=feed_only)))
        relay.heal()
        await _heard_again(behind[0])
    return found


async def _heard_again(node):
    """Wait until the node's feed is alive, whose workers then trust their memory again."""

    async def heard():
        return b"gateway_feed_up 1.0" in await asyncio.to_thread(node.metrics)

    await eventually(heard)


def percentile(values, share):
    """The smallest value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
