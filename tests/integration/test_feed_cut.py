"""A worker that is cut off from Redis: what was revoked meanwhile is served for half a second at most, as stated.

The cut is a relay that falls silent without hanging up, and, where a process may have a network of its own, a pulled
cable between two network namespaces.
"""

import json
import subprocess
import sys

import pytest
from fakes import feed_cut

from gateway.state.subscription import ALIVE

ROUNDS = 3
WAYS = ["relay", *(["namespace"] if feed_cut.may_unshare() else [])]


@pytest.fixture(params=WAYS)
def rounds(request, tmp_path):
    command = [sys.executable, feed_cut.__file__, str(tmp_path), request.param, str(ROUNDS)]
    own_network = ["unshare", "-rn"] if request.param == "namespace" else []
    done = subprocess.run([*own_network, *command], capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_revoked_token_is_not_served_beyond_the_stated_bound_and_never_again(rounds):
    for found in rounds:
        assert found["last"] <= ALIVE
        assert set(found["statuses"]) <= {200, 401, 503}
        assert 401 in found["statuses"]
        assert 503 in found["statuses"], "while it was cut off it said so, and not that the token is wrong"
