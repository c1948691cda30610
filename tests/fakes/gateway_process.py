"""The gateway as operators run it: a process of its own, from a config.yaml, on ports of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml
from argon2 import PasswordHasher
from fakes.log_lines import entries
from fakes.ports import free_port

START_SECONDS = 60.0
STOP_SECONDS = 30.0

_CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


def password_hash(password):
    """A real Argon2id line, weak on purpose: the tests log in often."""
    return _CHEAP.hash(password)


def _limits_its_store(config):
    """Whether the file sets `store.timeout` itself, as tests of outages do."""
    try:
        return "timeout" in (yaml.safe_load(config.read_text()).get("store") or {})
    except (OSError, AttributeError, yaml.YAMLError):
        return False


class GatewayProcess:
    """`gateway run` in `directory`, or any other `command` of it; what it writes is kept in two files.

    `inside` is a command that becomes the one after it, in surroundings that it makes.
    """

    def __init__(self, directory, config=None, *, command=("run",), inside=(), scheme="http", own_group=False):
        self.directory = directory
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        if config is not None:
            (directory / "config.yaml").write_text(config)
        self._command = [*inside, sys.executable, "-m", "gateway", *command]
        self._command += ["--set", f"server.listen=127.0.0.1:{self.port}"]
        self._command += ["--set", f"admin.listen=127.0.0.1:{self.admin_port}"]
        self._own_group = own_group
        self._process = None

    def launch(self):
        """Start it and return at once; `process` tells what becomes of it."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        if not _limits_its_store(self.directory / "config.yaml"):
            environ["GATEWAY_STORE_TIMEOUT"] = "10s"  # a slow disk under all tests at once is no outage
        with (self.directory / "stdout").open("wb") as out, (self.directory / "stderr").open("wb") as err:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.directory,
                stdout=out,
                stderr=err,
                env=environ,
                start_new_session=self._own_group,
            )
        return self

    def start(self):
        """Return when it is ready; one that never is does not outlive the test."""
        self.launch()
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait(self):
        until = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, self.stderr
            assert time.monotonic() < until, f"not ready in time:\n{self.stderr}"
            time.sleep(0.05)

    def stop(self):
        """End it as an init system does, and return its exit code (0 also if it was never started)."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it did not end:\n{self.stderr}") from None

    @property
    def process(self):
        return self._process

    @property
    def pid(self):
        return self._process.pid

    @property
    def stdout(self):
        return (self.directory / "stdout").read_text()

    @property
    def stderr(self):
        return (self.directory / "stderr").read_text()

    def access_log(self, *, lines=0):
        """What was written so far, at least so many lines of it: they are written in batches."""
        until = time.monotonic() + 30
        while True:
            found = [entry for entry in entries(self.directory / "stdout") if "duration_ms" in entry]
            if len(found) >= lines:
                return found
            assert time.monotonic() < until, f"{len(found)} lines, not {lines}"
            time.sleep(0.02)

    def logged(self, path):
        """The first line of the access log about this path, which the gateway may be about to write."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for entry in self.access_log():
                if entry["path"] == path:
                    return entry
            time.sleep(0.02)
        raise AssertionError(f"nothing was logged about {path}")

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.admin_url}/readyz", timeout=20) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
