"""For all tests: what they ask on this machine is asked directly, whatever proxy the environment names for the rest."""

import gc
import os

import pytest
from hypothesis import settings

os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost,::1"

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("gateway", deadline=None)
settings.load_profile("gateway")


def pytest_collection_finish():
    """What was imported and collected stays: the collector need not look through it again after each file."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _leaks_are_told():
    """Whoever leaves a connection open is told so in its own file, and not wherever the collector comes next."""
    yield
    gc.collect()
