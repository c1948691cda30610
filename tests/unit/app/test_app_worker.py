import asyncio
import os
import signal
import socket

import pytest
from fakes.plain_client import PlainClient
from fakes.shop_crew import house
from fakes.waiting import eventually

from gateway.app.child import Child
from gateway.app.handover import pack
from gateway.app.slots import Slots


@pytest.fixture
async def rig(tmp_path):
    async with house(tmp_path) as made:
        made.slots = Slots.make(2)
        yield made
        made.slots.close()


@pytest.fixture
async def child(rig):
    child = Child(1, 0)
    await child.start(rig.sock, rig.slots, lambda: rig.handover(1, 0), lambda _: None)
    await asyncio.wait_for(child.ready, 60)
    child.accept()
    yield child
    child.kill()
    await child.ended.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
async def test_what_is_sent_to_all_of_us_is_the_supervisors_business(rig, child, number):
    os.kill(child.pid, number)

    await child.count()
    assert (await asyncio.to_thread(PlainClient(rig.port).get, "/x")).status == 401
    assert not child.leaving.is_set()


async def test_without_a_supervisor_it_ends_and_the_port_is_free(rig, child):
    address = rig.sock.getsockname()
    rig.sock.close()

    child._link.close()
    await asyncio.wait_for(child.ended.wait(), 60)

    assert child.how == "exit code 0"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)


async def test_connections_are_counted_where_all_workers_see_them(rig, child):
    conversation = await asyncio.to_thread(PlainClient(rig.port).connect)
    await eventually(lambda: rig.slots[0] == 1)

    conversation.close()

    await eventually(lambda: rig.slots[0] == 0)


async def test_a_supervisor_of_another_version_is_not_believed(rig, monkeypatch):
    monkeypatch.setattr("gateway.app.child.__version__", "0.0.0")
    child = Child(1, 0)
    await child.start(rig.sock, rig.slots, lambda: rig.handover(1, 0), lambda _: None)

    await asyncio.wait_for(child.ended.wait(), 60)

    assert "is installed and 0.0.0 runs: restart the gateway" in str(child.ready.exception())


async def test_a_configuration_that_comes_while_it_starts_is_what_it_starts_from(rig):
    child = Child(1, 0)
    await child.start(rig.sock, rig.slots, lambda: rig.handover(1, 0), lambda _: None)
    newer = pack((rig.load(routes="[{name: new, path: /new/**, upstream: erp}]"), None))

    assert await child.reload(newer) == ""
    await asyncio.wait_for(child.ready, 60)
    child.accept()

    assert (await asyncio.to_thread(PlainClient(rig.port).get, "/x")).status == 404
    child.kill()
    await child.ended.wait()


async def test_too_few_files_for_so_many_connections_are_told_by_the_first_worker(rig, capfd):
    quiet = "{access: ./access.log, audit: ./audit.log, level: warning}"
    rig.loaded = rig.load(server="{limits: {connections: 900000000}}", logs=quiet)
    children = [Child(number, number - 1) for number in (1, 2)]

    for number, child in enumerate(children, 1):
        await child.start(rig.sock, rig.slots, lambda number=number: rig.handover(number, number - 1), lambda _: None)
        await asyncio.wait_for(child.ready, 60)
        child.kill()
        await child.ended.wait()

    told = [line for line in capfd.readouterr().err.splitlines() if "open files" in line]
    assert len(told) == 1
    assert "each worker: 900000000 connections (server.limits.connections) need" in told[0]
