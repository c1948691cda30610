"""`when_down: verify_signed`: what this worker had verified goes on for a while without the store, and nothing else."""

import pytest
from fakes.servers import PROGRAMS
from fakes.store_house import StoreHouse, within


@pytest.fixture(params=sorted(PROGRAMS))
def house(request, tmp_path):
    house = StoreHouse(request.param, tmp_path, store="when_down: verify_signed, max_staleness: 10m").start()
    yield house
    house.stop()


@pytest.mark.parametrize("fault", ["hung", "refused", "loading"])
def test_tokens_in_use_outlive_the_store(house, fault):
    warm, opaque = house.log_in(), house.log_in("bob", "opaque")
    never_seen, ended, idle = house.log_in(), house.log_in(), house.log_in()
    for pair in (warm, opaque, ended, idle):
        assert house.is_served(pair)
    assert house.log_out(ended)[0].status == 204

    take_down(house, fault)
    within(lambda: house.metric("gateway_feed_up") == 0)

    for _ in range(5):
        for pair in (warm, opaque):
            assert house.ask(pair)[0].status == 200
        assert house.ask(never_seen)[0].status == 503
        assert house.ask(ended)[0].status == 503, "who was seen to leave is not let in"
        assert house.try_to_log_in()[0].status == 503
        assert house.refresh(warm)[0].status == 503
        assert house.client.get("/auth/me", ("Authorization", f"Bearer {warm['access_token']}")).status == 503
    assert house.erp.last.one("X-Auth-User") == "bob"
    assert house.metric("gateway_unconfirmed_requests_total") >= 10
    assert house.audit().count('"event":"unconfirmed"') == 2, "each session once a minute"
    assert '"user":"bob"' in house.audit().partition('"event":"unconfirmed"')[2]

    bring_back(house, fault)
    within(lambda: house.try_to_log_in()[0].status == 200)
    within(lambda: house.metric("gateway_feed_up") == 1)
    counted = house.metric("gateway_unconfirmed_requests_total")
    assert house.is_served(warm)
    assert house.is_served(never_seen)
    assert house.ask(ended)[0].status == 401
    assert house.metric("gateway_unconfirmed_requests_total") == counted


def take_down(house, fault):
    if fault == "hung":
        house.server.pause()
    elif fault == "refused":
        house.server.kill()
    else:
        house.server.admin("MSET", *(word for number in range(30000) for word in (f"filler:{number}", "x")))
        house.server.admin("BGREWRITEAOF")
        within(lambda: not house.server.admin("INFO", "persistence")["aof_rewrite_in_progress"])
        house.server.kill()
        house.server.launch("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
        within(house.is_loading)


def bring_back(house, fault):
    if fault == "hung":
        house.server.resume()
    else:
        house.server.kill()
        house.server.start()


def test_what_is_stale_is_503(tmp_path):
    house = StoreHouse("redis", tmp_path, store="when_down: verify_signed, max_staleness: 3s").start()
    try:
        pair = house.log_in()
        assert house.is_served(pair)
        house.server.kill()
        within(lambda: house.metric("gateway_unconfirmed_requests_total") or not house.is_served(pair))

        within(lambda: not house.is_served(pair))

        assert house.ask(pair)[0].one("Retry-After") == "1"
        house.server.start()
        within(lambda: house.is_served(pair))
    finally:
        house.stop()


def test_a_gateway_that_never_had_a_store_vouches_for_nobody(tmp_path):
    house = StoreHouse("valkey", tmp_path, store="when_down: verify_signed").start()
    try:
        pair = house.log_in()
        assert house.is_served(pair)
        house.gateway.stop()
        house.server.kill()
        house.gateway.launch()
        within(house.answers)

        assert house.ask(pair)[0].status == 503
    finally:
        house.stop()
