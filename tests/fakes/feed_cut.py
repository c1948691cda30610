"""Two gateways over one Redis, one of them cut off from it: by a relay that falls silent, or by a network namespace.

Run as a program it prints what was measured, so that it can be started inside a namespace of its own:
`unshare -rn python tests/fakes/feed_cut.py DIRECTORY namespace ROUNDS`.
"""

import contextlib
import json
import selectors
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.ports import free_port
from fakes.servers import PROGRAMS
from fakes.small_shop import LOGINS, PASSWORD
from fakes.store_house import CONFIG, SECRET, within


def may_unshare():
    """Whether a process may have a network of its own here."""
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0


class Redis:
    """Debian's redis-server on a TCP port; `prefix` is what it is started by."""

    def __init__(self, directory, host, prefix=()):
        self.host, self.port = host, free_port()
        command = [*prefix, str(PROGRAMS["redis"]()), "--port", str(self.port), "--bind", "0.0.0.0", "--save", ""]
        command += ["--protected-mode", "no", "--dir", str(directory)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class RelayCut:
    """The way of one gateway leads over a relay. Cut, it neither passes anything on nor hangs up; what it holds is late."""

    def __init__(self, directory):
        self.redis = Redis(directory, "127.0.0.1")
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._ends = []
        threading.Thread(target=self._accept, daemon=True).start()
        self.sure, self.frail = (f"redis://127.0.0.1:{port}" for port in (self.redis.port, self.port))

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def cut(self):
        self._whole.clear()

    def mend(self):
        self._whole.set()

    def stop(self):
        self.mend()
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.redis.stop()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._whole.wait()
                far = socket.create_connection(("127.0.0.1", self.redis.port))
                self._ends += [near, far]
                threading.Thread(target=self._pump, args=(near, far), daemon=True).start()

    def _pump(self, near, far):
        other = {near: far, far: near}
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as ready:
            for end in other:
                ready.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    block = key.fileobj.recv(65536)
                    self._whole.wait()
                    if not block:
                        other[key.fileobj].shutdown(socket.SHUT_WR)
                        return
                    other[key.fileobj].sendall(block)


class NamespaceCut:
    """Redis in a network of its own with two cables to it; one of them is pulled. Needs a namespace of our own."""

    def __init__(self, directory):
        run("ip", "link", "set", "lo", "up")
        self._holder = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        own = str(Path("/proc/self/ns/net").readlink())
        within(lambda: str(Path(f"/proc/{self._holder.pid}/ns/net").readlink()) != own)
        self._inside = ("nsenter", "-t", str(self._holder.pid), "-n")
        for name, net in (("frail", "10.77.0"), ("sure", "10.78.0")):
            run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}-in", "netns", str(self._holder.pid))
            run("ip", "addr", "add", f"{net}.1/24", "dev", name)
            run("ip", "link", "set", name, "up")
            run(*self._inside, "ip", "addr", "add", f"{net}.2/24", "dev", f"{name}-in")
            run(*self._inside, "ip", "link", "set", f"{name}-in", "up")
        self.redis = Redis(directory, "10.78.0.2", self._inside)
        self.sure, self.frail = (f"redis://{net}.2:{self.redis.port}" for net in ("10.78.0", "10.77.0"))

    def cut(self):
        run(*self._inside, "ip", "link", "set", "frail-in", "down")

    def mend(self):
        run(*self._inside, "ip", "link", "set", "frail-in", "up")

    def stop(self):
        self.redis.stop()
        self._holder.terminate()
        self._holder.wait()


def run(*command):
    subprocess.run(command, check=True)


class Asking:
    """Somebody who uses a token all the time. `seen`: when each request began, by time.monotonic, and its status."""

    def __init__(self, client, token):
        self.seen = []
        self._client, self._token = client, token
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self):
        while not self._over.is_set():
            began = time.monotonic()
            self.seen.append((began, self._client.get("/orders/7", bearer(self._token)).status))

    def stop(self):
        self._over.set()
        self._thread.join()
        return self.seen


def one_round(sure, frail, cut):
    """Cut the frail gateway off, end a session on the other, and see for how long the first one still serves it."""
    ended, kept = (sure.post("/auth/login", {"username": "ada", "password": PASSWORD}).json for _ in range(2))
    within(lambda: all(frail.get("/orders/7", bearer(one["access_token"])).status == 200 for one in (ended, kept)))
    asking = Asking(frail, ended["access_token"])
    within(lambda: [status for _, status in asking.seen].count(200) > 20)
    cut.cut()
    assert sure.post("/auth/logout", None, bearer(ended["access_token"])).status == 204
    revoked = time.monotonic()
    within(lambda: asking.seen[-1][1] != 200)
    time.sleep(1.0)  # for what should not come any more
    cut.mend()
    within(lambda: asking.seen[-1][1] == 401)
    _, back = within(lambda: frail.get("/orders/7", bearer(kept["access_token"])).status == 200)
    seen = asking.stop()
    last = max((began for began, status in seen if status == 200), default=revoked)
    return {
        "last": max(0.0, last - revoked),
        "statuses": sorted({status for began, status in seen if began > revoked}),
        "back": back,
    }


def measure(directory, kind, rounds):
    directory = Path(directory)
    erp = Erp()
    cut = {"relay": RelayCut, "namespace": NamespaceCut}[kind](directory)
    gateways = []
    try:
        for name, url in (("sure", cut.sure), ("frail", cut.frail)):
            (directory / name).mkdir()
            config = CONFIG.format(
                admin="", url=url, secret=SECRET, timeout="500ms", store="", port=erp.port, logins=LOGINS.rstrip()
            ).replace("admin: {token: }\n", "")
            gateways.append(GatewayProcess(directory / name, f"server: {{public_url: http://erp.example}}\n{config}"))
            gateways[-1].start()
        sure, frail = (PlainClient(gateway.port) for gateway in gateways)
        return [one_round(sure, frail, cut) for _ in range(rounds)]
    finally:
        for gateway in gateways:
            gateway.stop()
        cut.stop()
        erp.stop()


if __name__ == "__main__":
    place, how, times = sys.argv[1:]
    sys.stdout.write(json.dumps(measure(place, how, int(times))))
