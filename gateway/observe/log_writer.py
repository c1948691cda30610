"""Log streams, each written by a thread of its own: a pipe that nobody reads never stalls an exchange."""

import json
import os
import select
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from gateway.model import Clock

PENDING_BYTES = 8 * 1024 * 1024
"""What may wait for a slow reader: about 30,000 lines. Beyond it lines are dropped and counted."""

CLOSE_SECONDS = 2.0
RETRY_SECONDS = 0.2


class Output(Protocol):
    """Where a stream ends; only the stream's own thread calls it, so it may block."""

    def write(self, data: bytes) -> None:
        """Write all of it. Raises OSError."""

    def close(self) -> None:
        """Give up what was opened."""


class Descriptor:
    """Standard output or standard error, which stays open for others."""

    def __init__(self, number: int, *, atomic_lines: bool = False) -> None:
        """`atomic_lines`: other processes write lines to it, too, and none may end up inside another."""
        self._number = number
        self._cut = atomic_lines and not stat.S_ISREG(os.fstat(number).st_mode)

    def write(self, data: bytes) -> None:
        """Write all of it, also where another process made the pipe non-blocking. Raises OSError."""
        for part in whole_lines(data, select.PIPE_BUF) if self._cut else (data,):
            write_all(self._number, part)

    def close(self) -> None:
        """Not ours to close."""


class AppendedFile:
    """A file that is opened again when logrotate has moved it away."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if the file cannot be opened for appending."""
        self._path = path
        self._number = self._open()

    def write(self, data: bytes) -> None:
        """Append to the file that has the name now. Raises OSError."""
        if not self._is_current():
            number, self._number = self._number, self._open()
            os.close(number)
        write_all(self._number, data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._number)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _is_current(self) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        opened = os.fstat(self._number)
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


class LogWriter:
    """One stream: `write` only queues, a thread does the rest; what cannot wait any longer is dropped and counted."""

    def __init__(self, output: Output, clock: Clock, *, pending_bytes: int = PENDING_BYTES) -> None:
        self.dropped = 0
        """Lines lost so far, to a reader too slow, a full disk or a closed pipe."""
        self._output = output
        self._clock = clock
        self._limit = pending_bytes
        self._reported = 0
        self._pending = 0
        self._queue: list[bytes] = []
        self._closing = False
        self._changed = threading.Condition()
        # A daemon: a reader that never comes back must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue whole lines. Never blocks; to be called from any thread."""
        with self._changed:
            if self._closing or self._pending + len(data) > self._limit:
                self.dropped += data.count(b"\n")
                return
            self._pending += len(data)
            self._queue.append(data)
            self._changed.notify()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write out what is queued, for at most `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        if not self._thread.is_alive():
            self._output.close()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._output.write(batch)
                self._report()
            except OSError:  # nowhere to complain but the counter: this *is* the log
                with self._changed:
                    self.dropped += batch.count(b"\n")
                time.sleep(RETRY_SECONDS)
            with self._changed:
                self._pending -= len(batch)

    def _next(self) -> bytes:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            batch = b"".join(self._queue)
            self._queue.clear()
            return batch

    def _report(self) -> None:
        lost = self.dropped - self._reported
        if lost:
            self._reported += lost
            self._output.write(stamped(self._clock(), {"event": "log_lines_dropped", "count": lost}))


class Streams:
    """The streams in use, by what the configuration calls them: one writer each, so that no line cuts another."""

    def __init__(self, base: Path, clock: Clock, *, atomic_lines: bool = False) -> None:
        """`atomic_lines`: several processes write to the same standard output and error."""
        self._base = base
        self._clock = clock
        self._atomic_lines = atomic_lines
        self._writers: dict[str, LogWriter] = {}

    def open(self, target: str) -> LogWriter | None:
        """The writer for `stdout`, `stderr` or a file path; None for `off`. Raises OSError."""
        if target == "off":
            return None
        if target not in self._writers:
            number = {"stdout": 1, "stderr": 2}.get(target)
            if number is None:
                output: Output = AppendedFile(self._base / target)
            else:
                output = Descriptor(number, atomic_lines=self._atomic_lines)
            self._writers[target] = LogWriter(output, self._clock)
        return self._writers[target]

    def dropped(self) -> Mapping[tuple[str, ...], float]:
        """Lines lost by stream: the reading of `gateway_log_lines_dropped_total`."""
        return {(target,): writer.dropped for target, writer in self._writers.items()}

    def close(self) -> None:
        """Write out and close all, one after the other."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def write_all(number: int, data: bytes) -> None:
    """Write every byte to a file descriptor. Raises OSError."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(number, rest) :]
        except BlockingIOError:
            select.select([], [number], [], 1.0)


def whole_lines(data: bytes, most: int) -> Iterator[bytes]:
    """Pieces of at most so many bytes that end with a line: what a pipe takes in one piece (PIPE_BUF).

    A single line that is longer stays whole, and is then the one that others may cut.
    """
    start = 0
    while len(data) - start > most:
        end = data.rfind(b"\n", start, start + most) + 1 or data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end
    if start < len(data):
        yield data[start:]


def stamped(now: float, fields: Mapping[str, object]) -> bytes:
    """One JSON line that begins with the time in UTC; what JSON cannot say is written as text."""
    seconds, milliseconds = divmod(int(now * 1000), 1000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    line = {"ts": f"{moment}.{milliseconds:03d}Z", **fields}
    return json.dumps(line, separators=(",", ":"), default=str).encode() + b"\n"
