from types import SimpleNamespace

from fakes.wired_gate import Wired

from gateway.app.usage import memory_bytes, watch_usage


def test_figures_carry_the_number_of_the_worker():
    wired = Wired()
    wired.client()

    watch_usage(SimpleNamespace(gate=wired.gate, metrics=wired.metrics), 3)

    figures = wired.metrics.snapshot()
    assert figures["worker_connections"] == [[["3"], 1]]
    assert figures["worker_memory_bytes"][0][1] > 10 * 2**20
    assert figures["worker_cpu_seconds_total"][0][1] > 0


def test_a_system_without_proc_tells_the_most_that_ever_was(tmp_path):
    held = bytearray(50 * 2**20)

    assert memory_bytes(tmp_path / "none") >= memory_bytes() - len(held)
