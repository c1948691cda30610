"""Ports that nobody listens on and nobody is about to: each worker of a test run draws from a range of its own."""

import contextlib
import os
import random
import socket

_LOWEST = 10_000
_EACH = 2_700  # eight ranges end below 32768, where the ports of outgoing connections begin (Linux)
_range = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_next = random.randrange(_EACH)


def free_port():
    """The next port of the range that can be bound now; the same one comes again only when the range is through."""
    global _next  # noqa: PLW0603 - one range for the process
    while True:
        _next = (_next + 1) % _EACH
        port = _LOWEST + _range * _EACH + _next
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
