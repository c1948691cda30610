"""A whole place to break: users, upstreams, a store and gateway nodes, all real processes on this machine."""

import asyncio
import json
import os
import random
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from chaos.rig_nodes import Node, Setting, Upstream, User

HERE = Path(__file__).resolve().parent
WORKERS = 2
SOURCES = [f"127.0.0.{number}" for number in range(1, 9)]


class Rig:
    """`store` is a running rig of servers with a URL. Everything else is started and ended here."""

    def __init__(self, directory, store, *, seed, nodes=3, workers=WORKERS, upstreams=2, users=2, **setting):
        self.directory = Path(directory)
        self.store = store
        self.seed = seed
        self.dice = random.Random(seed)
        self.users = User.some(users, self.dice)
        self.upstreams = [Upstream(f"u{number}", seed + number) for number in range(upstreams)]
        ports = [one.port for one in self.upstreams]
        self.setting = Setting(self.users, ports, store.url, workers=workers, **setting)
        self.nodes = []
        self._count = nodes

    def __enter__(self):
        try:
            for upstream in self.upstreams:
                upstream.start()
            for number in range(self._count):
                self.add_node(f"node{number}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def add_node(self, name, *, store=""):
        """One more gateway, perhaps by another way to the same store."""
        self.nodes.append(node := Node(self.directory / name, self.setting, store=store))
        return node.start()

    def stop(self):
        for one in [*self.nodes, *self.upstreams]:
            one.stop()

    def spec(self, **more):
        """What a client program is told."""
        users = [asdict(user) for user in self.users]
        return {"seed": self.seed, "users": users, "nodes": [node.address for node in self.nodes], **more}


def client(program, spec):
    """Start a client program beside the rig; it finds `chaos` and `fakes` as the tests do."""
    environ = os.environ | {"PYTHONPATH": str(HERE.parent)}
    return subprocess.Popen(
        [sys.executable, str(HERE / program), json.dumps(spec)],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def finished(clients):
    """What the clients printed, once all have ended well."""
    try:
        outputs = await asyncio.gather(*(asyncio.to_thread(one.communicate) for one in clients))
    finally:
        for one in clients:
            one.kill()
    assert [one.returncode for one in clients] == [0] * len(clients)
    return [json.loads(output) for output, _ in outputs]
