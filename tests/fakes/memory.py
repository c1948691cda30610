"""How much memory a process holds, as the kernel sees it."""

import re
from pathlib import Path


def resident_bytes(pid):
    """Resident set size of one process, without its children."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024
