"""The store's directory: whose it is, who has it, and the secrets in it. On a real file system."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.state.directory import StoreDirectory, StoreRefused, secrets_in


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_a_directory_is_made_with_its_parents_and_is_ours_alone(tmp_path):
    directory = StoreDirectory(tmp_path / "var" / "state")
    directory.open()

    assert mode(directory.path) == 0o700
    directory.close()


def test_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StoreRefused, match="is a symbolic link"):
        StoreDirectory(tmp_path / "state").open()

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_dangling_link_is_refused_and_not_followed(tmp_path):
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StoreRefused, match="is a symbolic link"):
        StoreDirectory(tmp_path / "state").open()

    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "state").write_text("")

    with pytest.raises(StoreRefused, match="cannot be used"):
        StoreDirectory(tmp_path / "state").open()


def test_a_directory_with_other_files_is_refused_and_left_as_it_is(tmp_path):
    """`embedded://.` would take a project's own directory and close it to everybody."""
    (tmp_path / "config.yaml").write_text("")
    tmp_path.chmod(0o755)

    with pytest.raises(StoreRefused, match="holds other files"):
        StoreDirectory(tmp_path).open()

    assert mode(tmp_path) == 0o755


def test_a_directory_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 4242)

    with pytest.raises(StoreRefused, match="belongs to another user"):
        StoreDirectory(tmp_path).open()


def test_a_link_in_place_of_the_lock_is_refused(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lock").symlink_to(tmp_path / "victim")

    with pytest.raises(StoreRefused, match="lock"):
        StoreDirectory(tmp_path / "state").open()

    assert (tmp_path / "victim").read_text() == "precious"


def test_the_servers_lock_is_held_while_any_copy_of_it_is_open(tmp_path):
    directory = StoreDirectory(tmp_path / "state")
    directory.open()
    lock = directory.lock_for_server()
    copy = os.dup(lock)
    os.close(lock)

    assert directory.lock_for_server() is None

    os.close(copy)
    again = directory.lock_for_server()
    assert again is not None
    os.close(again)
    directory.close()


def test_a_record_is_read_back_and_a_damaged_one_is_refused(tmp_path):
    directory = StoreDirectory(tmp_path / "state")
    directory.open()
    assert directory.record() == {}

    directory.write_record({"kind": "valkey", "version": "9.1.2"})
    directory.write_record({"kind": "valkey", "version": "9.1.3"})
    assert directory.record() == {"kind": "valkey", "version": "9.1.3"}
    assert mode(directory.path / "store.json") == 0o600

    for damaged in ("", "{", "[]"):
        (directory.path / "store.json").write_text(damaged)
        with pytest.raises(StoreRefused, match="damaged"):
            directory.record()
    directory.close()


def test_a_secret_is_made_once(tmp_path):
    secrets = secrets_in(tmp_path)
    assert secrets.load("signing") is None

    made = secrets.load_or_make("signing", 48)

    assert len(made) == 64
    assert secrets_in(tmp_path).load_or_make("signing") == made
    assert secrets.load("signing") == made
    assert secrets.load_or_make("other") != secrets.load_or_make("another")
    assert mode(tmp_path / "signing") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another", "other", "signing"], "no drafts are left"


def test_processes_that_make_a_secret_at_once_agree_on_one(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: secrets_in(tmp_path).load_or_make("signing"), range(64)))

    assert len(made) == 1


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    secrets_in(tmp_path).load_or_make("signing")
    (tmp_path / "signing").chmod(0o640)

    with pytest.raises(StoreRefused, match="chmod 600"):
        secrets_in(tmp_path).load("signing")


def test_an_empty_or_linked_secret_is_refused(tmp_path):
    (tmp_path / "empty").touch(mode=0o600)
    (tmp_path / "linked").symlink_to(tmp_path / "empty")

    with pytest.raises(StoreRefused, match="is empty"):
        secrets_in(tmp_path).load_or_make("empty")
    with pytest.raises(StoreRefused, match="cannot be used"):
        secrets_in(tmp_path).load_or_make("linked")
