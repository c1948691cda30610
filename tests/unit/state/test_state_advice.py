"""What a store's settings make unsafe."""

import pytest

from gateway.state.advice import advice_on


def info(**fields):
    said = {
        "role": "master",
        "maxmemory": "0",
        "maxmemory_policy": "noeviction",
        "aof_enabled": "1",
        "connected_slaves": "0",
    }
    return "# Memory\r\n" + "".join(f"{name}:{value}\r\n" for name, value in {**said, **fields}.items())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, []),
        ({"maxmemory": "100000", "maxmemory_policy": "allkeys-lru"}, ["maxmemory-policy allkeys-lru"]),
        ({"maxmemory": "100000", "maxmemory_policy": "volatile-ttl"}, ["maxmemory-policy volatile-ttl"]),
        ({"maxmemory": "100000"}, []),
        ({"maxmemory_policy": "allkeys-lru"}, []),
        ({"aof_enabled": "0"}, ["appendonly no"]),
        ({"aof_enabled": "0", "connected_slaves": "1"}, []),
        ({"aof_enabled": "0", "role": "slave"}, []),
    ],
)
def test_what_may_lose_sessions_is_named(fields, words):
    found = advice_on(info(**fields))

    assert len(found) == len(words)
    assert all(word in advice for word, advice in zip(words, found, strict=True))


def test_a_server_that_says_nothing_of_itself_is_not_judged():
    assert advice_on("") == []
