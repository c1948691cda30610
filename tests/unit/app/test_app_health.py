import asyncio

import pytest
from fakes.assembling import Assembler

from gateway.app.health import Probes
from gateway.upstream.health import HealthChecks

CHECKED = '{erp: {servers: ["http://10.0.0.1:1", "http://10.0.0.2:2"], health_check: {path: /h, interval: 1s}}, plain: {servers: ["http://10.0.0.3:3"]}}'


@pytest.fixture
def assembler(tmp_path):
    made = Assembler(tmp_path)
    yield made
    made.checks.close()


@pytest.fixture
def watched(monkeypatch):
    running = set()

    async def watch(self, server, changed=None):
        running.add(server.endpoint.host)
        try:
            await asyncio.sleep(3600)
        finally:
            running.discard(server.endpoint.host)

    monkeypatch.setattr(HealthChecks, "watch", watch)
    return running


async def test_the_servers_of_the_configuration_in_force_are_checked(assembler, watched):
    probes = Probes()

    probes.use(assembler(upstreams=CHECKED))
    await asyncio.sleep(0)
    assert watched == {"10.0.0.1", "10.0.0.2"}
    probes.use(assembler(upstreams=CHECKED.replace("10.0.0.2", "10.0.0.4")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert watched == {"10.0.0.1", "10.0.0.4"}

    probes.stop()
    await asyncio.sleep(0)
    assert watched == set()
