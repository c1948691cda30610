"""Fixtures around `token_rig`: one server for the test run, a fresh store, clock and rig for each test."""

import functools

import pytest
from fakes.token_rig import ManualClock, build, connect, valkey

from gateway.identity_providers.passwords import PasswordChecks


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory):
    with valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def checks():
    pool = PasswordChecks(workers=2, queue=256)
    yield pool
    pool.close()


@pytest.fixture
async def store(valkey_url, clock):
    opened = connect(valkey_url, clock)
    yield opened
    await opened.close()


@pytest.fixture
def rig(store, checks, clock):
    return build(store, checks, clock)


@pytest.fixture
def rig_with(store, checks, clock):
    return functools.partial(build, store, checks, clock)
