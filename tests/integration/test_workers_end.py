"""The end of a gateway with two workers: from a terminal, in haste, with a worker that hangs, and none too many started."""

import asyncio
import os
import signal

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient
from fakes.waiting import eventually
from fakes.workers import both_serve, crew_config, workers_of


@pytest.fixture
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture
def launch(erp, tmp_path):
    launched = []

    def launch(drain):
        config = crew_config(erp.port, drain=drain)
        launched.append(GatewayProcess(tmp_path, config, own_group=True).start())
        return launched[-1]

    yield launch
    for gateway in launched:
        gateway.stop()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_ctrl_c_reaches_all_and_ends_them_in_order(launch):
    gateway = launch("10s")
    pids = workers_of(gateway)

    os.killpg(gateway.pid, signal.SIGINT)

    assert await asyncio.to_thread(gateway.process.wait, 60) == 0
    assert not any(map(is_alive, pids))
    assert "Traceback" not in gateway.stderr
    assert "another takes its place" not in gateway.stderr


async def test_a_second_signal_cuts_the_connections_of_all_workers(erp, launch):
    gateway = launch("60s")
    held = asyncio.Event()
    loop = asyncio.get_running_loop()
    erp.answers["/open/slow"] = lambda _: asyncio.run_coroutine_threadsafe(held.wait(), loop).result(60) and None
    client = PlainClient(gateway.port)
    pending = [asyncio.ensure_future(asyncio.to_thread(client.get, "/open/slow")) for _ in range(4)]
    await eventually(lambda: len(erp.seen) == 4)

    gateway.process.send_signal(signal.SIGTERM)
    await eventually(lambda: gateway.stderr.count("draining: at most 60 s") == 2)
    gateway.process.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(gateway.process.wait, 50) == 0
    answers = await asyncio.gather(*pending, return_exceptions=True)
    held.set()
    assert all(isinstance(answer, EOFError | ConnectionError) for answer in answers), answers


async def test_a_worker_that_hangs_does_not_keep_the_gateway_from_ending(launch):
    gateway = launch("1s")
    hanging = workers_of(gateway)[0]
    os.kill(hanging, signal.SIGSTOP)

    gateway.process.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(gateway.process.wait, 60) == 0
    assert not is_alive(hanging)
    assert f"(process {hanging}) does not end and is killed" in gateway.stderr


async def test_told_to_end_while_it_starts_it_leaves_nobody_behind(launch, erp, tmp_path):
    gateway = GatewayProcess(tmp_path, crew_config(erp.port, drain="5s")).launch()
    pids = await eventually(lambda: workers_of(gateway), seconds=60)

    gateway.process.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(gateway.process.wait, 60) == 0
    assert not any(map(is_alive, pids))


async def test_one_worker_that_is_told_to_end_is_replaced_and_loses_nothing(erp, launch):
    gateway = launch("20s")
    held = asyncio.Event()
    loop = asyncio.get_running_loop()
    done = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    erp.answers["/open/slow"] = lambda _: asyncio.run_coroutine_threadsafe(held.wait(), loop).result(60) and done
    client = PlainClient(gateway.port)
    pending = [asyncio.ensure_future(asyncio.to_thread(client.get, "/open/slow")) for _ in range(6)]
    await eventually(lambda: len(erp.seen) == 6)
    leaving = workers_of(gateway)[0]

    os.kill(leaving, signal.SIGTERM)
    await eventually(lambda: len(workers_of(gateway)) == 3, seconds=60)
    held.set()

    assert {answer.status for answer in await asyncio.gather(*pending)} == {200}
    await both_serve(gateway, [leaving])
