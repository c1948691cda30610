"""`gateway run`: one process, or a supervisor with workers, as `server.workers` says."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import uvloop

from gateway.app.cores import usable_cores
from gateway.app.process import Process
from gateway.app.single import Single
from gateway.app.source import Source
from gateway.app.supervisor import Supervisor


def run(path: Path, overrides: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigRefused, StoreRefused or OSError if it cannot start."""
    process = make_process(Source(path, overrides))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(process.serve())


def make_process(source: Source) -> Process:
    """Load, and choose. Raises ConfigRefused."""
    loaded = source.load()
    configured = loaded.config.server.workers
    workers = usable_cores() if configured == "auto" else configured
    return Single(source, loaded) if workers == 1 else Supervisor(source, loaded, workers)
