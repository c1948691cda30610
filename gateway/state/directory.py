"""The directory of the embedded store: ours alone, locked while in use, and where generated secrets are kept."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

_RECORD = "store.json"
_LOCK = "lock"
_CHILD_LOCK = "server.lock"
_OPEN = os.O_CLOEXEC | os.O_NOFOLLOW


class StoreRefused(Exception):
    """The embedded store cannot be started; the message is for the operator."""


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what the system says into a refusal that names the file."""
    try:
        yield
    except OSError as error:
        raise StoreRefused(f"{path} cannot be used: {error.strerror}") from error


class StoreDirectory:
    """One directory, one gateway. `open` makes it if need be; `close` unlocks it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the symlink that open refuses
        self._held: list[int] = []

    def open(self) -> None:
        """Check the directory and lock it. Raises StoreRefused."""
        if self.path.is_symlink():
            raise StoreRefused(f"the store's directory {self.path} is a symbolic link")
        with _in_words(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                self.path.mkdir(mode=0o700)
            directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | _OPEN)
        try:
            self._check(directory)
            with _in_words(self.path / _LOCK):
                self._lock(directory)
        finally:
            os.close(directory)

    def close(self) -> None:
        """Let another gateway have it."""
        while self._held:
            os.close(self._held.pop())

    def lock_for_server(self) -> int | None:
        """A descriptor for the server to inherit, locked for as long as a copy of it is open; None: one still is.

        It outlives a gateway that is killed, so that two servers never write one append-only file.
        """
        descriptor = os.open(self.path / _CHILD_LOCK, os.O_RDWR | os.O_CREAT | _OPEN, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def record(self) -> dict[str, Any]:
        """What was recorded of the server that wrote here last; empty for a new directory. Raises StoreRefused."""
        try:
            found = json.loads((self.path / _RECORD).read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StoreRefused(f"{self.path / _RECORD} is damaged; it should name the server that wrote this directory")
        return found

    def write_record(self, record: dict[str, Any]) -> None:
        """Record the server that is about to write here; whole or not at all. Raises StoreRefused."""
        with _in_words(self.path / _RECORD):
            _write_new(self.path, _RECORD, json.dumps(record), replace=True)

    def _check(self, directory: int) -> None:
        found = os.fstat(directory)
        if found.st_uid != os.geteuid():
            raise StoreRefused(f"the store's directory {self.path} belongs to another user (uid {found.st_uid})")
        names = set(os.listdir(directory))
        if names - {_LOCK} and _RECORD not in names:
            raise StoreRefused(f"the store's directory {self.path} holds other files; name one of its own")
        if stat.S_IMODE(found.st_mode) & 0o077:
            os.fchmod(directory, 0o700)

    def _lock(self, directory: int) -> None:
        descriptor = os.open(_LOCK, os.O_RDWR | os.O_CREAT | _OPEN, 0o600, dir_fd=directory)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise StoreRefused(
                f"the store's directory {self.path} is in use by another gateway (process {owner or 'unknown'})"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._held.append(descriptor)


class Secrets:
    """Secrets that were made once and are kept in a directory, 0600 each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load_or_make(self, name: str, nbytes: int = 32) -> str:
        """The secret of that name, `nbytes` random bytes as unpadded base64url. Raises StoreRefused."""
        kept = self.load(name)
        if kept is None:
            with _in_words(self._directory / name):
                _write_new(self._directory, name, token_urlsafe(nbytes), replace=False)
            kept = self.load(name)
        assert kept is not None
        return kept

    def load(self, name: str) -> str | None:
        """The secret of that name, None if there is none yet. Raises StoreRefused."""
        path = self._directory / name
        with _in_words(path):
            try:
                descriptor = os.open(path, os.O_RDONLY | _OPEN)
            except FileNotFoundError:
                return None
        with os.fdopen(descriptor) as file:
            found = os.fstat(descriptor)
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
                raise StoreRefused(f"{path} must belong to the gateway's user and be readable by no other (chmod 600)")
            text = file.read().strip()
        if not text:
            raise StoreRefused(f"{path} is empty; remove it to have a new one made")
        return text


def secrets_in(directory: Path) -> Secrets:
    """The secrets kept in an embedded store's directory."""
    return Secrets(directory)


def _write_new(directory: Path, name: str, text: str, *, replace: bool) -> None:
    """Write a 0600 file so that it is either whole and on disk, or not there; without `replace` the first one stays."""
    draft = directory / f".{name}.{token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(descriptor)
        if replace:
            draft.replace(directory / name)
        else:
            _link(draft, directory / name)
    finally:
        draft.unlink(missing_ok=True)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _link(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # another process was first, and its secret is the one
