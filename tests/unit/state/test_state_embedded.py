"""What can be said of the embedded store without starting it; tests/integration/test_embedded.py starts it."""

import pytest

from gateway.state.directory import StoreRefused
from gateway.state.embedded import Embedded
from gateway.state.server_binary import ServerBinary


def test_nothing_is_touched_before_the_start(tmp_path):
    embedded = Embedded(tmp_path / "state")

    assert embedded.pid is None
    assert list(tmp_path.iterdir()) == []


async def test_a_program_that_ends_at_once_is_refused_and_the_directory_is_free_again(tmp_path):
    for _ in range(2):
        with pytest.raises(StoreRefused, match=r"the server ended \(exit code 0\): it said nothing"):
            await Embedded(tmp_path / "state", binary=ServerBinary("/bin/true", "valkey", (9, 0, 0))).start()


async def test_a_program_that_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(StoreRefused, match="does not run"):
        await Embedded(tmp_path / "state", binary=ServerBinary("/nowhere", "valkey", (9, 0, 0))).start()


async def test_stopping_what_was_never_started_is_nothing(tmp_path):
    await Embedded(tmp_path / "state").stop()
