import asyncio
import os
import signal

import pytest
from fakes.plain_client import PlainClient
from fakes.waiting import eventually
from fakes.whole_process import running

from gateway.app.supervisor import Supervisor


@pytest.fixture
async def process(tmp_path):
    async with running(tmp_path, lambda source, loaded: Supervisor(source, loaded, 2)) as process:
        yield process


async def get(port, target):
    return await asyncio.to_thread(PlainClient(port, host="localhost").get, target)


async def metrics(process):
    return (await get(process.admin_port, "/metrics")).body.decode()


async def test_both_listeners_answer_once_it_is_ready(process):
    assert process.is_listening
    assert (await get(process.port, "/x")).status == 401
    assert (await get(process.admin_port, "/readyz")).status == 200


async def test_figures_of_all_workers_are_one_sum(process):
    for _ in range(4):
        await get(process.port, "/x")

    text = await metrics(process)

    assert 'gateway_requests_total{code="401",method="GET",route="all"} 4.0' in text
    assert [f'gateway_worker_up{{worker="{number}"}} 1.0' in text for number in (1, 2)] == [True, True]


async def test_a_worker_that_is_killed_is_replaced_and_its_figures_stay(process):
    await get(process.port, "/x")
    await metrics(process)
    killed = process.crew.posts[0].child

    os.kill(killed.pid, signal.SIGKILL)
    await eventually(lambda: process.crew.posts[0].child not in {killed, None}, seconds=60)

    text = await metrics(process)
    assert 'gateway_requests_total{code="401",method="GET",route="all"} 1.0' in text
    assert 'gateway_worker_restarts_total{worker="1"} 1.0' in text
    assert killed.how == "signal 9"


async def test_a_new_file_reaches_all_workers(process):
    process.file.write_text(process.file.read_text().replace("path: /**", "path: /new/**"))

    report = await process.control().reload()

    assert (report.accepted, report.problems) == (True, ())
    assert {(await get(process.port, "/x")).status for _ in range(6)} == {404}


async def test_the_end_is_the_same_by_signal(process):
    pids = [child.pid for child in process.crew.children]

    signal.raise_signal(signal.SIGTERM)
    await process.serving

    assert len(pids) == 2
    assert not any(map(is_alive, pids))


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
