import asyncio
import os
import signal
import socket

import pytest
from fakes.assembling import BASE
from fakes.waiting import eventually
from fakes.whole_process import own_logging, running

from gateway.app.listen import PortInUse
from gateway.app.process import Process
from gateway.app.source import Source


class Silent(Process):
    """Serves nobody, and keeps what it is told to do."""

    is_listening = False  # as it is while it drains

    def __init__(self, source, loaded):
        super().__init__(source, loaded)
        self.told = []

    async def open(self, sock):
        self.told.append(("open", sock.getsockname()))

    async def drain(self, limit):
        self.told.append(("drain", limit))

    def cut(self):
        self.told.append(("cut",))


async def test_what_is_opened_is_drained_before_the_end(tmp_path):
    async with running(tmp_path, Silent) as process:
        address = ("127.0.0.1", process.port)
        assert process.told == [("open", address)]

        signal.raise_signal(signal.SIGTERM)
        await process.serving

    assert process.told == [("open", address), ("drain", 1.0)]


async def test_a_second_stop_waits_for_nothing(tmp_path):
    async with running(tmp_path, Silent) as process:
        process.stop()
        process.stop()
        await process.serving

    assert ("cut",) in process.told


async def test_the_service_manager_is_told_of_each_step(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        async with running(tmp_path, Silent) as process:
            await process.reloader.reload("a test")
            process.file.write_text("nonsense")
            await process.reloader.reload("a test")

        said = [manager.recv(200).split(b"\n")[0].decode() for _ in range(6)]

    assert said == ["READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert "NOTIFY_SOCKET" not in os.environ


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
async def test_signals_that_mean_something_elsewhere_end_nothing(tmp_path, number):
    async with running(tmp_path, Silent) as process:
        assert callable(signal.getsignal(number))  # else it would end the tests, too
        signal.raise_signal(number)
        await asyncio.sleep(0.1)

        assert not process.serving.done()
        assert not process.stopping.is_set()


class Hurried(Silent):
    """Told to load its file while there is nothing to load it anew."""

    async def serve(self, on_ready):
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGHUP)
        await super().serve(on_ready)


async def test_a_reload_asked_for_while_it_starts_is_done_afterwards(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # else it would end the tests, too
    async with running(tmp_path, Hurried) as process:
        report = await eventually(lambda: process.reloader.last)
    signal.signal(signal.SIGHUP, before)

    assert report.accepted


async def test_a_taken_port_is_found_before_anything_is_started(tmp_path):
    text = "".join(f"{name}: {value}\n" for name, value in BASE.items())
    with socket.create_server(("127.0.0.1", 0)) as taken, own_logging():
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "config.yaml").write_text(text + f"server: {{listen: '{place}'}}\nlogs: {{level: error}}\n")
        source = Source(tmp_path / "config.yaml")

        with pytest.raises(PortInUse, match=rf"server\.listen: cannot listen on {place}"):
            await Silent(source, source.load()).serve()

    assert not (tmp_path / "state").exists()
