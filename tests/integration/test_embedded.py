"""The private server: restarts, kills, orphans, locks, links, long paths and permissions, with the real program."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes.records import access, digest, refresh, session
from fakes.servers import redis_program
from fakes.waiting import eventually

from gateway.config.store import StoreConfig
from gateway.state.connect import open_store
from gateway.state.directory import StoreRefused
from gateway.state.embedded import Embedded
from gateway.state.server_binary import ServerBinary, find_server, identify

# A gateway that is nothing but its store: it logs people in until it is killed, and says each time that it has.
GATEWAY = """
import asyncio, sys, time
from pathlib import Path
from fakes.records import access, session
from gateway.config.store import StoreConfig
from gateway.state.connect import open_store
from gateway.state.embedded import Embedded

async def run():
    embedded = Embedded(Path(sys.argv[1]))
    store = open_store(StoreConfig(timeout=5.0), url=await embedded.start())
    print("pid", embedded.pid, flush=True)
    for number in range(1_000_000):
        await store.open_session(session(f"s{number}", time.time), [access(f"a{number}", time.time)])
        print("login", number, flush=True)

asyncio.run(run())
"""


@pytest.fixture
async def embedded(tmp_path):
    embedded = Embedded(tmp_path / "state")
    await embedded.start()
    yield embedded
    await embedded.stop()


def connect(embedded):
    return open_store(StoreConfig(timeout=5.0), url=embedded.url)


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def log_in_and_kill(directory):
    """A gateway in a process of its own, killed between two logins: its orphan and how many logins it acknowledged."""
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"}
    command = [sys.executable, "-c", GATEWAY, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as gateway:
        orphan = int(gateway.stdout.readline().split()[1])
        for _ in range(100):
            gateway.stdout.readline()
        gateway.kill()
        return orphan, 100 + sum(line.endswith("\n") for line in gateway.stdout)


def open_files(pid):
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            yield os.readlink(link)  # noqa: PTH115 - not a path, but socket:[1]


def tcp_ports(pid):
    inodes = set(open_files(pid))
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    return [row for row in rows if f"socket:[{row[9]}]" in inodes]


async def test_what_was_stored_survives_a_restart(tmp_path):
    for number in range(3):
        embedded = Embedded(tmp_path / "state")
        await embedded.start()
        store = connect(embedded)
        await store.open_session(session(f"s{number}", time.time), [access(f"a{number}", time.time)])
        found = [await store.find_token(digest(f"a{earlier}")) for earlier in range(number + 1)]
        await store.close()
        await embedded.stop()

        assert all(found)
        assert embedded.pid is None


async def test_a_killed_server_is_started_again_and_has_lost_nothing(embedded, caplog):
    store = connect(embedded)
    for number in range(50):
        await store.open_session(session(f"s{number}", time.time), [access(f"a{number}", time.time)])
    killed = embedded.pid

    os.kill(killed, signal.SIGKILL)
    await eventually(lambda: embedded.pid not in {None, killed})
    await eventually(store.ping)

    assert all([await store.find_token(digest(f"a{number}")) for number in range(50)])
    assert "the embedded store ended (signal 9)" in caplog.text
    await store.close()


async def test_a_server_that_does_not_start_again_is_tried_until_it_does(embedded, caplog):
    """Somebody moved its file away, and put it back."""
    store = connect(embedded)
    await store.open_session(session("s", time.time), [access("a", time.time)])
    files, aside = embedded.directory.path / "appendonlydir", embedded.directory.path / "aside"
    files.rename(aside)
    files.touch()

    os.kill(embedded.pid, signal.SIGKILL)
    await eventually(lambda: "the embedded store does not start: the server ended" in caplog.text)
    files.unlink()
    aside.rename(files)

    await eventually(store.ping)
    assert await store.find_token(digest("a"))
    await store.close()


async def test_a_server_that_hangs_is_killed_at_the_stop(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("gateway.state.embedded._END", 0.3)
    embedded = Embedded(tmp_path / "state")
    await embedded.start()
    pid = embedded.pid
    os.kill(pid, signal.SIGSTOP)

    await embedded.stop()

    assert not is_running(pid)
    assert "is killed" in caplog.text


async def test_a_server_that_never_gets_ready_does_not_hold_up_the_start(tmp_path, monkeypatch, caplog):
    """Loading a large file takes its time; until then the store is an outage, not a dead gateway."""
    monkeypatch.setattr("gateway.state.embedded._READY", 0.3)
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    embedded = Embedded(tmp_path / "state", binary=ServerBinary(str(program), "valkey", (9, 0, 0)))

    await embedded.start()
    store = connect(embedded)

    assert not await store.ping()
    assert "still loading" in caplog.text
    await store.close()
    await embedded.stop()


async def test_an_orphan_that_cannot_be_found_is_not_run_beside(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.state.embedded._END", 0.2)
    embedded = Embedded(tmp_path / "state")
    await embedded.start()
    await embedded.stop()
    lock = embedded.directory.lock_for_server()

    with pytest.raises(StoreRefused, match="still uses this directory"):
        await embedded.start()

    os.close(lock)
    await embedded.start()
    await embedded.stop()


async def test_a_gateway_killed_in_the_middle_of_logins_loses_none_that_it_acknowledged(tmp_path):
    """Its server outlives it as an orphan, which the next gateway ends before it starts its own."""
    orphan, logins = log_in_and_kill(tmp_path / "state")
    assert is_running(orphan)

    embedded = Embedded(tmp_path / "state")
    await embedded.start()
    store = connect(embedded)

    await eventually(lambda: not is_running(orphan))
    assert all([await store.find_token(digest(f"a{number}")) for number in range(logins)])
    await store.close()
    await embedded.stop()


@pytest.mark.parametrize("hung", [False, True])
async def test_an_orphan_is_ended_even_if_it_hangs(tmp_path, hung, monkeypatch):
    monkeypatch.setattr("gateway.state.embedded._END", 1.0)
    first = Embedded(tmp_path / "state")
    await first.start()
    store = connect(first)
    await store.open_session(session("s", time.time), [access("a", time.time)])
    await store.close()
    orphan = first.pid
    first._watching.cancel()  # what a kill -9 leaves: the lock is gone, the server is not
    first.directory.close()
    if hung:
        os.kill(orphan, signal.SIGSTOP)

    second = Embedded(tmp_path / "state")
    await second.start()
    store = connect(second)

    assert await store.find_token(digest("a"))
    assert second.pid != orphan
    await store.close()
    await second.stop()
    await first._server.wait()


async def test_two_gateways_never_share_a_directory(embedded):
    other = Embedded(embedded.directory.path)

    with pytest.raises(StoreRefused, match=rf"in use by another gateway \(process {os.getpid()}\)"):
        await other.start()

    store = connect(embedded)
    assert await store.ping(), "the refused one has touched nothing"
    await store.close()


async def test_the_directory_is_free_again_after_a_stop(tmp_path):
    for _ in range(2):
        embedded = Embedded(tmp_path / "state")
        await embedded.start()
        await embedded.stop()


async def test_everything_is_ours_alone(embedded):
    directory = embedded.directory.path

    assert mode(directory) == 0o700
    assert mode(directory / "store.sock") == 0o700
    for name in ("lock", "server.lock", "store.json"):
        assert mode(directory / name) == 0o600


async def test_an_open_directory_is_closed_to_others(tmp_path):
    directory = tmp_path / "state"
    directory.mkdir(mode=0o777)
    directory.chmod(0o777)

    embedded = Embedded(directory)
    await embedded.start()
    await embedded.stop()

    assert mode(directory) == 0o700


async def test_there_is_no_tcp_port_and_a_session_of_its_own(embedded):
    assert tcp_ports(embedded.pid) == []
    assert os.getsid(embedded.pid) == embedded.pid, "a Ctrl-C for the gateway is not for its server"


async def test_the_server_does_not_see_the_gateways_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWAY_SIGNING_SECRET", "s3cret")
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\nexport -p\n")
    program.chmod(0o700)

    with pytest.raises(StoreRefused) as refusal:
        await Embedded(tmp_path / "state", binary=ServerBinary(str(program), "valkey", (9, 0, 0))).start()

    assert "PATH" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


async def test_a_path_too_long_for_a_socket_gets_a_private_directory(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    embedded = Embedded(tmp_path / ("long-" * 20) / 'a state with spaces, "quotes" and ümlauts')

    await embedded.start()
    store = connect(embedded)
    runtime = Path(json.loads((embedded.directory.path / "store.json").read_text())["socket"]).parent
    assert await store.ping()
    assert mode(runtime) == 0o700
    await store.close()
    await embedded.stop()

    assert not runtime.exists()


async def test_the_private_directory_of_a_killed_gateway_is_cleared_away(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    first = Embedded(tmp_path / ("long-" * 20) / "state")
    await first.start()
    runtime = first._socket.parent
    first._watching.cancel()
    first.directory.close()

    second = Embedded(first.directory.path)
    await second.start()
    await second.stop()
    await first._server.wait()

    assert not runtime.exists()


@pytest.mark.parametrize("kind", ["newer", "redis"])
async def test_the_file_of_a_server_it_cannot_read_is_left_alone(tmp_path, kind):
    embedded = Embedded(tmp_path / "state")
    await embedded.start()
    await embedded.stop()
    record = {"newer": {"kind": "valkey", "version": "99.0.0"}, "redis": {"kind": "redis", "version": "8.0.0"}}[kind]
    (tmp_path / "state" / "store.json").write_text(json.dumps(record))

    with pytest.raises(StoreRefused, match=f"was written by {record['kind']} {record['version']}"):
        await embedded.start()

    assert json.loads((tmp_path / "state" / "store.json").read_text()) == record


async def test_redis_will_do_where_there_is_no_wheel(tmp_path):
    embedded = Embedded(tmp_path / "state", binary=identify(redis_program()))
    await embedded.start()
    store = connect(embedded)
    await store.open_session(session("s", time.time), [access("a", time.time), refresh("r", time.time)])
    await store.close()
    await embedded.stop()
    assert str(embedded.binary).startswith("redis 7.")

    later = Embedded(tmp_path / "state", binary=find_server())
    await later.start()
    store = connect(later)

    assert await store.find_token(digest("a")), "Valkey reads what Redis wrote before they parted"
    await store.close()
    await later.stop()


async def test_a_damaged_file_is_reported_in_the_servers_own_words(tmp_path):
    embedded = Embedded(tmp_path / "state")
    await embedded.start()
    store = connect(embedded)
    for number in range(20):
        await store.open_session(session(f"s{number}", time.time), [access(f"a{number}", time.time)])
    await store.close()
    await embedded.stop()
    file = next((tmp_path / "state" / "appendonlydir").glob("*.incr.aof"))
    whole = bytearray(file.read_bytes())
    whole[500:600] = b"\0" * 100
    file.write_bytes(whole)

    with pytest.raises(StoreRefused, match="Bad file format"):
        await embedded.start()

    assert file.read_bytes() == whole


async def test_a_torn_last_write_is_no_damage(tmp_path):
    """What a power cut leaves: the tail was never acknowledged."""
    embedded = Embedded(tmp_path / "state")
    await embedded.start()
    store = connect(embedded)
    await store.open_session(session("s", time.time), [access("a", time.time)])
    await store.close()
    await embedded.stop()
    file = next((tmp_path / "state" / "appendonlydir").glob("*.incr.aof"))
    with file.open("ab") as tail:
        tail.write(b"*3\r\n$3\r\nSET\r\n$5\r\nhal")

    await embedded.start()
    store = connect(embedded)

    assert await store.find_token(digest("a"))
    await store.close()
    await embedded.stop()


async def test_a_start_that_is_given_up_leaves_no_server(tmp_path):
    embedded = Embedded(tmp_path / "state")
    for steps in (1, 5, 20):
        task = asyncio.ensure_future(embedded.start())
        await asyncio.sleep(steps / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await embedded.stop()

    await embedded.start()
    await embedded.stop()
