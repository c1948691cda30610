import asyncio
import os
import socket

import pytest

from gateway.app.notify import Notifier


@pytest.fixture
def manager(tmp_path):
    """What a service manager listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(60)
        yield sock


def environ(manager, **more):
    return {"NOTIFY_SOCKET": manager.getsockname(), "HOME": "/", **more}


async def test_states_are_told_in_the_managers_words(manager):
    notifier = Notifier(environ(manager))

    notifier.ready()
    notifier.reloading()
    notifier.stopping()

    said = [manager.recv(200).decode().split("\n") for _ in range(3)]
    assert [lines[0] for lines in said] == ["READY=1", "RELOADING=1", "STOPPING=1"]
    assert said[1][1].startswith("MONOTONIC_USEC=")


async def test_the_watchdog_is_served_from_the_event_loop_once_ready(manager):
    notifier = Notifier(environ(manager, WATCHDOG_USEC="20000", WATCHDOG_PID=str(os.getpid())))

    notifier.ready()
    await asyncio.sleep(0)

    said = [await asyncio.to_thread(manager.recv, 200) for _ in range(3)]
    notifier.stop()
    assert said == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


async def test_the_watchdog_of_another_process_is_not_ours(manager):
    notifier = Notifier(environ(manager, WATCHDOG_USEC="1000", WATCHDOG_PID="1"))

    notifier.ready()
    notifier.stopping()

    assert [manager.recv(200), manager.recv(200)] == [b"READY=1", b"STOPPING=1"]


def test_an_abstract_address_begins_with_an_at_sign():
    name = f"gateway-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(60)

        Notifier({"NOTIFY_SOCKET": f"@{name}"}).stopping()

        assert sock.recv(100) == b"STOPPING=1"


def test_the_variables_are_not_left_for_children(manager):
    given = environ(manager, WATCHDOG_USEC="1", WATCHDOG_PID="1")

    Notifier(given)

    assert given == {"HOME": "/"}


@pytest.mark.parametrize("address", ["", "/nonexistent/notify"])
async def test_nobody_who_listens_is_no_trouble(address):
    notifier = Notifier({"NOTIFY_SOCKET": address})

    notifier.ready()
    notifier.stop()
