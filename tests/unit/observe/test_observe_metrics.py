import json

import pytest

from gateway.observe.families import FAMILIES
from gateway.observe.metrics import BOUNDS, Histogram, Metrics, merge


def rows(snapshot, name):
    return {tuple(labels): value for labels, value in snapshot[name]}


def test_the_proxy_counts_in_place_and_the_snapshot_shows_it():
    metrics = Metrics()
    metrics.requests["orders", "GET", 200] = 3
    metrics.auth["bearer", "ok"] = 2
    metrics.count("logins_total", "native", "ok")
    metrics.count("logins_total", "native", "ok", by=4)
    metrics.gauge("store_up", 1)

    snapshot = metrics.snapshot()

    assert rows(snapshot, "requests_total") == {("orders", "GET", "200"): 3}
    assert rows(snapshot, "auth_total") == {("bearer", "ok"): 2}
    assert rows(snapshot, "logins_total") == {("native", "ok"): 5}
    assert rows(snapshot, "store_up") == {(): 1}
    assert set(snapshot) == set(FAMILIES)


def test_methods_that_a_client_makes_up_share_one_label():
    one, other = Metrics(), Metrics()
    one.requests["orders", "PURGE", 405] = 1
    other.requests["orders", "BREW", 405] = 1

    assert rows(merge([one.snapshot(), other.snapshot()]), "requests_total") == {("orders", "other", "405"): 2}


def test_made_up_methods_of_one_worker_are_one_row():
    metrics = Metrics()
    metrics.requests["orders", "PURGE", 405] = 1
    metrics.requests["orders", "BREW", 405] = 1

    assert metrics.snapshot()["requests_total"] == [[["orders", "other", "405"], 2]]


def test_a_duration_on_a_bound_belongs_to_the_bucket_below_it():
    """Prometheus: `le` is less or equal."""
    histogram = Histogram(bounds=(0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 2.0):
        histogram.observe("orders", seconds)

    assert histogram.rows() == [[["orders"], [2, 1, 1, pytest.approx(2.65)]]]


def test_a_gauge_that_is_watched_is_read_at_each_snapshot():
    metrics = Metrics()
    open_now = {(): 1}
    metrics.watch("connections", lambda: open_now)
    first = metrics.snapshot()
    open_now[()] = 7

    assert rows(first, "connections") == {(): 1}
    assert rows(metrics.snapshot(), "connections") == {(): 7}


def test_counting_under_an_unknown_name_or_with_missing_labels_is_a_mistake():
    metrics = Metrics()

    with pytest.raises(KeyError):
        metrics.count("loginz_total")
    with pytest.raises(AssertionError):
        metrics.count("logins_total", "native")


def test_workers_are_added_up_or_compared_as_the_family_says():
    one, other = Metrics(), Metrics()
    for metrics, up, connections, loaded in ((one, 1, 3, 100.0), (other, 0, 4, 50.0)):
        metrics.requests["orders", "GET", 200] = 1
        metrics.duration.observe("orders", 0.02)
        metrics.gauge("upstream_up", up, "odoo", "http://10.0.0.1:8069")
        metrics.gauge("connections", connections)
        metrics.gauge("config_last_reload_success_timestamp_seconds", loaded)

    merged = merge(json.loads(json.dumps([one.snapshot(), other.snapshot()])))

    assert rows(merged, "requests_total") == {("orders", "GET", "200"): 2}
    assert rows(merged, "upstream_up") == {("odoo", "http://10.0.0.1:8069"): 0}
    assert rows(merged, "connections") == {(): 7}
    assert rows(merged, "config_last_reload_success_timestamp_seconds") == {(): 100.0}
    series = rows(merged, "request_duration_seconds")["orders",]
    assert series[BOUNDS.index(0.025)] == 2
    assert series[-1] == pytest.approx(0.04)


def test_a_worker_of_another_version_does_not_break_the_sum():
    assert merge([{"not_known_here": [[[], 1]]}])["store_up"] == []
