"""A whole gateway on the test's own event loop, with everything a process has."""

import asyncio
import logging
import signal
from contextlib import asynccontextmanager, contextmanager

from fakes.assembling import BASE
from fakes.ports import free_port

from gateway.app.source import Source

TEXT = "".join(f"{name}: {value}\n" for name, value in BASE.items())


@contextmanager
def own_logging():
    """Logging is one per Python process: put back what starting a gateway sets up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger("gateway").setLevel(logging.NOTSET)


@asynccontextmanager
async def running(directory, make):
    """`make(source, loaded)` makes the process; it is stopped at the end."""
    file = directory / "config.yaml"
    ports = free_port(), free_port()
    file.write_text(
        TEXT
        + f"server: {{listen: 127.0.0.1:{ports[0]}, timeouts: {{drain: 1s}}}}\nadmin: {{listen: 127.0.0.1:{ports[1]}}}\n"
        + "logs: {access: ./access.log, audit: ./audit.log, level: error}\nstore: {timeout: 10s}\n"
    )
    with own_logging():
        source = Source(file)
        process = make(source, source.load())
        ready = asyncio.Event()
        serving = asyncio.ensure_future(process.serve(ready.set))
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert not serving.done(), serving.result()
        process.file, process.port, process.admin_port, process.serving = file, *ports, serving
        try:
            yield process
        finally:
            if not serving.done():
                process.stop()
            await serving
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
                asyncio.get_running_loop().remove_signal_handler(number)
