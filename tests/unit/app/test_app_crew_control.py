import asyncio
from types import SimpleNamespace

import pytest
from fakes.assembling import Assembler

from gateway.app.child import WorkerFailed
from gateway.app.crew_control import CrewControl


@pytest.fixture
def supervisor(tmp_path):
    assembler = Assembler(tmp_path)
    up = {"upstream_up": [[["erp", "http://10.0.0.1:8069"], 1.0]]}
    down = {"upstream_up": [[["erp", "http://10.0.0.1:8069"], 0.0]]}
    made = SimpleNamespace(
        crew=SimpleNamespace(serving=[SimpleNamespace(figures=up), SimpleNamespace(figures=up)]),
        service=SimpleNamespace(current=assembler(), state=SimpleNamespace(feed=SimpleNamespace(store_answers=True))),
        reloader=SimpleNamespace(is_stale=False),
        stopping=asyncio.Event(),
        is_listening=True,
        workers=2,
        handed_out=None,
        down=down,
    )
    yield made
    assembler.checks.close()


async def test_a_server_is_up_that_every_worker_finds_up(supervisor):
    control = CrewControl(supervisor)
    assert (await control.health()).upstreams == {"erp": (1, 1)}

    supervisor.crew.serving[1].figures = supervisor.down

    assert (await control.health()).upstreams == {"erp": (0, 1)}


async def test_it_is_ready_while_some_worker_listens_and_nobody_stops_it(supervisor):
    control = CrewControl(supervisor)
    assert (await control.health()).is_ready

    supervisor.stopping.set()

    assert not (await control.health()).is_ready


async def test_a_restart_tells_how_many_were_replaced_or_why_not(supervisor):
    said = []

    async def restart():
        if said:
            raise WorkerFailed("no memory")

    supervisor.restart = restart
    control = CrewControl(supervisor)
    assert (await control.restart()).done

    said.append("no more")
    report = await control.restart()

    assert (report.done, report.problem) == (False, "a worker does not start: no memory")


async def test_a_reload_tells_which_workers_did_not_take_it(supervisor):
    async def reload(cause):
        supervisor.handed_out = asyncio.ensure_future(handed_out())
        return Report(accepted=True, at=1.0)

    async def handed_out():
        return ["worker 2 did not"]

    from gateway.reload import ReloadReport as Report

    supervisor.reloader.reload = reload

    assert (await CrewControl(supervisor).reload()).problems == ("worker 2 did not",)
