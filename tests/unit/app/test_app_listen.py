import resource
import socket

import pytest

from gateway.app.listen import PortInUse, allow_descriptors, bind
from gateway.config.addresses import Address


def test_a_bound_socket_does_not_listen_yet():
    with bind(Address("127.0.0.1", 0), "server.listen") as sock, socket.socket() as client:
        assert not sock.getblocking()
        with pytest.raises(ConnectionRefusedError):
            client.connect(sock.getsockname())


def test_a_taken_port_is_named_with_its_key():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(
            PortInUse, match=rf"^admin\.listen: cannot listen on 127\.0\.0\.1:{port}: Address already in use$"
        ):
            bind(Address("127.0.0.1", port), "admin.listen")


def test_an_address_that_is_not_ours_is_told_likewise():
    with pytest.raises(PortInUse, match=r"server\.listen: cannot listen on 192\.0\.2\.1:80"):
        bind(Address("192.0.2.1", 80), "server.listen")


@pytest.fixture
def descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda soft: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_as_many_files_may_be_open_as_the_connections_need(descriptors):
    descriptors(200)

    assert allow_descriptors(100) == ""
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 456


def test_a_limit_that_is_high_enough_stays(descriptors):
    descriptors(1000)

    assert allow_descriptors(100) == ""
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1000


def test_what_the_system_does_not_allow_is_told(descriptors):
    descriptors(200)

    warning = allow_descriptors(10**9)

    assert "1000000256 open files" in warning
    assert "server.limits.connections" in warning
