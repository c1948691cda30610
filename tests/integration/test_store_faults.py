"""The store hangs, refuses, loads, is full, read-only, restarted or locked: what clients see. Redis and the bundled Valkey.

`docs/faults.md` states it, line by line.
"""

import shutil
from statistics import median

import pytest
from fakes.servers import PROGRAMS
from fakes.store_house import StoreHouse, within

BOUND = 1.0
"""Seconds within which every protected request is answered while the store is away."""


@pytest.fixture(scope="module", params=sorted(PROGRAMS))
def running(request, tmp_path_factory):
    house = StoreHouse(request.param, tmp_path_factory.mktemp("house")).start()
    yield house
    house.stop()


@pytest.fixture
def house(running):
    within(lambda: running.readyz() == 200)
    yield running
    running.server.resume()
    if running.server.process.poll() is not None:
        running.server.start()


def outage(house):
    """Everything that needs the store, on a house that was well when the tokens were made."""
    warm, spare, cold, jdx = house.log_in(), house.log_in("bob"), house.log_in(), house.log_in(login="opaque")
    assert house.is_served(warm)
    return {
        "a token in use": lambda: house.ask(warm),
        "a token that was not seen yet": lambda: house.ask(cold),
        "an opaque one": lambda: house.ask(jdx),
        "one on a route of another dialect": lambda: house.ask(cold, "/jdx-orders/7"),
        "a login": house.try_to_log_in,
        "a refresh": lambda: house.refresh(spare),
        "a logout": lambda: house.log_out(spare),
    }


def all_unavailable(house, asked, rounds=3):
    """Each is 503 with the time to try again, in time; never 401. What needs no store goes on."""
    took = {name: [] for name in asked}
    for _ in range(rounds):
        for name, ask in asked.items():
            answer, seconds = ask()
            assert answer.status == 503, (name, answer)
            assert answer.one("Retry-After") == "1", name
            assert answer.json["error"] in {"temporarily_unavailable", "server_error"}, (name, answer)
            took[name].append(seconds)
        assert house.ask_with_key()[0].status == 200
        assert house.client.get("/orders/open/7").status == 200
    assert {name: seconds for name, seconds in took.items() if median(seconds) > BOUND} == {}


def test_a_hung_store_is_503_within_a_second_and_well_within_a_second_of_its_return(house):
    pair = house.log_in()
    asked = outage(house)
    house.server.pause()

    # The first of all may still be served from memory, for as long as the feed vouches for it.
    within(lambda: not house.is_served(pair))
    all_unavailable(house, asked)
    assert house.readyz() == 503

    house.server.resume()
    _, seconds = within(lambda: house.is_served(pair))
    assert seconds < BOUND
    within(lambda: house.refresh(pair)[0].status == 200)


def test_the_very_first_requests_to_a_hung_store_are_in_time_too(house):
    """Before anything can have noticed: each step of theirs waits, and they take several."""
    cold = house.log_in()
    house.server.pause()

    took = [ask()[1] for ask in (house.try_to_log_in, lambda: house.ask(cold))]

    assert max(took) < 3 * BOUND
    assert took[0] < 2 * BOUND


def test_a_store_that_refuses_is_503_and_well_within_a_second_of_its_return(house):
    pair = house.log_in()
    asked = outage(house)
    house.server.kill()

    within(lambda: not house.is_served(pair))
    all_unavailable(house, asked)

    house.server.start()
    _, seconds = within(lambda: house.is_served(pair))
    assert seconds < BOUND


def test_a_restart_with_its_file_loses_nothing_and_resurrects_nothing(house):
    kept, ended = house.log_in(), house.log_in()
    assert house.log_out(ended)[0].status in {200, 204}

    house.server.kill()
    house.server.start()
    within(lambda: house.readyz() == 200)

    assert house.is_served(kept)
    assert house.ask(ended)[0].status == 401
    assert house.refresh(ended)[0].status == 401
    assert house.refresh(kept)[0].status == 200


def test_a_restart_with_nothing_logs_everybody_out_and_lets_them_in_again(house, tmp_path):
    pair = house.log_in()
    assert house.is_served(pair)
    house.server.kill()
    place = house.server.socket.parent
    for entry in place.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    house.server.start()
    within(lambda: house.readyz() == 200)

    assert house.ask(pair)[0].status == 401
    assert house.refresh(pair)[0].status == 401
    assert house.is_served(house.log_in())


def test_a_store_that_loads_its_file_is_503_until_it_has(house):
    pair = house.log_in()
    for number in range(0, 6000, 500):
        house.server.admin("MSET", *(word for n in range(500) for word in (f"filler:{number + n}", "x")))
    house.server.admin("BGREWRITEAOF")  # only what a snapshot holds is loaded as slowly as we ask for
    within(lambda: not house.server.admin("INFO", "persistence")["aof_rewrite_in_progress"])
    house.server.kill()
    house.server.launch("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    within(lambda: house.is_loading() is not None)
    assert house.is_loading()

    within(lambda: not house.is_served(pair))  # served from memory until the feed is known to be lost
    for _ in range(5):
        assert house.ask(pair)[0].status == house.try_to_log_in()[0].status == 503
        assert house.ask_with_key()[0].status == 200
    assert house.is_loading(), "it was, all the while"

    within(lambda: house.is_served(pair), 60)
    house.server.admin("CONFIG", "SET", "key-load-delay", "0")
    house.server.admin("UNLINK", *(f"filler:{number}" for number in range(6000)))


def test_a_full_store_goes_on_reading_and_takes_no_login(house):
    warm, cold, others = house.log_in(), house.log_in(), house.log_in("bob")
    assert house.is_served(warm)
    house.server.admin("CONFIG", "SET", "maxmemory-policy", "noeviction")
    house.server.admin("CONFIG", "SET", "maxmemory", "1")
    try:
        for _ in range(5):
            assert house.ask(warm)[0].status == 200
            assert house.ask(cold)[0].status == 200
            assert house.try_to_log_in()[0].status == 503
            assert house.refresh(cold)[0].status == 503
        assert house.log_out(warm)[0].status == 204, "what makes room is done"
        assert house.ask(warm)[0].status == 401
        assert house.end_all_of("bob").status == 200, "and so is what ends something"
        assert house.ask(others)[0].status == 401
    finally:
        house.server.admin("CONFIG", "SET", "maxmemory", "0")

    assert house.ask(warm)[0].status == house.ask(others)[0].status == 401
    assert house.refresh(cold)[0].status == 200, "nothing was consumed"


def test_a_store_that_became_a_replica_goes_on_reading_and_takes_no_login(house):
    warm, cold = house.log_in(), house.log_in()
    assert house.is_served(warm)
    house.server.admin("REPLICAOF", "127.0.0.1", "1")
    try:
        for _ in range(5):
            assert house.ask(warm)[0].status == 200
            assert house.ask(cold)[0].status == 200
            assert house.try_to_log_in()[0].status == 503
            assert house.refresh(cold)[0].status == 503
    finally:
        house.server.admin("REPLICAOF", "NO", "ONE")

    within(lambda: house.try_to_log_in()[0].status == 200)
    assert house.refresh(cold)[0].status == 200


@pytest.mark.parametrize("rights", ["nopass", "password"])
def test_a_store_that_does_not_let_us_in_is_503_and_said_so_without_the_password(house, rights):
    """NOPERM, and NOAUTH or WRONGPASS: a password was set where the gateway has none."""
    pair = house.log_in()
    admin = house.server.client()
    change = {"nopass": ("nopass", "-@all", "+info"), "password": ("resetpass", ">s3cret-of-the-store")}[rights]
    admin.execute_command("ACL", "SETUSER", "admin", "on", "nopass", "~*", "&*", "+@all")
    admin.execute_command("AUTH", "admin", "any")
    admin.execute_command("ACL", "SETUSER", "default", "on", *change)
    admin.execute_command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
    admin.execute_command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "pubsub")
    try:
        within(lambda: not house.is_served(pair))
        assert house.try_to_log_in()[0].status == 503
        assert house.ask_with_key()[0].status == 200
        within(lambda: house.readyz() == 503)
    finally:
        admin.execute_command("ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "&*", "+@all")
        admin.execute_command("ACL", "DELUSER", "admin")
        admin.close()

    within(lambda: house.is_served(pair))
    assert "s3cret-of-the-store" not in house.gateway.stderr


def test_a_gateway_starts_without_its_store_and_needs_no_restart(tmp_path):
    house = StoreHouse("redis", tmp_path)
    house.gateway.launch()
    try:
        within(house.answers)
        assert house.admin.get("/healthz").status == 200
        assert house.readyz() == 503
        assert house.try_to_log_in()[0].status == 503
        assert house.ask({"access_token": "x"})[0].status == 401, "garbage needs no store"
        assert house.ask_with_key()[0].status == 200
        assert "the store does not answer yet" in house.gateway.stderr

        house.server.start()

        within(lambda: house.try_to_log_in()[0].status == 200)
        within(lambda: house.readyz() == 200)
    finally:
        house.stop()
