"""Every contract test of the store runs on both servers."""

import pytest
from fakes.clock import Clock
from fakes.servers import PROGRAMS, StoreServer


@pytest.fixture(scope="session", params=sorted(PROGRAMS))
def server(request, tmp_path_factory):
    """One server for all tests that leave it running."""
    server = StoreServer(request.param, tmp_path_factory.mktemp(request.param)).start()
    yield server
    server.stop()


@pytest.fixture(params=sorted(PROGRAMS))
def own_server(request, tmp_path):
    """A server that the test may kill, pause and start again; its data survives."""
    server = StoreServer(request.param, tmp_path, "--appendonly", "yes", "--appendfsync", "always").start()
    yield server
    server.stop()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def store(server, clock):
    server.admin("FLUSHALL")
    store = server.connect(clock)
    yield store
    await store.close()
