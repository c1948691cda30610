import os
import socket
from pathlib import Path

import pytest

from gateway.app.activation import SocketRefused, inherited_sockets


def handed(count, names="", pid=None):
    return {"LISTEN_FDS": str(count), "LISTEN_PID": str(pid or os.getpid()), "LISTEN_FDNAMES": names, "HOME": "/"}


@pytest.fixture
def sockets():
    """Two that listen, on neighbouring file descriptors of their own."""
    made = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    first = 200
    while any(Path(f"/proc/self/fd/{first + index}").exists() for index in range(3)):
        first += 10
    for index, sock in enumerate(made):
        os.dup2(sock.fileno(), first + index)
    yield first, [sock.getsockname() for sock in made]
    for sock in made:
        sock.close()


def test_a_single_socket_is_the_public_one_whatever_its_name(sockets):
    first, (address, _) = sockets

    found = inherited_sockets(handed(1, "gateway.socket"), first=first)

    assert list(found) == ["public"]
    assert found["public"].getsockname() == address
    assert not found["public"].getblocking()
    assert not os.get_inheritable(found["public"].fileno())
    found["public"].close()
    os.close(first + 1)


@pytest.mark.parametrize(("names", "order"), [("admin:public", (1, 0)), ("public:admin", (0, 1)), ("", (0, 1))])
def test_several_are_told_apart_by_name(sockets, names, order):
    first, addresses = sockets

    found = inherited_sockets(handed(2, names), first=first)

    assert found["public"].getsockname() == addresses[order[0]]
    assert found["admin"].getsockname() == addresses[order[1]]
    for sock in found.values():
        sock.close()


def test_names_that_mean_nothing_to_us_are_refused(sockets):
    first, _ = sockets

    with pytest.raises(SocketRefused, match="named 'web'"):
        inherited_sockets(handed(2, "web:admin"), first=first)

    for index in range(2):
        os.close(first + index)


def test_what_was_meant_for_another_process_is_left_alone(sockets):
    first, _ = sockets
    given = handed(2, pid=1)

    assert inherited_sockets(given, first=first) == {}
    assert given == {"HOME": "/"}
    for index in range(2):
        os.close(first + index)


def test_without_a_service_manager_there_is_nothing():
    assert inherited_sockets({"HOME": "/"}) == {}


def test_a_socket_that_does_not_listen_is_refused():
    with socket.socket() as sock, pytest.raises(SocketRefused, match="not one that listens"):
        inherited_sockets(handed(1), first=os.dup(sock.fileno()))


def test_what_is_no_socket_is_refused(tmp_path):
    number = os.open(tmp_path, os.O_RDONLY)

    with pytest.raises(SocketRefused, match="public socket handed over is none"):
        inherited_sockets(handed(1), first=number)

    os.close(number)
