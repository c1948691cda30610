"""The demo ERP on a loop and a thread of its own, for tests whose clients block."""

import asyncio
import threading
from contextlib import contextmanager

from fakes.gateway_process import GatewayProcess
from fakes.small_shop import LOGINS

from gateway.demo.erp import start_demo_erp


@contextmanager
def demo_behind(directory, config):
    """A running gateway in front of the demo ERP; `config` leaves room for {logins} and the ERP's {port}."""
    upstream = DemoUpstream().start()
    try:
        gateway = GatewayProcess(directory, config.format(logins=LOGINS, port=upstream.port)).start()
        try:
            yield gateway
        finally:
            gateway.stop()
    finally:
        upstream.stop()


class DemoUpstream:
    """`requests` holds the method and raw target of each request it got."""

    def __init__(self):
        self.requests = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner = None

    def start(self):
        self._thread.start()
        self._runner = self._call(start_demo_erp("127.0.0.1", 0, lambda *request: self.requests.append(request)))
        self.port = self._runner.addresses[0][1]
        return self

    def stop(self):
        self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)
