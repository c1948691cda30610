"""What was seen: each request beside the fault that was on, and what must never be."""

import json
from collections import Counter
from dataclasses import dataclass, field
from math import inf

RIGHT = {
    "use": {200},
    "key": {200},
    "open": {200},
    "renew": {200},
    "last": {200},
    "raced": {401, "cut"},  # the session was ended while the request was under way
    "end": {204, 401},  # 401: an earlier try had done it; what else it may mean the client judges
    "probe": {401, 200},  # 200 within the bound only: the client judges
}
UNAVAILABLE = {502, 503, 504}
HEALING = 4.0
"""Seconds after a fault was repaired in which its effects may still be seen: it takes less than 1 s on an idle machine."""


@dataclass
class Window:
    """One fault from its first moment to its repair."""

    name: str
    began: float
    breaks: frozenset[str] = frozenset()
    what: str = ""
    repaired: float = inf

    def covers(self, record):
        sent, answered = record[:2]
        return sent <= self.repaired + HEALING and answered >= self.began


@dataclass
class Report:
    """All records of a run, judged."""

    seed: int
    windows: list[Window]
    records: list[list]
    violations: list[str]
    wrong: int
    reloads: int
    began: float
    unexplained: list[list] = field(default_factory=list)

    def __post_init__(self):
        for record in self.records:
            if not self._is_right(record) and not any(self._explains(window, record) for window in self.windows):
                self.unexplained.append(record)

    def _is_right(self, record):
        return record[4] in RIGHT[record[3]]

    def _explains(self, window, record):
        outcome = record[4]
        return window.covers(record) and (outcome in UNAVAILABLE or outcome in window.breaks)

    def lines(self):
        """The timeline and the sums, for people."""
        kinds = Counter(record[3] for record in self.records)
        yield f"seed {self.seed}: {len(self.records)} requests {dict(kinds)}, {self.reloads} reloads"
        for window in self.windows:
            yield f"  {window.began - self.began:6.1f} s  {window.name} ({window.what}), {self._seen(window)}"
        quiet = [record for record in self.records if not any(window.covers(record) for window in self.windows)]
        failed = [record for record in quiet if not self._is_right(record)]
        yield f"  outside of all faults: {len(quiet)} requests, {len(failed)} failed"
        yield f"  {self.wrong} violations, {len(self.unexplained)} failures without a fault that explains them"
        yield from (f"    {record[0] - self.began:.2f} s {record[2:]}" for record in self.unexplained[:20])
        yield from (f"    {text}" for text in self.violations[:20])

    def _seen(self, window):
        during = [record for record in self.records if window.covers(record)]
        failed = [record for record in during if not self._is_right(record)]
        outcomes = dict(Counter(str(record[4]) for record in failed))
        last = max((record[1] for record in failed), default=0.0)
        over = f", the last {last - window.repaired:+.2f} s from its repair" if failed else ""
        return f"{window.repaired - window.began:.1f} s: {len(during)} requests, failed {outcomes or 'none'}{over}"

    @property
    def holds(self):
        return not self.wrong and not self.unexplained


def read_records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
