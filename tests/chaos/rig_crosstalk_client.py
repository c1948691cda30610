"""`rig_crosstalk_client.py SPEC`: two users take turns on shared connections, and many of their requests are abandoned.

SPEC is JSON: seed, users, nodes, sources, requests, connections, vanish (the share of them). Prints what was counted.
"""

import asyncio
import json
import random
import sys
from collections import Counter

import uvloop
from chaos.rig_judge import Judge
from chaos.rig_nodes import PASSWORD, User
from chaos.rig_wire import Broken, Wire, bearer, post, request

KINDS = {
    "echo": 46,
    "upload": 12,
    "pair": 10,
    "fresh": 10,
    "me": 5,
    "sessions": 5,
    "wrong": 4,
    "error": 4,
    "die": 2,
    "cut": 2,
}
"""What is asked, and how often."""


class Client:
    """All connections of one process. `left` requests are still to be sent."""

    def __init__(self, spec):
        self._dice = random.Random(spec["seed"])
        self._users = [User(**user) for user in spec["users"]]
        self._nodes = [tuple(node) for node in spec["nodes"]]
        self._spec = spec
        self._left = spec["requests"]
        self._number = 0
        self.judge = Judge(self._users)
        self.counts = Counter()
        self._held = {}

    async def run(self):
        for user in self._users:
            self._held[user] = {path: await self._log_in(user, path) for path in ("/auth", "/opaque", "/many")}
        await asyncio.gather(*(self._connection(number) for number in range(self._spec["connections"])))

    async def _log_in(self, user, path):
        wire = await Wire.open(self._nodes[0])
        answer = await wire.ask(post(f"{path}/login", {"username": user.name, "password": PASSWORD}))
        assert answer.status == 200, answer.body
        self.judge.issued(user, answer)
        wire.close()
        return answer.json

    async def _connection(self, number):
        sources = self._spec["sources"]
        source, node = sources[number % len(sources)], self._nodes[number % len(self._nodes)]
        wire = None
        while self._left > 0:
            self._left -= 1
            if wire is None or not wire.usable:
                wire = await Wire.open(node, source)
            user = self._dice.choice(self._users)
            kind = self._dice.choices([*KINDS], [*KINDS.values()])[0]
            try:
                wire = await (self._abandon if self._dice.random() < self._spec["vanish"] else self._ask)(
                    wire, user, kind
                )
            except Broken:
                self.counts[f"{kind} broken"] += 1
                if kind != "cut":
                    self.judge.wrong(f"a {kind} was broken off")
                wire.close()
                wire = None
        if wire is not None:
            wire.close()

    async def _ask(self, wire, user, kind):
        """One request to its end. Returns the connection as far as it may be used again."""
        ask = getattr(self, f"_{kind}", None)
        if ask is None:
            answer, _ = await self._exchange(wire, user, kind)
            self.counts[f"{kind} {answer.status}"] += 1
            self.judge.mine(user, answer)
        else:
            answer = await ask(wire, user)
            self.counts[f"{kind} {answer.status}"] += 1
        if answer.closes:
            wire.close()
            return None
        return wire

    async def _abandon(self, wire, user, kind):
        """Leave after a part of the request, after all of it, or after a part of the answer."""
        raw, _ = self._request(user, kind)
        stage = self._dice.choice(["within", "sent", "answered"])
        asked = " with the store asked" if stage == "sent" and kind in {"fresh", "me", "sessions"} else ""
        self.counts[f"vanished {stage}{asked}"] += 1
        wire.send(raw[: self._dice.randint(1, len(raw) - 1)] if stage == "within" else raw)
        if stage == "answered":
            await wire.read_some()
        else:
            await asyncio.sleep(self._dice.choice([0, 0, 0.001, 0.003]))
        wire.vanish(reset=self._dice.random() < 0.7)

    def _request(self, user, kind):
        """The bytes, and the target."""
        self._number += 1
        held = self._held[user][self._dice.choice(["/auth", "/opaque"])]
        how = kind if kind in {"error", "die", "cut"} else self._dice.choice(["plain", "split", "split", "slow"])
        target = f"/echo/{how}/{user.name}/{self._spec['seed']}-{self._number}"
        if kind == "fresh":
            many = self._held[user]["/many"]
            return post("/many/refresh", {"refresh_token": many["refresh_token"]}), "/many/refresh"
        if kind in {"me", "sessions"}:
            held = self._held[user]["/auth"]
            return request("GET", f"/auth/{kind}", bearer(held["access_token"])), f"/auth/{kind}"
        if kind == "wrong":
            return request("GET", target, bearer(held["access_token"][:-3] + "AAA")), target
        if self._dice.random() < 0.2:
            return request("GET", target, f"X-API-Key: {user.api_key}\r\n".encode()), target
        if kind == "upload":
            body = (user.name * self._dice.randint(1, 30)).encode()
            chunked = self._dice.random() < 0.5
            return request("POST", target, bearer(held["access_token"]), body, chunked=chunked), target
        return request("GET", target, bearer(held["access_token"])), target

    async def _exchange(self, wire, user, kind):
        raw, target = self._request(user, kind)
        return await wire.ask(raw), target

    async def _echo(self, wire, user):
        raw, target = self._request(user, "echo")
        answer = await wire.ask(raw)
        self._echoed(user, target, "", answer)
        return answer

    async def _upload(self, wire, user):
        raw, target = self._request(user, "upload")
        body = raw.split(b"\r\n\r\n", 1)[1]
        if b"chunked" in raw:
            pieces = body.split(b"\r\n")
            body = pieces[1] + pieces[3]
        answer = await wire.ask(raw)
        self._echoed(user, target, body.decode(), answer)
        return answer

    async def _pair(self, wire, user):
        """Two users' requests in one write: the answers come in the same order."""
        asked = [(one, *self._request(one, "echo")) for one in self._dice.sample(self._users, 2)]
        wire.send(b"".join(raw for _, raw, _ in asked))
        for one, _, target in asked:
            answer = await wire.receive()
            self._echoed(one, target, "", answer)
        return answer

    async def _fresh(self, wire, user):
        """A token that no worker has seen, and a request with it that has to ask the store."""
        answer, _ = await self._exchange(wire, user, "fresh")
        if answer.status != 200:
            self.judge.wrong(f"a refresh was answered {answer.status} {answer.body!r}")
            return answer
        token = self.judge.issued(user, answer)
        target = f"/echo/split/{user.name}/{self._spec['seed']}-{self._number}-fresh"
        answer = await wire.ask(request("GET", target, bearer(token)))
        self._echoed(user, target, "", answer)
        return answer

    async def _me(self, wire, user):
        answer, _ = await self._exchange(wire, user, "me")
        self.judge.is_me(user, answer)
        return answer

    async def _sessions(self, wire, user):
        answer, _ = await self._exchange(wire, user, "sessions")
        self.judge.lists(user, answer)
        return answer

    async def _wrong(self, wire, user):
        answer, _ = await self._exchange(wire, user, "wrong")
        self.judge.mine(user, answer)
        if answer.status != 401:
            self.judge.wrong(f"a wrong token was answered {answer.status}")
        return answer

    def _echoed(self, user, target, body, answer):
        if answer.status != 200:
            self.judge.wrong(f"{target} was answered {answer.status} {answer.body!r}")
        else:
            self.judge.echoed(user, target, body, answer)


def main(spec):
    client = Client(spec)
    uvloop.run(client.run())
    judge = client.judge
    print(json.dumps({"counts": client.counts, "wrong": judge.count, "violations": judge.violations}))  # noqa: T201


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
