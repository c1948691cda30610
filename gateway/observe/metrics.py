"""The counters of one worker, in plain integers: prometheus_client costs 1.9 µs a request, a dict entry 0.1."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.observe.families import FAMILIES, Kind

KNOWN_METHODS = {
    name: name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
}
"""`KNOWN_METHODS.get(method, "other")` is the label of a method: a client cannot make up new ones."""

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the duration buckets in seconds: from a warm cache hit to a slow ERP report."""

Labels = tuple[str, ...]
Reading = Callable[[], Mapping[Labels, float]]
Snapshot = dict[str, Any]


class Histogram:
    """Durations by one label, counted in fixed buckets."""

    __slots__ = ("_series", "bounds")

    def __init__(self, bounds: tuple[float, ...] = BOUNDS) -> None:
        self.bounds = bounds
        self._series: dict[str, list[float]] = {}

    def observe(self, label: str, seconds: float) -> None:
        """Count one duration. The last element of a series is the sum, the one before it what is over all bounds."""
        series = self._series.get(label)
        if series is None:
            series = self._series[label] = [0] * (len(self.bounds) + 1) + [0.0]
        series[bisect_left(self.bounds, seconds)] += 1
        series[-1] += seconds

    def rows(self) -> list[list[Any]]:
        """`[[label], [count per bucket …, sum]]` for each label."""
        return [[[label], list(series)] for label, series in self._series.items()]


class Metrics:
    """What one worker counted. The hot ones are public dicts, incremented in place by the proxy."""

    __slots__ = ("_counters", "_gauges", "_readings", "auth", "duration", "requests", "upstream_duration")

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = {}
        """(route, method, code) → exchanges; method as `KNOWN_METHODS` folds it."""
        self.auth: dict[tuple[str, str], int] = {}
        """(credential source, result) → judgements."""
        self.duration = Histogram()
        """By route."""
        self.upstream_duration = Histogram()
        """By upstream."""
        self._counters: dict[tuple[str, Labels], int] = {}
        self._gauges: dict[tuple[str, Labels], float] = {}
        self._readings: dict[str, Reading] = {}

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to one of the rarer counters of `FAMILIES`, label values in its order."""
        assert len(labels) == len(FAMILIES[name].labels), name
        key = (name, labels)
        self._counters[key] = self._counters.get(key, 0) + by

    def gauge(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge of `FAMILIES`."""
        assert len(labels) == len(FAMILIES[name].labels), name
        self._gauges[name, labels] = value

    def watch(self, name: str, read: Reading) -> None:
        """Have a gauge read at each snapshot, by label values; an earlier reading of that name is replaced."""
        assert name in FAMILIES, name
        self._readings[name] = read

    def snapshot(self) -> Snapshot:
        """Everything counted so far, as JSON values: `{name: [[label values, value], …]}`."""
        families: Snapshot = {name: [] for name in FAMILIES}
        folded: dict[Labels, int] = {}
        for (route, method, code), count in self.requests.items():
            labels = (route, KNOWN_METHODS.get(method, "other"), str(code))
            folded[labels] = folded.get(labels, 0) + count
        families["requests_total"] = [[list(labels), count] for labels, count in folded.items()]
        families["auth_total"] = [[list(pair), count] for pair, count in self.auth.items()]
        families["request_duration_seconds"] = self.duration.rows()
        families["upstream_request_duration_seconds"] = self.upstream_duration.rows()
        for (name, given), value in (*self._counters.items(), *self._gauges.items()):
            families[name].append([list(given), value])
        for name, read in self._readings.items():
            families[name].extend([list(found), reading] for found, reading in read().items())
        return families


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """One snapshot of several workers', added up or compared as each family's kind says."""
    merged: dict[str, dict[Labels, Any]] = {name: {} for name in FAMILIES}
    for snapshot in snapshots:
        for name, rows in snapshot.items():
            if name not in merged:
                continue  # a worker of another version, during an upgrade
            series = merged[name]
            for labels, value in rows:
                key = tuple(labels)
                series[key] = _join(FAMILIES[name].kind, series[key], value) if key in series else value
    return {name: [[list(labels), value] for labels, value in series.items()] for name, series in merged.items()}


def _join(kind: Kind, one: Any, other: Any) -> Any:
    if kind is Kind.HISTOGRAM:
        return [mine + yours for mine, yours in zip(one, other, strict=True)]
    if kind is Kind.WORST:
        return min(one, other)
    return max(one, other) if kind is Kind.LATEST else one + other
