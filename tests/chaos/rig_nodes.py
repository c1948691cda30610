"""Gateway nodes of a rig: real processes over one store, which a test may kill, start again and reload."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fakes.gateway_process import GatewayProcess, password_hash
from fakes.ports import free_port
from fakes.waiting import eventually

HERE = Path(__file__).resolve().parent
PASSWORD = "correct horse"
SECRET = "a-secret-of-the-rig-only-0123456789abcdef0123456789abcdef"
ADMIN_TOKEN = "an-admin-token-of-the-rig-0123456789abcdef"
BOUND = 0.5
"""Seconds, as stated: with its feed cut, a worker accepts what it has verified for so long and no longer."""

_HASH = password_hash(PASSWORD)


@dataclass(frozen=True)
class User:
    """Somebody who calls. The name is long and random, so that it is found wherever it must not be."""

    name: str
    id: int
    api_key: str

    @classmethod
    def some(cls, count, dice):
        names = [f"user-{number}-{dice.randbytes(6).hex()}" for number in range(count)]
        return [cls(name, 1000 + number, f"key-{dice.randbytes(12).hex()}") for number, name in enumerate(names)]


@dataclass
class Setting:
    """What all nodes of a rig have in common."""

    users: list[User]
    upstreams: list[int]
    store: str
    workers: int = 1
    min_replicas: int = 0
    timeout: str = "500ms"
    connections: int = 10_000

    def config(self, *, store="", edition=0):
        """A file; another `edition` differs in what no client may notice."""
        users = "".join(
            f'      - {{username: {user.name}, id: {user.id}, password_hash: "{_HASH}", roles: [r-{user.name}]}}\n'
            for user in self.users
        )
        keys = "".join(
            f'  - {{id: k{user.id}, hash: "sha256:{sha256(user.api_key.encode()).hexdigest()}", user: {user.name}}}\n'
            for user in self.users
        )
        servers = ", ".join(f'"http://127.0.0.1:{port}"' for port in self.upstreams)
        login = "dialect: native, identity_provider: staff, access_ttl: 1h, protection: {max_failures: 100}"
        return f"""\
server:
  public_url: http://chaos.example
  workers: {self.workers}
  timeouts: {{drain: 5s, idle: 10m}}
  limits: {{connections: {self.connections}}}
admin: {{token: {ADMIN_TOKEN}}}
logs: {{access: "off", audit: "off", level: warning}}
store:
  url: {store or self.store}
  encryption_key: {SECRET}
  timeout: {self.timeout}
  min_replicas: {self.min_replicas}
signing_keys: [{{kid: k1, algorithm: HS256, secret: {SECRET}}}]
identity_providers:
  staff:
    type: users
    users:
{users}api_keys:
{keys}logins:
  native: {{path: /auth, refresh: {{grace: 60s}}, {login}}}
  opaque: {{path: /opaque, token_format: opaque, refresh: {{grace: 60s}}, {login}}}
  many: {{path: /many, refresh: {{rotate: false}}, {login}}}
upstreams:
  erp: {{servers: [{servers}], timeouts: {{connect: 1s, response: {20 + edition % 7}s}}}}
routes:
  - {{name: echo, path: /echo/**, upstream: erp, response_headers: {{set: {{X-Edition: "{edition}"}}}}}}
"""


class Node(GatewayProcess):
    """One gateway of the rig, on the same two ports for as long as the rig lives."""

    def __init__(self, directory, setting, *, store=""):
        directory.mkdir()
        self._setting, self._store = setting, store
        self.editions = 0
        super().__init__(directory, setting.config(store=store))

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def workers(self):
        """The processes that serve clients: the children of a supervisor, or the one process there is."""
        if self._setting.workers == 1:
            return [self.pid]
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def kill_worker(self, dice):
        """kill -9. What starts it again is the supervisor, or, for a single process, `start`."""
        pid = dice.choice(self.workers())
        os.kill(pid, signal.SIGKILL)
        if pid == self.pid:
            self.process.wait()
        return pid

    async def whole_again(self, killed):
        """As many workers as before, none of them the killed one, and ready."""
        if killed == self.pid:
            self.launch()

        def whole():
            with contextlib.suppress(OSError):
                return killed not in self.workers() and self._is_ready() and self._all_serve()
            return False

        await eventually(lambda: asyncio.to_thread(whole), seconds=30)

    def _all_serve(self):
        up = re.findall(rb"^gateway_worker_up{.*} (\S+)$", self.metrics(), re.MULTILINE)
        return self._setting.workers == 1 or up == [b"1.0"] * self._setting.workers

    def reload(self):
        """Write another edition of the file and have it loaded at once. Whether it is in force now."""
        self.editions += 1
        aside = self.directory / "config.new"
        aside.write_text(self._setting.config(store=self._store, edition=self.editions))
        aside.rename(self.directory / "config.yaml")
        try:
            return json.loads(self.api("POST", "reload"))["accepted"]
        except OSError:  # it is being killed or started
            return False

    def api(self, method, path):
        """Ask the admin API."""
        asked = urllib.request.Request(f"{self.admin_url}/api/v1/{path}", method=method, data=b"")
        asked.add_header("Authorization", f"Bearer {ADMIN_TOKEN}")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.read()

    def metrics(self):
        with urllib.request.urlopen(f"{self.admin_url}/metrics", timeout=10) as answer:
            return answer.read()


class Upstream:
    """One scripted upstream: dies by kill -9 and comes back on its port."""

    def __init__(self, name, seed):
        self.port = free_port()
        self._argv = [sys.executable, str(HERE / "rig_upstream.py"), str(self.port), name, str(seed)]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            assert self.process.poll() is None, "the upstream ended at once"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/echo/plain/up", timeout=2).close()
            except OSError:
                assert time.monotonic() < until, "the upstream never listened"
                time.sleep(0.05)
            else:
                return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
