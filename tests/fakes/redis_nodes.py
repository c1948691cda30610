"""One server of a store of many, on a TCP port and in a directory of its own, of either make."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from fakes.ports import free_port
from fakes.servers import PROGRAMS
from redis import Redis
from redis.exceptions import RedisError

_QUICK = ("--save", "", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--daemonize", "no")


def until(check, what, *, seconds=100.0):
    """The first true value of `check()`; a server that does not answer yet counts as false."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(RedisError, OSError):
            if found := check():
                return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class Node:
    """One server program on a TCP port and directory of its own; killed and started again it has the same ones."""

    def __init__(self, kind, directory, *options, password="", tls=None):
        self.kind = kind
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.options = [*options]
        self.password = password
        self.port = 0
        self.process = None
        self.tls = tls  # a directory with ca.pem, cert.pem and key.pem; redis-server only, Valkey's wheel has no TLS
        if password:
            self.options += ["--requirepass", password, "--masterauth", password]

    def command(self):
        return [str(PROGRAMS[self.kind]()), *self._listening(), *_QUICK, "--dir", str(self.directory)]

    def _listening(self):
        if self.tls is None:
            return ["--port", str(self.port)]
        files = {"ca-cert": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
        named = [word for kind, name in files.items() for word in (f"--tls-{kind}-file", str(self.tls / name))]
        everything = [] if "--cluster-enabled" not in self.options else ["--tls-cluster", "yes"]
        everything += ["--tls-replication", "yes", "--tls-auth-clients", "no"]
        return ["--port", "0", "--tls-port", str(self.port), *named, *everything]

    def start(self):
        """Start it and wait for its first answer, be it only that it loads its file."""
        for _ in range(20):
            self.port = self.port or free_port()
            with (self.directory / "log").open("ab") as log:
                words = [*self.command(), *self.options]
                self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.directory)
            if until(lambda: self.process.poll() is not None or self._answers(), f"start of {self.port}") is not True:
                return self
            if b"in use" not in (self.directory / "log").read_bytes()[-2000:]:
                break
            self.port = 0
            if "--cluster-port" in self.options:
                self.options[self.options.index("--cluster-port") + 1] = str(free_port())
        raise AssertionError((self.directory / "log").read_text()[-2000:])

    def _answers(self):
        return "pong" if self.admin("PING") else None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def admin(self, *command):
        """Run one command on a connection of its own."""
        where = {"host": "127.0.0.1", "port": self.port, "password": self.password or None}
        if self.tls is not None:
            where |= {"ssl": True, "ssl_ca_certs": str(self.tls / "ca.pem")}
        with Redis(**where, socket_timeout=10, decode_responses=True) as client:
            return client.execute_command(*command)

    def role(self):
        return self.admin("ROLE")[0]

    def kill(self):
        """As a power cut would: what was not on disk is gone."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.running:
            self.resume()
            self.process.kill()
            self.process.wait()

    def pause(self):
        """A hang with an open port."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


class SentinelNode(Node):
    """A sentinel; its configuration is in its directory before it starts."""

    def command(self):
        program = str(PROGRAMS[self.kind]())
        return [program, str(self.directory / "sentinel.conf"), "--sentinel", *self._listening()]


def in_step(master, replicas):
    """Whether so many replicas are connected to a master and have its data."""
    return in_step_count(master) == replicas


def in_step_count(master):
    info = master.admin("INFO", "replication")
    return sum(
        one["state"] == "online" for name, one in info.items() if name.startswith("slave") and isinstance(one, dict)
    )
