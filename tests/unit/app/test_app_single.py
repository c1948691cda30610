import asyncio
import json
import signal

import pytest
from fakes.plain_client import PlainClient
from fakes.waiting import eventually
from fakes.whole_process import running

from gateway.app.single import Single


@pytest.fixture
async def process(tmp_path):
    async with running(tmp_path, Single) as process:
        yield process


async def get(port, target):
    return await asyncio.to_thread(PlainClient(port, host="localhost").get, target)


async def test_both_listeners_answer_once_it_is_ready(process):
    assert process.is_listening
    assert (await get(process.port, "/x")).status == 401
    assert (await get(process.admin_port, "/readyz")).status == 200


async def test_a_new_file_is_one_new_reference(process):
    rules = process.service.gate.rules
    kept = process.service.current.upstreams.by_name["erp"].servers[0]
    process.file.write_text(process.file.read_text().replace("path: /**", "path: /new/**"))

    report = await process.reloader.reload("a test")

    assert report.accepted
    assert process.service.gate.rules is not rules
    assert process.service.current.upstreams.by_name["erp"].servers[0] is kept
    assert (await get(process.port, "/x")).status == 404


async def test_servers_that_are_gone_are_retired(process):
    old = process.service.current.upstreams.by_name["erp"].servers[0]
    process.file.write_text(process.file.read_text().replace("10.0.0.1", "10.0.0.2"))

    await process.reloader.reload("a test")

    assert old.retired


async def test_a_faulty_file_leaves_everything_as_it_is(process):
    rules = process.service.gate.rules
    process.file.write_text("nonsense")

    report = await process.reloader.reload("a test")

    assert not report.accepted
    assert process.service.gate.rules is rules
    assert process.reloader.is_stale


async def test_figures_are_watched(process):
    text = (await get(process.admin_port, "/metrics")).body.decode()

    assert "gateway_store_up 1.0" in text
    assert 'server="http://10.0.0.1:8069"' in text
    assert "gateway_requests_in_flight 0.0" in text
    assert 'gateway_worker_up{worker="1"} 1.0' in text


async def test_a_second_stop_waits_for_nothing(process):
    connection = await asyncio.to_thread(PlainClient(process.port).connect)
    connection.send(b"GET /half")
    await eventually(lambda: process.service.gate.connections)

    process.stop()
    await eventually(lambda: not process.is_listening)
    process.stop()
    await process.serving

    connection.close()
    assert not process.is_listening


async def test_the_end_is_the_same_by_signal(process):
    signal.raise_signal(signal.SIGTERM)

    await process.serving

    lines = (process.file.parent / "audit.log").read_text() if (process.file.parent / "audit.log").exists() else ""
    assert all(json.loads(line) for line in lines.splitlines())
