"""Sockets that a service manager opened for us and keeps open: systemd's socket activation (sd_listen_fds(3))."""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

FIRST = 3
NAMES = ("public", "admin")
_VARIABLES = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


class SocketRefused(OSError):
    """What was handed over cannot be listened on; the text says which and why."""


def inherited_sockets(environ: MutableMapping[str, str], *, first: int = FIRST) -> dict[str, socket.socket]:
    """The handed-over sockets by name, `public` and `admin`; empty where nobody handed any over.

    A single socket is the public one, whatever its name. The variables are removed, as the protocol wants: they are
    not for our children. Raises SocketRefused.
    """
    count, pid, names = (environ.pop(name, "") for name in _VARIABLES)
    if not count.isdigit() or pid != str(os.getpid()):
        return {}
    numbers = range(first, first + int(count))
    for number in numbers:
        os.set_inheritable(number, False)
    given = names.split(":") if names else []
    if len(numbers) == 1:
        given = ["public"]
    found: dict[str, socket.socket] = {}
    for number, name in zip(numbers, [*given, *NAMES[len(given) :]], strict=False):
        if name not in NAMES or name in found:
            raise SocketRefused(f"a socket handed over is named {name!r}: FileDescriptorName= is public or admin, once")
        found[name] = _adopt(number, name)
    return found


def _adopt(number: int, name: str) -> socket.socket:
    try:
        sock = socket.socket(fileno=number)
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise SocketRefused(f"the {name} socket handed over is none: {error.strerror}") from error
    if not listens or sock.type != socket.SOCK_STREAM or sock.family not in {socket.AF_INET, socket.AF_INET6}:
        sock.close()
        raise SocketRefused(f"the {name} socket handed over is not one that listens for TCP connections")
    sock.setblocking(False)
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
