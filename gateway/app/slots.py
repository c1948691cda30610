"""Memory that all workers share: how many connections each of them holds, and what rate limits have counted."""

import mmap
import os
import tempfile
from pathlib import Path

from gateway.proxy.rate_limit import MEMORY_BYTES

CLOSED = -1
"""The figure of a worker that takes no connections: not there yet, draining, or dead."""
_SIZE = 8
_COUNTERS_AT = MEMORY_BYTES


class Slots:
    """One counter per worker. Each is written by one worker alone, and read by all."""

    def __init__(self, number: int, count: int) -> None:
        """Map the file descriptor that `make` opened."""
        self.number = number
        self.count = count
        self._map = mmap.mmap(number, _COUNTERS_AT + count * _SIZE)
        memory = memoryview(self._map)
        self.spent_requests = memory[:_COUNTERS_AT]
        """For `SpentRequests`: zeroed at first."""
        self._figures = memory[_COUNTERS_AT:].cast("q")

    @classmethod
    def make(cls, count: int) -> "Slots":
        """Shared memory for so many workers, all of them closed. Raises OSError."""
        if hasattr(os, "memfd_create"):
            number = os.memfd_create("gateway-workers", os.MFD_CLOEXEC)
        else:
            number, path = tempfile.mkstemp(prefix="gateway-workers-")
            Path(path).unlink()
        os.ftruncate(number, _COUNTERS_AT + count * _SIZE)
        slots = cls(number, count)
        for slot in range(count):
            slots[slot] = CLOSED
        return slots

    def __getitem__(self, slot: int) -> int:
        return int(self._figures[slot])

    def __setitem__(self, slot: int, connections: int) -> None:
        self._figures[slot] = connections

    def is_ahead(self, slot: int) -> bool:
        """Whether a worker holds noticeably more than the one with the fewest: another should take the next connection.

        An eighth above the least is let pass, so that with many connections nobody declines for a trifle.
        """
        mine = self._figures[slot]
        least = min((figure for figure in self._figures if figure >= 0), default=0)
        return bool(mine > least + 1 + least // 8)

    def close(self) -> None:
        """Give the memory back."""
        self._figures.release()
        self.spent_requests.release()
        self._map.close()
        os.close(self.number)
