"""Which servers a URL means; nothing connects."""

from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.config.store import StoreConfig
from gateway.state.cluster import Cluster
from gateway.state.connect import open_store
from gateway.state.sentinels import Sentinels
from gateway.state.topology import Single

TABLE = [
    ("redis://10.0.0.5", {"host": "10.0.0.5", "port": 6379, "database": 0, "tls": None}),
    ("redis://[::1]:7000/3", {"host": "::1", "port": 7000, "database": 3}),
    ("unix:///run/a%20b/r.sock", {"path": "/run/a b/r.sock", "database": 0}),
    ("unix:///run/r.sock?db=2", {"path": "/run/r.sock", "database": 2}),
]


def endpoint(url, **options):
    return open_store(StoreConfig(url=url, **options)).calls.topology.node.endpoint


@pytest.mark.parametrize(("url", "where"), TABLE)
def test_a_url_says_how_and_where_to_connect(url, where):
    store = open_store(StoreConfig(), url=url)

    assert isinstance(store.calls.topology, Single)
    found = store.calls.topology.node.endpoint
    assert {name: getattr(found, name) for name in where} == where


def test_tls_is_used_where_the_url_says_so():
    found = endpoint("rediss://redis.internal:6380")

    assert (found.host, found.port) == ("redis.internal", 6380)
    assert found.tls.context().check_hostname


def test_sentinels_are_asked_as_somebody_else():
    config = StoreConfig(
        url="rediss+sentinel://a,b:1/gate/2", username="gw", password=Secret("p"), sentinel_password=Secret("w")
    )

    found = open_store(config).calls.topology

    assert isinstance(found, Sentinels)
    assert [str(one) for one in found._sentinels] == ["a:26379", "b:1"]
    them, us = found._sentinels[0], found._us
    assert (them.username, them.password.reveal(), them.database) == ("", "w", 0)
    assert (us.username, us.password.reveal(), us.database) == ("gw", "p", 2)
    assert them.tls is us.tls is not None


def test_a_cluster_is_found_through_any_of_the_nodes_named():
    found = open_store(StoreConfig(url="redis+cluster://a,b:1")).calls.topology

    assert isinstance(found, Cluster)
    assert found._seeds == (("a", 6379), ("b", 1))


@pytest.mark.parametrize("url", ["embedded://state", "http://x", "redis://", "x"])
def test_what_is_no_store_is_refused(url):
    with pytest.raises(ValueError, match=r"not the URL of a store|must begin with|names no host"):
        open_store(StoreConfig(), url=url)


def test_the_time_out_bounds_the_step_and_the_connection():
    store = open_store(StoreConfig(url="redis://h", timeout=0.25))

    assert store.calls.timeout == store.calls.topology.node.endpoint.timeout == 0.25


def test_the_authority_file_is_found_beside_the_configuration():
    store = open_store(StoreConfig(url="rediss://h", tls_ca_file="ca.pem"), base=Path("/etc/gateway"))

    with pytest.raises(FileNotFoundError):
        store.calls.topology.node.endpoint.tls.context()


def test_a_password_is_in_no_repr():
    store = open_store(StoreConfig(url="redis://h", username="gate", password=Secret("s3cret")))

    found = store.calls.topology.node
    assert found.endpoint.password.reveal() == "s3cret"
    assert "s3cret" not in repr(store) + repr(store.calls) + repr(found) + repr(found.endpoint)
