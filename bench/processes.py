"""Programs under measurement: started on one core, their CPU time and memory read from /proc, ended by process id."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROXY_CORE, LOAD_CORE = 0, 1


@dataclass
class Program:
    """One started program with all its descendants."""

    name: str
    process: subprocess.Popen
    pids: tuple[int, ...] = field(default=())

    def cpu_seconds(self) -> float:
        """utime + stime of the whole tree; its shape is taken once, when the program is up."""
        return sum(_ticks(pid) for pid in self.pids) / TICKS

    def rss_bytes(self) -> int:
        return sum(_rss(pid) for pid in self.pids)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in self.pids:
                _kill(pid)
            self.process.wait(10)


def start(
    name: str, argv: list[str], folder: Path, *, core: int | str, port: int, env: dict[str, str] | None = None
) -> Program:
    """Start `argv` on one core, or on several ("0,2"), and wait until `port` accepts connections.

    Its output goes to <name>.out in `folder`.
    """
    output = folder / f"{name}.out"
    with output.open("ab") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *argv],
            cwd=folder,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    program = Program(name, process)
    try:
        _wait_for(port, process)
        time.sleep(0.3)  # workers fork after the listener is bound
        program.pids = tree(process.pid)
    except BaseException as error:
        program.stop()
        error.add_note(f"{name} said: {output.read_text()[-3000:]}")
        raise
    return program


def free_port() -> int:
    """A port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tree(root: int) -> tuple[int, ...]:
    """`root` and its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int(_stat(int(folder.name))[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, ()))
    return tuple(found)


def _wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"did not listen on {port} within 20 s")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: the name before them may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def _ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12])  # utime and stime, fields 14 and 15 of proc(5)


def _rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
