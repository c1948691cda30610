"""A real ERP: Tryton with its own database, in an environment of its own that `make test` installs."""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from fakes.ports import free_port

HOME = Path(__file__).resolve().parents[2] / ".test-tools" / "tryton"
MODULES = ("party", "company", "product", "timesheet", "sale")
USER, PASSWORD = "admin", "tryton-admin-password"
APPLICATION_KEY = "tryton-application-key-" + "7" * 41
"""What the REST API asks for: the key of a `res.user.application` in the state `validated`."""

_MAKE_KEY = f"""
(user,) = pool.get("res.user").search([("login", "=", "{USER}")])
pool.get("res.user.application").create(
    [{{"user": user.id, "application": "rest", "key": "{APPLICATION_KEY}", "state": "validated"}}]
)
transaction.commit()
"""


class Tryton:
    """One trytond on its own copy of the prepared database, below `directory`."""

    def __init__(self, directory):
        self._directory = directory
        self.port = free_port()
        self._process = None

    def start(self):
        """Return when it answers."""
        prepared = _prepared()
        config = _write_config(self._directory, self.port)
        shutil.copy(prepared, self._directory / "db" / "erp.sqlite")
        with (self._directory / "trytond.log").open("wb") as log:
            command = [_program("trytond"), "-c", str(config), "-d", "erp", "-v"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait(self):
        until = time.monotonic() + 200
        while not self._listens():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def stop(self):
        self._process.terminate()
        self._process.wait(60)

    @property
    def log(self):
        return (self._directory / "trytond.log").read_text()

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def _prepared():
    """An initialised database, made once (it takes a minute) and kept: any change of recipe or release makes another."""
    recipe = hashlib.sha256(repr((MODULES, PASSWORD, _MAKE_KEY, _releases())).encode()).hexdigest()[:12]
    directory = HOME / "databases" / recipe
    directory.mkdir(parents=True, exist_ok=True)
    finished = directory / "erp.sqlite"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            _initialise(directory)
            (directory / "db" / "erp.sqlite").rename(finished)
    return finished


def _initialise(directory):
    config = _write_config(directory, 0)
    database = directory / "db" / "erp.sqlite"
    database.unlink(missing_ok=True)
    database.touch()
    password = directory / "password"
    password.write_text(PASSWORD + "\n")
    update = ["--all", "--activate-dependencies", "--email", "admin@example.com", "-u", *MODULES]
    _run("trytond-admin", config, *update, environ={"TRYTONPASSFILE": str(password)})
    script = directory / "make_key.py"
    script.write_text(_MAKE_KEY)
    _run("trytond-console", config, "-f", str(script))


def _run(program, config, *words, environ=None):
    command = [_program(program), "-c", str(config), "-d", "erp", *words]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    )
    assert done.returncode == 0, done.stderr


def _program(name):
    found = HOME / "bin" / name
    assert found.exists(), f"{found} is missing: `make test` installs Tryton"
    return str(found)


def _releases():
    """What is installed, by the names that pip leaves behind."""
    return sorted(path.name for path in HOME.glob("lib/*/site-packages/trytond*.dist-info"))


def _write_config(directory, port):
    (directory / "db").mkdir(exist_ok=True)
    config = directory / "trytond.conf"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {directory / 'db'}\n[web]\nlisten = 127.0.0.1:{port}\n"
        "[session]\nauthentications = password\n"
    )
    return config
