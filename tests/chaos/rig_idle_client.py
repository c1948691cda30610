"""`rig_idle_client.py SPEC`: holds many connections to one node; each asks once at first, and once again when told to.

SPEC is JSON: node, sources, count, token. Prints `ready`; each line on standard input is one more round, answered with
how many connections got their answer; the end of the input is the end.
"""

import asyncio
import json
import resource
import sys

import uvloop
from chaos.rig_wire import Wire, bearer, request

AT_ONCE = 64


class Crowd:
    """All connections of one process."""

    def __init__(self, spec):
        self._spec = spec
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._raw = request("GET", "/echo/plain/idle", bearer(spec["token"]))
        self._wires = []

    async def arrive(self):
        await asyncio.gather(*(self._open(number) for number in range(self._spec["count"])))

    async def ask_all(self):
        answers = await asyncio.gather(*(self._ask(wire) for wire in self._wires))
        return sum(answers)

    async def _open(self, number):
        sources = self._spec["sources"]
        async with self._turn:
            wire = await Wire.open(tuple(self._spec["node"]), sources[number % len(sources)])
            assert (await wire.ask(self._raw)).status == 200
            self._wires.append(wire)

    async def _ask(self, wire):
        async with self._turn:
            return wire.usable and (await wire.ask(self._raw)).status == 200


def raise_limit():
    """As many files as this process may open at all. Returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main(spec):
    raise_limit()
    crowd = Crowd(spec)
    await crowd.arrive()
    say("ready")
    while await asyncio.to_thread(sys.stdin.readline):
        say(await crowd.ask_all())


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
