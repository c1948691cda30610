"""Nobody gets anything of somebody else's: not an answer, not a header, not an error, whoever leaves in between."""

import os
import sys
from collections import Counter

import pytest
from chaos.rig import SOURCES, Rig, client, finished
from fakes.redis_rigs import Replicated

REQUESTS = int(os.environ.get("CROSS_TALK_REQUESTS", "12000"))
CLIENTS = 2
VANISH = 0.3


@pytest.mark.timeout(600)
async def test_two_users_on_shared_connections_get_their_own_answers_alone(tmp_path):
    """Whole with CROSS_TALK_REQUESTS=100000, as `make chaos` runs it."""
    with (
        Replicated("redis", tmp_path / "store", replicas=0) as store,
        Rig(tmp_path, store, seed=7, nodes=1, timeout="10s") as rig,
    ):
        spec = rig.spec(requests=REQUESTS // CLIENTS, connections=24, vanish=VANISH, sources=SOURCES)
        clients = [client("rig_crosstalk_client.py", spec | {"seed": number}) for number in range(CLIENTS)]
        results = await finished(clients)

    counts = sum((Counter(each["counts"]) for each in results), Counter())
    sys.stdout.write(f"{dict(sorted(counts.items()))}\n")
    vanished = sum(count for kind, count in counts.items() if kind.startswith("vanished"))
    assert [each["violations"] for each in results] == [[]] * CLIENTS
    assert sum(counts.values()) == REQUESTS
    assert 0.25 * REQUESTS < vanished < 0.35 * REQUESTS
    assert counts["vanished sent with the store asked"] > 0.01 * REQUESTS
    assert {
        "echo 200",
        "upload 200",
        "pair 200",
        "fresh 200",
        "me 200",
        "sessions 200",
        "wrong 401",
        "error 500",
        "die 502",
    } <= set(counts)
