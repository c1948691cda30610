import pytest
from fakes.assembling import BASE

from gateway.app.cores import usable_cores
from gateway.app.single import Single
from gateway.app.source import Source
from gateway.app.start import make_process
from gateway.app.supervisor import Supervisor

TEXT = "".join(f"{name}: {value}\n" for name, value in BASE.items())


@pytest.mark.parametrize(("workers", "kind", "count"), [("1", Single, 1), ("2", Supervisor, 2), ("5", Supervisor, 5)])
def test_the_number_of_workers_decides_who_serves(tmp_path, workers, kind, count):
    file = tmp_path / "config.yaml"
    file.write_text(TEXT)

    process = make_process(Source(file, {"server.workers": workers}))

    assert type(process) is kind
    assert process.workers == count


def test_auto_is_one_for_each_usable_core(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(TEXT)

    assert make_process(Source(file, {"server.workers": "auto"})).workers == usable_cores()
