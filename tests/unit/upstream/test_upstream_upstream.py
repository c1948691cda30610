import pytest

from gateway.errors import UpstreamsDown
from gateway.upstream.pool import Endpoint, Server
from gateway.upstream.upstream import Upstream


def servers(count):
    return [Server(Endpoint(f"10.0.0.{number}", 80), 1.0) for number in range(count)]


def chosen(upstream, times, **options):
    return [upstream.choose(**options).endpoint.host[-1] for _ in range(times)]


def test_servers_take_turns():
    assert chosen(Upstream("erp", servers(3)), 6) == ["0", "1", "2", "0", "1", "2"]


def test_the_least_busy_one_is_chosen_and_equals_take_turns():
    upstream = Upstream("erp", servers(3), least_connections=True)
    assert sorted(chosen(upstream, 3)) == ["0", "1", "2"]

    upstream.servers[0].open.update({object(), object()})
    upstream.servers[1].open.add(object())

    assert chosen(upstream, 3) == ["2", "2", "2"]


def test_a_connection_that_is_being_opened_counts_as_busy():
    upstream = Upstream("erp", servers(2), least_connections=True)
    upstream.servers[0].opening = 1

    assert chosen(upstream, 3) == ["1", "1", "1"]


def test_the_one_that_just_failed_is_not_asked_again():
    upstream = Upstream("erp", servers(2))

    assert chosen(upstream, 3, without=upstream.servers[0]) == ["1", "1", "1"]


def test_one_that_refused_is_passed_over_while_another_is_up():
    upstream = Upstream("erp", servers(2))
    upstream.servers[0].failed()
    assert chosen(upstream, 3) == ["1", "1", "1"]
    assert upstream.up == 1

    upstream.servers[1].failed()
    assert set(chosen(upstream, 4)) == {"0", "1"}, "none is up: better tried than failed unseen"
    assert upstream.up == 0


@pytest.mark.parametrize("count", [1, 2])
def test_what_fails_its_check_is_never_asked(count):
    upstream = Upstream("erp", servers(count))
    for server in upstream.servers:
        server.healthy = False

    with pytest.raises(UpstreamsDown):
        upstream.choose()
    upstream.servers[0].healthy = True
    assert chosen(upstream, 2) == ["0", "0"]


def test_a_single_server_is_asked_even_after_it_refused():
    upstream = Upstream("erp", servers(1))
    upstream.servers[0].failed()

    assert chosen(upstream, 2) == ["0", "0"]


def test_retiring_and_sweeping_reach_all_servers():
    upstream = Upstream("erp", servers(2))

    upstream.sweep(0.0)
    upstream.retire()

    assert all(server.retired for server in upstream.servers)
