"""What workers counted, those that have ended included: a counter never falls because a process is gone."""

from collections.abc import Iterable

from gateway.observe.families import FAMILIES, Kind
from gateway.observe.metrics import Snapshot, merge

_LASTING = {Kind.COUNTER, Kind.HISTOGRAM}


class Ledger:
    """The sum of everyone who left."""

    def __init__(self) -> None:
        self._kept: Snapshot = {}

    def keep(self, last: Snapshot) -> None:
        """Add what a worker that has ended last told; its gauges end with it."""
        lasting = {name: rows for name, rows in last.items() if name in FAMILIES and FAMILIES[name].kind in _LASTING}
        self._kept = merge([self._kept, lasting])

    def total(self, living: Iterable[Snapshot]) -> Snapshot:
        """One snapshot of everyone."""
        return merge([self._kept, *living])
