"""`min_replicas: 1` as clients see it: what is not on a replica is 503, reading goes on, and nothing is consumed."""

import pytest
from fakes.redis_rigs import Replicated
from fakes.servers import PROGRAMS
from fakes.store_house import StoreHouse, within


@pytest.fixture(params=sorted(PROGRAMS))
def house(request, tmp_path):
    with Replicated(request.param, tmp_path / "redis") as rig:
        house = StoreHouse(request.param, tmp_path, store="min_replicas: 1", timeout="2s", url=rig.url)
        house.replica = rig.nodes[1]
        try:
            house.server.start()  # not the one that is used
            house.gateway.start()
            yield house
        finally:
            house.stop()


def test_a_replica_that_hangs_fails_what_is_to_be_kept_and_nothing_else(house):
    pair, ended = house.log_in(), house.log_in("bob")
    assert house.is_served(pair)

    house.replica.pause()
    assert house.try_to_log_in()[0].status == 503
    assert house.refresh(pair)[0].status == 503
    assert house.log_out(ended)[0].status == 503
    assert house.ask(ended)[0].status == 401, "it is over all the same, and heard to be"
    assert house.ask(pair)[0].status == 200
    assert house.readyz() == 200

    house.replica.resume()
    within(lambda: house.refresh(pair)[0].status == 200)
    assert house.try_to_log_in()[0].status == 200
