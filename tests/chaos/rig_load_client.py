"""`rig_load_client.py SPEC`: a constant load that knows for every token what it must get, until SIGTERM.

SPEC is JSON: seed, users, nodes, rate (requests a second), sessions, bound, out, perhaps hows (how answers come).
Prints `ready`, and at its end what was wrong; each request becomes a line [sent, answered, node, kind, outcome] of the
file `out`, by the machine's own clock.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys
from pathlib import Path
from time import monotonic

import uvloop
from chaos.rig_held import Held, Standing
from chaos.rig_judge import Judge
from chaos.rig_nodes import PASSWORD, User
from chaos.rig_wire import Broken, Cut, Wire, bearer, post, request

ACTIONS = {"use": 86, "key": 4, "renew": 4, "open": 3, "end": 3}
PROBES = (0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.51, 0.6, 0.8, 1.2, 2, 4)
"""Seconds after a revocation at which its tokens are tried."""
HOWS = ["plain", "plain", "split", "slow"]
PATIENCE = 30.0
"""Seconds for which a call that failed is made again: less than the grace of a rotation."""
UNAVAILABLE = {502, 503, 504}


class Load:
    """All that one process asks of all nodes."""

    def __init__(self, spec):
        self._spec = spec
        self._dice = random.Random(spec["seed"])
        self._users = [User(**user) for user in spec["users"]]
        self._nodes = [tuple(node) for node in spec["nodes"]]
        self._idle = {number: [] for number in range(len(self._nodes))}
        self._held = []
        self._ended = []
        self._tasks = set()
        self._number = 0
        self._over = asyncio.Event()
        self.judge = Judge(self._users)
        self.records = []

    async def run(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._over.set)
        await asyncio.gather(*(self._open() for _ in range(self._spec["sessions"])))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await self._keep_asking()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._settle()

    async def _keep_asking(self):
        """An open loop: what is slow delays nobody else's request."""
        due = monotonic()
        while not self._over.is_set():
            action = self._dice.choices([*ACTIONS], [*ACTIONS.values()])[0]
            self._spawn(getattr(self, f"_{action}")())
            due += 1 / self._spec["rate"]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), max(0, due - monotonic()))

    def _spawn(self, work):
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task):
        self._tasks.discard(task)
        if (error := task.exception()) is not None:
            self.judge.wrong(f"an answer made no sense: {error!r}")

    # -- one request

    async def _ask(self, kind, raw, *, node=None):
        """The answer, or None where there was none; either is recorded."""
        if node is None:
            node = self._dice.randrange(len(self._nodes))
        began = monotonic()
        try:
            answer = await self._exchange(node, raw)
        except (Broken, TimeoutError) as error:
            answer = None
            outcome = {Cut: "cut", Broken: "broken"}.get(type(error), "never")
        else:
            outcome = answer.status
        self.records.append([began, monotonic(), node, kind, outcome])
        return answer

    async def _exchange(self, node, raw):
        idle = [wire for wire in self._idle[node] if wire.usable]
        self._idle[node] = idle
        wire = idle.pop() if idle else await Wire.open(self._nodes[node])
        try:
            answer = await wire.ask(raw)
        except BaseException:
            wire.close()
            raise
        if answer.closes:
            wire.close()
        else:
            self._idle[node].append(wire)
        return answer

    def _target(self, user):
        self._number += 1
        how = self._dice.choice(self._spec.get("hows", HOWS))
        return f"/echo/{how}/{user.name}/{self._spec['seed']}-{self._number}"

    def _live(self):
        return [held for held in self._held if held.must_open and not held.busy]

    # -- actions

    async def _use(self):
        if live := self._live():
            held = self._dice.choice(live)
            await self._try(held, held.tokens[-1], "use")

    async def _try(self, held, token, kind, *, node=None):
        """One request with a token. Returns its status, None for none."""
        target, began, was_live = self._target(held.user), monotonic(), held.must_open
        answer = await self._ask(kind, request("GET", target, bearer(token)), node=node)
        if answer is None:
            if self.records[-1][4] == "cut" and not held.must_open:
                self.records[-1][3] = "raced"  # an answer under way to a session that ended is closed
            return None
        if answer.status == 200:
            self.judge.echoed(held.user, target, "", answer)
            if held.must_not_open(began, self._spec["bound"]):
                late = began - held.revoked_at
                self.judge.wrong(f"a token was accepted {late:.3f} s after its session was revoked")
        else:
            self.judge.mine(held.user, answer)
            if answer.status == 401 and was_live and held.must_open:
                self.judge.wrong(f"REFUSED: a valid token of {held.path}: {answer.body!r} {held.history}")
            elif answer.status == 401 and kind == "use":
                self.records[-1][3] = "raced"  # its session was ended meanwhile
            elif answer.status not in UNAVAILABLE | {401}:
                self.judge.wrong(f"{kind} was answered {answer.status} {answer.body!r}")
        return answer.status

    async def _key(self):
        user = self._dice.choice(self._users)
        target = self._target(user)
        answer = await self._ask("key", request("GET", target, f"X-API-Key: {user.api_key}\r\n".encode()))
        if answer is not None and answer.status == 200:
            self.judge.echoed(user, target, "", answer)
        elif answer is not None and answer.status not in UNAVAILABLE:
            self.judge.wrong(f"REFUSED: a valid API key: {answer.status} {answer.body!r}")

    async def _open(self):
        user, path = self._dice.choice(self._users), self._dice.choice(["/auth", "/opaque"])
        answer = await self._ask("open", post(f"{path}/login", {"username": user.name, "password": PASSWORD}))
        if answer is None:
            return
        if answer.status == 200:
            token = self.judge.issued(user, answer)
            self._held.append(Held(user, path, [token], answer.json["refresh_token"]))
        elif answer.status not in UNAVAILABLE:
            self.judge.wrong(f"REFUSED: a login with the right password: {answer.status} {answer.body!r}")

    async def _renew(self):
        if live := self._live():
            held = self._dice.choice(live)
            held.busy = True
            await self._renewed(held, "renew")
            held.busy = False

    async def _renewed(self, held, kind):
        """Refresh, again and again where no answer came. Whether it was done."""
        until = monotonic() + PATIENCE
        while monotonic() < until:
            answer = await self._ask(kind, post(f"{held.path}/refresh", {"refresh_token": held.refresh_token}))
            held.history.append(f"renew {answer and answer.status}")
            if answer is not None and answer.status == 200:
                held.tokens.append(self.judge.issued(held.user, answer))
                held.refresh_token = answer.json["refresh_token"]
                return True
            if answer is not None and answer.status not in UNAVAILABLE:
                self.judge.wrong(f"REFUSED: a valid refresh token: {answer.status} {answer.body!r} {held.history}")
                break
            await asyncio.sleep(0.25)
        held.standing = Standing.UNSURE
        return False

    async def _end(self):
        live = self._live()
        if len(live) <= self._spec["sessions"] // 2:
            return
        held = self._dice.choice(live)
        held.busy, held.standing = True, Standing.ENDING
        self._held.remove(held)
        until, tries = monotonic() + PATIENCE, 0
        while monotonic() < until:
            tries += 1
            answer = await self._ask("end", request("POST", f"{held.path}/logout", bearer(held.tokens[-1]), b""))
            if answer is not None and (answer.status == 204 or (answer.status == 401 and tries > 1)):
                held.revoked_at, held.standing = monotonic(), Standing.REVOKED
                self._spawn(self._probe(held))
                return
            if answer is not None and answer.status not in UNAVAILABLE:
                self.judge.wrong(f"REFUSED: the logout of a valid token: {answer.status} {answer.body!r}")
                return
            await asyncio.sleep(0.25)
        held.standing = Standing.UNSURE

    async def _probe(self, held):
        """Try what was revoked, everywhere."""
        self._ended.append(held)
        for after in PROBES:
            await asyncio.sleep(max(0, held.revoked_at + after - monotonic()))
            if self._over.is_set():
                return
            self._spawn(self._try(held, self._dice.choice(held.tokens), "probe"))

    # -- the end

    async def _settle(self):
        """After the last fault: every session that was not ended is there, at every node; every other is not."""
        for held in self._live():
            for node in range(len(self._nodes)):
                if await self._try(held, held.tokens[-1], "last", node=node) != 200:
                    self.judge.wrong(f"LOST: a session of {held.path} {held.history}")
            if not await self._renewed(held, "last"):
                self.judge.wrong(f"LOST: the refresh token of a session of {held.path}")
        for held in self._ended:
            for token in held.tokens:
                await self._try(held, token, "probe")


def main(spec):
    async def run():
        load = Load(spec)
        await load.run()
        return load

    load = uvloop.run(run())
    Path(spec["out"]).write_text("".join(f"{json.dumps(record)}\n" for record in load.records))
    judge = load.judge
    sys.stdout.write(json.dumps({"wrong": judge.count, "violations": judge.violations}) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
