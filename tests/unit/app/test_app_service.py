import pytest
from fakes.assembling import Assembler
from fakes.clock import Clock
from fakes.whole_process import own_logging

from gateway.app.service import Service
from gateway.app.state import start_state
from gateway.config.problems import ConfigRefused
from gateway.identity_providers.passwords import PasswordChecks
from gateway.observe.log_writer import Streams


@pytest.fixture
async def house(tmp_path):
    """A service on the embedded store, and what makes other configurations for it."""
    assembler = Assembler(tmp_path)
    loaded = assembler.load(store="{url: 'embedded://state', timeout: 10s}", logs="{access: ./a.log, audit: ./b.log}")
    with own_logging():
        streams = Streams(tmp_path, Clock())
        state = await start_state(loaded, Clock())
        service = Service(loaded, state, streams, loaded.config.logs, PasswordChecks())
        yield service, assembler
        await service.stop()
        await state.stop()
        streams.close()
    assembler.checks.close()


async def test_it_starts_once_the_store_has_answered(house):
    service, _ = house

    await service.start()

    assert service.state.feed.alive
    figures = service.metrics.snapshot()
    assert figures["store_up"] == [[[], 1.0]]
    assert figures["upstream_up"] == [[["erp", "http://10.0.0.1:8069"], 1.0]]


async def test_one_that_serves_nobody_tells_of_no_connections(house):
    service, _ = house

    assert service.metrics.snapshot()["connections"] == []


async def test_another_configuration_is_built_aside_and_taken_with_one_reference(house):
    service, assembler = house
    before = service.gate.rules
    kept = service.current.upstreams.by_name["erp"].servers[0]

    built = service.build(assembler.load(routes="[{name: new, path: /new/**, upstream: erp}]"))
    assert service.gate.rules is before
    service.swap(built)

    assert service.gate.rules is built.rules
    assert service.current.upstreams.by_name["erp"].servers[0] is kept


async def test_servers_that_are_gone_are_retired(house):
    service, assembler = house
    old = service.current.upstreams.by_name["erp"].servers[0]

    service.swap(service.build(assembler.load(upstreams='{erp: {servers: ["http://10.0.0.2:8069"]}}')))

    assert old.retired


async def test_what_cannot_be_built_leaves_everything_as_it_is(house):
    service, assembler = house
    before = service.current

    odd = assembler.load(logins="{native: {dialect: native, path: /auth, identity_provider: staff, odd: 1}}")
    with pytest.raises(ConfigRefused):
        service.build(odd)

    assert service.current is before
