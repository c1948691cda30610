"""What one process that serves clients uses of the machine, by the number of its worker."""

import resource
import sys
from pathlib import Path
from time import process_time

from gateway.app.service import Service

_STATM = Path("/proc/self/statm")


def watch_usage(service: Service, worker: int) -> None:
    """Have memory, CPU time and connections told with the other figures."""
    name, gate = (str(worker),), service.gate
    service.metrics.watch("worker_connections", lambda: {name: len(gate.connections)})
    service.metrics.watch("worker_memory_bytes", lambda: {name: memory_bytes()})
    service.metrics.watch("worker_cpu_seconds_total", lambda: {name: process_time()})


def memory_bytes(statm: Path = _STATM) -> int:
    """What of this process is in memory; where the system does not tell, the most that ever was."""
    try:
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
