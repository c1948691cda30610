"""`gateway demo`: the gateway with the sample configuration, and the demo ERP behind it, in one process."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from gateway import demo as demo_package
from gateway.app.process import Process
from gateway.demo.erp import start_demo_erp
from gateway.demo.guide import guide

ERP_HOST, ERP_PORT = "127.0.0.1", 8090
"""What the sample configuration names as upstream `demo`."""


def demo(overrides: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigRefused, StoreRefused or OSError if it cannot start."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(overrides))


async def _serve(overrides: Mapping[str, str]) -> None:
    path, settings = _sample(overrides)
    erp = await start_demo_erp(ERP_HOST, ERP_PORT)
    try:
        process = Process(path, settings)
        await process.serve(lambda: _print_guide(process))
    finally:
        await erp.cleanup()


def _sample(overrides: Mapping[str, str]) -> tuple[Path, Mapping[str, str]]:
    """`config.yaml` here, or the copy in the package, with its state kept here all the same."""
    here = Path("config.yaml")
    if here.is_file():
        return here, overrides
    packaged = Path(demo_package.__file__).with_name("config.yaml")
    return packaged, {"store.url": f"embedded://{Path('state').absolute()}", **overrides}


def _print_guide(process: Process) -> None:
    sys.stdout.write(guide(process.current.config.server.origin))
    sys.stdout.flush()
