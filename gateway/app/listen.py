"""Sockets of the listeners, and how many of them there may be."""

import contextlib
import resource
import socket

from gateway.config.addresses import Address

BACKLOG = 4096

SPARE_DESCRIPTORS = 256
"""For logs, the store, health checks and the admin listener."""


class PortInUse(OSError):
    """The address cannot be listened on; the text says which and why."""


def bind(address: Address, key: str) -> socket.socket:
    """A bound socket that does not listen yet, so that a taken port is found before anything is started.

    `key` is the configuration key that names the address. Raises PortInUse.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.bind((address.host, address.port))
    except OSError as error:
        sock.close()
        raise PortInUse(f"{key}: cannot listen on {address}: {error.strerror or error}") from error
    sock.setblocking(False)
    return sock


def allow_descriptors(connections: int) -> str:
    """Let the process open enough for so many clients (0: all it may); a warning where the system does not allow it.

    A client may have an ERP connection of its own, so it counts twice; the warning is for less than once. Without this
    most systems stop at 1024 files: then nobody can connect, and neither ERP nor store can be asked.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + SPARE_DESCRIPTORS if connections else hard
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < possible:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
            soft = possible
    least = connections + SPARE_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= least:
        return ""
    return (
        f"{connections} connections (server.limits.connections) need {least} open files, and the system allows {soft}: "
        "raise it (ulimit -n, LimitNOFILE), or lower the limit"
    )
