"""The default store: a private Valkey that is the gateway's own child, on a Unix socket in a directory of its own."""

import asyncio
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
from collections import deque
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from time import monotonic
from typing import Literal
from urllib.parse import quote

from gateway.model import spawn
from gateway.state.directory import StoreDirectory, StoreRefused
from gateway.state.server_binary import ServerBinary, find_server

Fsync = Literal["always", "everysec"]

_SOCKET = "store.sock"
_RUNTIME = "erp-auth-gateway-"
_LONGEST_SOCKET = 100  # bytes; sun_path holds 104 on macOS and 108 on Linux, with its NUL
_READY = 10.0
"""Seconds for the server to answer; one that still loads a large file after that is waited for by the store's pings."""
_END = 5.0
"""Seconds for a server to write out what it has and go, before it is killed."""
_BACKOFF = (0.05, 5.0)

log = getLogger(__name__)


class Embedded:
    """The server and its directory. It has a session of its own, so a Ctrl-C for the gateway does not end it first.

    `appendfsync always`: what was acknowledged is on disk. ADR 0003 has the measurements.
    """

    def __init__(self, path: Path, *, fsync: Fsync = "always", binary: ServerBinary | None = None) -> None:
        self.directory = StoreDirectory(path)
        self.binary = binary
        """The server program; found by `start` unless given."""
        self._fsync = fsync
        self._socket = Path()
        self._server: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._started = 0.0
        self._said: deque[str] = deque(maxlen=20)

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """The server's process, None while there is none."""
        return self._server.pid if self._server and self._server.returncode is None else None

    async def start(self) -> str:
        """Lock the directory, end a server left over from a killed gateway, start ours. The URL to connect to.

        Raises StoreRefused with the reason in words.
        """
        self.binary = self.binary or find_server()
        self.directory.open()
        try:
            record = self.directory.record()
            earlier_socket = Path(str(record.get("socket", "")))
            await self._end_orphan(earlier_socket)
            self._remove_runtime_directory(earlier_socket)
            if not self.binary.can_read(record):
                raise StoreRefused(
                    f"{self.directory.path} was written by {record.get('kind')} {record.get('version')}, "
                    f"which {self.binary} cannot read"
                )
            self._socket = self._choose_socket()
            self.directory.write_record({**self.binary.record(), "socket": str(self._socket)})
            await self._launch()
        except BaseException:
            self._remove_runtime_directory(self._socket)
            self.directory.close()
            raise
        self._watching = spawn(self._watch(), name="embedded store")
        return self.url

    async def stop(self) -> None:
        """End the server, after everything that uses it, and unlock the directory."""
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        if self._server:
            await _end(self._server)
            self._server = None
        self._remove_runtime_directory(self._socket)
        self.directory.close()

    async def _watch(self) -> None:
        """Start a server that ended by itself again, for as long as it takes; sooner if it had run for a while."""
        pause, longest = _BACKOFF
        while True:
            if self._server:
                code = await self._server.wait()
                log.error("the embedded store ended (%s); starting it again: %s", _how(code), await self._last_words())
                if monotonic() - self._started > longest:
                    pause = _BACKOFF[0]
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)
            try:
                await self._launch()
            except StoreRefused as error:
                self._server = None
                log.error("the embedded store does not start: %s", error)

    async def _launch(self) -> None:
        lock = await self._lock_for_server()
        try:
            self._server = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.directory.path,
                env={"PATH": os.defpath},  # the gateway's environment holds secrets
                start_new_session=True,
                pass_fds=(lock,),
            )
        except OSError as error:
            raise StoreRefused(f"{self._command()[0]} does not run: {error.strerror}") from error
        finally:
            os.close(lock)
        self._started = monotonic()
        self._listening = spawn(self._listen_to(self._server), name="embedded store's log")
        try:
            await self._wait_until_ready(self._server)
        except BaseException:
            await _end(self._server)
            raise

    def _command(self) -> tuple[str, ...]:
        assert self.binary is not None
        # No save points and no TCP port; everything is in the append-only file.
        return (
            *(self.binary.path, "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--dir", str(self.directory.path), "--save", "", "--appendonly", "yes", "--appendfsync", self._fsync),
            *("--daemonize", "no", "--loglevel", "warning", "--maxmemory-policy", "noeviction"),
        )

    async def _lock_for_server(self) -> int:
        """The lock to inherit. A server that was killed while rewriting leaves a child that soon ends: wait for it."""
        for _ in range(round(_END / 0.05)):
            lock = self.directory.lock_for_server()
            if lock is not None:
                return lock
            await asyncio.sleep(0.05)
        raise StoreRefused(f"an earlier server still uses {self.directory.path}")

    async def _wait_until_ready(self, server: asyncio.subprocess.Process) -> None:
        deadline = monotonic() + _READY
        while monotonic() < deadline:
            if server.returncode is not None:
                raise StoreRefused(f"the server ended ({_how(server.returncode)}): {await self._last_words()}")
            with suppress(OSError):
                async with asyncio.timeout(0.2):
                    if (await _ask(self._socket, b"PING\r\n")).startswith(b"+PONG"):
                        return
            await asyncio.sleep(0.02)
        log.warning("the embedded store is still loading its file")

    async def _listen_to(self, server: asyncio.subprocess.Process) -> None:
        assert server.stdout is not None
        async for line in server.stdout:
            words = line.decode(errors="replace").strip()
            self._said.append(words)
            log.info("embedded store: %s", words)

    async def _last_words(self) -> str:
        """What a server that ended said; a child of its own may keep its output open, so only for a moment."""
        if self._listening:
            await asyncio.wait([self._listening], timeout=0.5)
        return " / ".join(list(self._said)[-3:]) or "it said nothing"

    async def _end_orphan(self, its_socket: Path) -> None:
        """End the server of a gateway that was killed: it writes out what it has, and ours reads it."""
        if self._is_free():
            return
        process = 0
        for signal_it in (False, True):
            deadline = monotonic() + _END
            while monotonic() < deadline:
                with suppress(OSError):
                    process = process or _listener(its_socket)
                    async with asyncio.timeout(0.2):
                        await _ask(its_socket, b"SHUTDOWN NOSAVE\r\n")
                await asyncio.sleep(0.05)
                if self._is_free():
                    log.warning("ended the server of an earlier gateway (process %d)", process)
                    return
            if process and not signal_it:
                log.warning("killing the server of an earlier gateway (process %d): it does not answer", process)
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        raise StoreRefused(f"the server of an earlier gateway (process {process or '?'}) still uses this directory")

    def _is_free(self) -> bool:
        lock = self.directory.lock_for_server()
        if lock is not None:
            os.close(lock)
        return lock is not None

    def _choose_socket(self) -> Path:
        beside = self.directory.path / _SOCKET
        if len(os.fsencode(beside)) <= _LONGEST_SOCKET:
            return beside
        # mkdtemp makes a new directory, 0700: nobody can have put one of that name there.
        return Path(tempfile.mkdtemp(prefix=_RUNTIME, dir=os.environ.get("XDG_RUNTIME_DIR"))) / _SOCKET

    def _remove_runtime_directory(self, of_socket: Path) -> None:
        if of_socket.name == _SOCKET and of_socket.parent.name.startswith(_RUNTIME):
            shutil.rmtree(of_socket.parent, ignore_errors=True)


async def _ask(path: Path, command: bytes) -> bytes:
    """One inline command and the first line of its answer; empty if the server hung up instead."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(command)
        return await reader.readline()
    finally:
        writer.close()


def _listener(path: Path) -> int:
    """The process that listens on a Unix socket, 0 if the system does not say."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        client.connect(str(path))
        if sys.platform == "linux":
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[0])
        return client.getsockopt(0, 2)  # macOS: SOL_LOCAL, LOCAL_PEERPID


async def _end(server: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        server.terminate()
    try:
        await asyncio.wait_for(server.wait(), _END)
    except TimeoutError:
        log.warning("the embedded store did not end by itself and is killed")
        with suppress(ProcessLookupError):
            server.kill()
        await server.wait()


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
