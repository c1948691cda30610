"""The demo ERP by itself, for a container or a machine of its own: `python -m gateway.demo.serve 0.0.0.0:8090`."""

import asyncio
import signal
import sys
from collections.abc import Sequence

from gateway.config.addresses import Address, read_listen
from gateway.demo.erp import start_demo_erp

DEFAULT = "127.0.0.1:8090"


def main(words: Sequence[str]) -> None:
    """Serve on the address that is named, until SIGTERM or SIGINT. Raises SystemExit for what is no address."""
    try:
        address = read_listen(*words or [DEFAULT])
    except (TypeError, ValueError) as error:
        raise SystemExit(f"usage: python -m gateway.demo.serve [HOST:PORT]: {error}") from None
    asyncio.run(_serve(address))


async def _serve(address: Address) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    runner = await start_demo_erp(address.host, address.port)
    sys.stdout.write(f"the demo ERP listens on http://{address}\n")
    sys.stdout.flush()
    await stopping.wait()
    await runner.cleanup()


if __name__ == "__main__":
    main(sys.argv[1:])
