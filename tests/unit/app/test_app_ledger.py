from gateway.app.ledger import Ledger
from gateway.observe.metrics import Metrics


def counted(requests, connections):
    metrics = Metrics()
    metrics.requests["orders", "GET", 200] = requests
    metrics.duration.observe("orders", 0.01)
    metrics.watch("connections", lambda: {(): connections})
    return metrics.snapshot()


def test_what_a_worker_counted_outlives_it_and_what_it_held_does_not():
    ledger = Ledger()
    ledger.keep(counted(5, connections=3))
    ledger.keep(counted(7, connections=3))

    total = ledger.total([counted(1, connections=2)])

    assert total["requests_total"] == [[["orders", "GET", "200"], 13]]
    assert total["connections"] == [[[], 2]]
    (_, series), = total["request_duration_seconds"]  # fmt: skip
    assert sum(series[:-1]) == 3


def test_figures_of_another_version_are_passed_over():
    ledger = Ledger()

    ledger.keep({"unheard_of_total": [[[], 1]]})

    assert "unheard_of_total" not in ledger.total([])
