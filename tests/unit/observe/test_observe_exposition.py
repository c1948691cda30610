from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from gateway.observe.exposition import render
from gateway.observe.families import FAMILIES, Kind
from gateway.observe.metrics import Metrics


def counted():
    metrics = Metrics()
    metrics.requests['a "quoted" route', "GET", 200] = 3
    metrics.duration.observe("orders", 0.003)
    metrics.duration.observe("orders", 120.0)
    metrics.gauge("store_up", 1)
    metrics.count("logins_total", "native", "ok")
    return metrics.snapshot()


def test_the_page_is_read_back_by_prometheus_own_parser():
    page, content_type = render(counted(), "1.2.3")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse(page.decode())
        for sample in family.samples
    }

    assert content_type.startswith("text/plain")
    assert samples["gateway_requests_total", ("code", "200"), ("method", "GET"), ("route", 'a "quoted" route')] == 3
    assert samples["gateway_request_duration_seconds_bucket", ("le", "0.0025"), ("route", "orders")] == 0
    assert samples["gateway_request_duration_seconds_bucket", ("le", "0.005"), ("route", "orders")] == 1
    assert samples["gateway_request_duration_seconds_bucket", ("le", "60.0"), ("route", "orders")] == 1
    assert samples["gateway_request_duration_seconds_bucket", ("le", "+Inf"), ("route", "orders")] == 2
    assert samples["gateway_request_duration_seconds_count", ("route", "orders")] == 2
    assert samples["gateway_request_duration_seconds_sum", ("route", "orders")] == 120.003
    assert samples["gateway_store_up",] == 1
    assert samples["gateway_logins_total", ("login", "native"), ("result", "ok")] == 1
    assert samples["gateway_build_info", ("version", "1.2.3")] == 1
    assert samples["process_resident_memory_bytes",] > 0


def test_every_family_is_announced_even_before_it_counts():
    page = render(Metrics().snapshot(), "1")[0].decode()

    for name in FAMILIES:
        assert f"# TYPE gateway_{name} " in page


def test_counters_end_in_total_as_openmetrics_wants():
    assert all(name.endswith("_total") == (family.kind is Kind.COUNTER) for name, family in FAMILIES.items())


def test_openmetrics_is_served_where_it_is_asked_for():
    page, content_type = render(counted(), "1", "application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")
    assert list(parse_openmetrics(page.decode()))
