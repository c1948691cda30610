"""`gateway demo`: the gateway with the sample configuration, and the demo ERP behind it, in one process."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from gateway import demo as demo_package
from gateway.app.listen import bind
from gateway.app.single import Single
from gateway.app.source import Source
from gateway.config.addresses import Address, Origin
from gateway.config.document import Loaded
from gateway.config.problems import ConfigRefused, Problem
from gateway.demo.erp import start_demo_erp
from gateway.demo.guide import guide

UPSTREAM = "demo"
"""The upstream of the sample configuration that the demo ERP is: it listens where that one's first server should."""


def demo(overrides: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigRefused, StoreRefused or OSError if it cannot start."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(overrides))


async def _serve(overrides: Mapping[str, str]) -> None:
    path, settings = _sample(overrides)
    source = Source(path, settings)
    loaded = source.load()
    process = Single(source, loaded)
    server = _demo_server(loaded)
    bind(Address(server.host, server.port), f"upstreams.{UPSTREAM}.servers").close()  # names the key if it is taken
    erp = await start_demo_erp(server.host, server.port)
    try:
        await process.serve(lambda: _print_guide(process))
    finally:
        await erp.cleanup()


def _demo_server(loaded: Loaded) -> Origin:
    upstream = loaded.config.upstreams.get(UPSTREAM)
    if upstream is None:
        message = f'no upstream named "{UPSTREAM}" for the demo ERP; a configuration of your own is for `gateway run`'
        raise ConfigRefused([Problem(loaded.file, 0, 0, "upstreams", message)])
    return upstream.servers[0]


def _sample(overrides: Mapping[str, str]) -> tuple[Path, Mapping[str, str]]:
    """`config.yaml` here, or the copy in the package, with its state kept here all the same."""
    here = Path("config.yaml")
    if here.is_file():
        return here, overrides
    packaged = Path(demo_package.__file__).with_name("config.yaml")
    return packaged, {"store.url": f"embedded://{Path('state').absolute()}", **overrides}


def _print_guide(process: Single) -> None:
    sys.stdout.write(guide(process.loaded.config.server.origin))
    sys.stdout.flush()
