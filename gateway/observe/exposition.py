"""Renders a merged snapshot in the text formats of Prometheus; prometheus_client does nothing but this."""

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from gateway.observe.families import FAMILIES, Family, Kind
from gateway.observe.metrics import BOUNDS, Snapshot

PREFIX = "gateway_"


class SnapshotCollector(Collector):
    """One snapshot, as prometheus_client wants to read it."""

    def __init__(self, snapshot: Snapshot, version: str) -> None:
        self._snapshot = snapshot
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Every family, those without figures included, so that a dashboard finds the name."""
        build = GaugeMetricFamily(f"{PREFIX}build_info", "The version that runs.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
        for name, family in FAMILIES.items():
            yield _metric(PREFIX + name, family, self._snapshot.get(name, []))


def render(snapshot: Snapshot, version: str, accept: str = "") -> tuple[bytes, str]:
    """The page and its content type: OpenMetrics where the `Accept` header asks for it, else Prometheus text 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SnapshotCollector(snapshot, version))
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    page: bytes = encode(registry)
    return page, content_type


def _metric(name: str, family: Family, rows: list[list[Any]]) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(name, family.help, labels=family.labels)
        for labels, series in rows:
            histogram.add_metric(labels, _buckets(series), sum_value=series[-1])
        return histogram
    of_kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric: CounterMetricFamily | GaugeMetricFamily = of_kind(name, family.help, labels=family.labels)
    for labels, value in rows:
        metric.add_metric(labels, value)
    return metric


def _buckets(series: list[float]) -> list[tuple[str, float]]:
    total = 0.0
    buckets = []
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), series, strict=False):
        total += count
        buckets.append((bound, total))
    return buckets
