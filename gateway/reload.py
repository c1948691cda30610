"""Takes a changed configuration into use: validates, builds aside and swaps one reference, or keeps the old."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from gateway.config.diff import Change, changes
from gateway.config.problems import ConfigRefused
from gateway.config.schema import Config
from gateway.errors import GatewayError
from gateway.model import Clock
from gateway.observe.metrics import Metrics
from gateway.observe.redaction import redact

POLL_SECONDS = 1.0
"""How often files are looked at. A change is loaded once it is the same at two looks in a row."""

_log = logging.getLogger(__name__)

State = tuple[str, int, int, int, int, int]


class Built(Protocol):
    """What a build results in: everything that serves requests, and what it was made from."""

    @property
    def config(self) -> Config:
        """What it was built from."""

    @property
    def files(self) -> Iterable[Path]:
        """The configuration file and every file it names: certificates, keys, `*_file` secrets. Absolute paths."""


B = TypeVar("B", bound=Built)


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What became of one reload."""

    accepted: bool
    at: float
    """Seconds since the epoch."""
    problems: tuple[str, ...] = ()
    """Why it was refused, each as `file:line:column: where: message`."""
    changes: tuple[str, ...] = ()
    """What is different now; no secrets."""
    needs_restart: tuple[str, ...] = ()
    """Keys whose new value waits for a restart."""


class Reloader(Generic[B]):
    """One at a time: a file that changed, a SIGHUP and the admin API all end up here."""

    def __init__(
        self,
        current: B,
        build: Callable[[], Awaitable[B]],
        swap: Callable[[B], None],
        *,
        metrics: Metrics,
        clock: Clock,
        audit: Callable[..., None],
    ) -> None:
        """`build` loads the file and makes everything anew, or raises ConfigRefused and leaves nothing behind;
        `swap` puts it into use with one assignment and cannot fail."""  # noqa: D205, D209
        self._started = current.config
        self._current = current
        self._build = build
        self._swap = swap
        self._metrics = metrics
        self._clock = clock
        self._audit = audit
        self._lock = asyncio.Lock()
        self._asked = asyncio.Event()
        self._watched = tuple(current.files)
        self._loaded = self._seen = fingerprint(self._watched)
        self.is_stale = False
        """The last attempt was refused: the file on disk is not what is in force."""
        self.last: ReloadReport | None = None
        """What became of the last attempt; None before the first."""
        self._count(accepted=None)

    def request(self) -> None:
        """Reload soon, whether or not a file changed: the SIGHUP handler."""
        self._asked.set()

    async def watch(self) -> None:
        """Look at the files once a second, for ever. Polling sees what inotify does not: a Kubernetes ConfigMap that
        swaps its `..data` symlink, a rename over the file, a network file system."""  # noqa: D205, D209
        while True:
            try:
                await asyncio.wait_for(self._asked.wait(), POLL_SECONDS)
            except TimeoutError:
                await self.look()
            else:
                self._asked.clear()
                await self.reload("SIGHUP")

    async def look(self) -> ReloadReport | None:
        """Compare the files with what was loaded; reload once a change has settled. None where there is nothing new."""
        # In a thread: a network file system that hangs must not stall the data path.
        before, self._seen = self._seen, await asyncio.to_thread(fingerprint, self._watched)
        if self._seen == self._loaded or self._seen != before:
            return None
        return await self.reload("file")

    async def reload(self, cause: str) -> ReloadReport:
        """Load now; the report says whether the new configuration is in force. Raises nothing: the old one stays."""
        async with self._lock:
            # Taken before the build: what changes while it runs is seen as a change afterwards.
            self._loaded = await asyncio.to_thread(fingerprint, self._watched)
            try:
                built = await self._build()
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a new configuration, the old one serves on
                self.last = self._refuse(cause, _problems_of(error))
            else:
                self.last = await self._accept(cause, built)
            return self.last

    async def _accept(self, cause: str, built: B) -> ReloadReport:
        different = changes(self._current.config, built.config)
        waiting = tuple(change.where for change in changes(self._started, built.config) if change.needs_restart)
        self._swap(built)
        self._current = built
        self._watched = tuple(built.files)
        # Files watched before keep the state they had before the build; new ones are taken as they are.
        self._loaded = await asyncio.to_thread(fingerprint, self._watched) | {
            file: state for file, state in self._loaded.items() if file in self._watched
        }
        self.is_stale = False
        self._count(accepted=True)
        self._tell(cause, different, waiting)
        return ReloadReport(accepted=True, at=self._clock(), changes=tuple(map(str, different)), needs_restart=waiting)

    def _tell(self, cause: str, different: list[Change], waiting: tuple[str, ...]) -> None:
        _log.info("configuration reloaded (%s), changes: %d", cause, len(different))
        for change in different:
            _log.info("configuration: %s", change)
        if waiting:
            _log.warning("these keys keep their old value until the gateway is restarted: %s", ", ".join(waiting))
        self._audit("reload", result="accepted", cause=cause, changes=len(different), needs_restart=list(waiting))

    def _refuse(self, cause: str, problems: tuple[str, ...]) -> ReloadReport:
        self.is_stale = True
        self._count(accepted=False)
        for problem in problems:
            _log.error("configuration refused, the old one stays in force: %s", problem)
        self._audit("reload", result="refused", cause=cause, problems=len(problems))
        return ReloadReport(accepted=False, at=self._clock(), problems=problems)

    def _count(self, *, accepted: bool | None) -> None:
        """None: the configuration that the process started with, which is no reload."""
        if accepted is not None:
            self._metrics.count("config_reloads_total", "success" if accepted else "failure")
        self._metrics.gauge("config_last_reload_success", 0 if accepted is False else 1)
        if accepted is not False:
            self._metrics.gauge("config_last_reload_success_timestamp_seconds", self._clock())


def fingerprint(files: Iterable[Path]) -> dict[Path, State]:
    """What tells one state of some files from another: where links lead, inode, size and times; zeros where missing."""
    return {file: _look_at(file) for file in files}


def _look_at(file: Path) -> State:
    try:
        resolved = os.path.realpath(file)
        found = Path(resolved).stat()
    except OSError:
        return ("", 0, 0, 0, 0, 0)
    return (resolved, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _problems_of(error: Exception) -> tuple[str, ...]:
    if isinstance(error, ConfigRefused):
        return tuple(map(str, error.problems))
    if not isinstance(error, OSError | ValueError | GatewayError):
        _log.error("building the new configuration failed", exc_info=error)
    return (redact(f"{type(error).__name__}: {error}"),)
