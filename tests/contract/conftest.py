"""Every contract test of the store runs on both servers, and what needs no server of its own on both topologies."""

import pytest
from fakes.clock import Clock
from fakes.rig_servers import cluster_server, sentinel_server
from fakes.servers import PROGRAMS, StoreServer

SERVERS = {
    "valkey": StoreServer,
    "redis": StoreServer,
    "sentinel-redis": sentinel_server,
    "cluster-redis": cluster_server,
    "cluster-valkey": cluster_server,
}


@pytest.fixture(scope="session", params=SERVERS)
def server(request, tmp_path_factory):
    """One server, or one set of them, for all tests that leave it running."""
    kind = request.param.rpartition("-")[2]
    server = SERVERS[request.param](kind, tmp_path_factory.mktemp(request.param))
    try:
        yield server.start()
    finally:
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
