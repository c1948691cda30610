"""Scripts are shipped beside the modules, and the store knows them by their digest."""

from hashlib import sha1

import pytest

from gateway.state.script import Script


@pytest.mark.parametrize("name", ["open", "add", "extend", "rotate", "revoke", "revoke_token", "mark", "hint"])
def test_every_script_is_shipped_beside_the_module(name):
    script = Script.load(name)

    assert script.sha == sha1(script.source.encode()).hexdigest()
    first, second, *_ = script.source.splitlines()
    assert (second if first.startswith("#!lua") else first).startswith("-- Shared by all scripts.")


@pytest.mark.parametrize("name", ["revoke", "revoke_token", "mark", "remark"])
def test_what_ends_something_runs_in_a_full_store(name):
    assert Script.load(name).source.startswith("#!lua flags=allow-oom\n-- Shared by all scripts.")


def test_a_script_runs_on_its_keys():
    assert Script("return 1", "5ha").on(["k", "l"], 1, b"x") == ("EVALSHA", "5ha", 2, "k", "l", 1, b"x")
