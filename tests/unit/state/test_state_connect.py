"""Which client a URL makes; nothing connects."""

from pathlib import Path

import pytest
from redis.asyncio import Connection, SSLConnection, UnixDomainSocketConnection

from gateway.config.secret import Secret
from gateway.config.store import StoreConfig
from gateway.state.connect import open_store

TABLE = [
    ("redis://10.0.0.5", Connection, {"host": "10.0.0.5", "port": 6379, "db": 0}),
    ("redis://[::1]:7000/3", Connection, {"host": "::1", "port": 7000, "db": 3}),
    ("rediss://redis.internal:6380", SSLConnection, {"host": "redis.internal", "port": 6380, "db": 0}),
    ("unix:///run/a%20b/r.sock", UnixDomainSocketConnection, {"path": "/run/a b/r.sock", "db": 0}),
    ("unix:///run/r.sock?db=2", UnixDomainSocketConnection, {"path": "/run/r.sock", "db": 2}),
]


@pytest.mark.parametrize(("url", "connection_class", "where"), TABLE)
def test_a_url_says_how_and_where_to_connect(url, connection_class, where):
    pool = open_store(StoreConfig(), url=url).calls.pool

    assert pool.connection_class is connection_class
    assert where.items() <= pool.connection_kwargs.items()


@pytest.mark.parametrize("url", ["embedded://state", "http://x", "redis://", "x"])
def test_what_is_no_store_is_refused(url):
    with pytest.raises(ValueError, match="not the URL of a store"):
        open_store(StoreConfig(), url=url)


def test_time_outs_and_retries_are_ours_and_never_the_librarys():
    pool = open_store(StoreConfig(url="redis://h", timeout=0.25)).calls.pool

    connection = pool.make_connection()
    assert connection.retry.get_retries() == 0
    assert connection.socket_connect_timeout == 0.25
    assert connection.socket_timeout is None


def test_the_authority_file_is_found_beside_the_configuration():
    config = StoreConfig(url="rediss://h", tls_ca_file="ca.pem")

    pool = open_store(config, base=Path("/etc/gateway")).calls.pool

    assert pool.connection_kwargs["ssl_ca_certs"] == "/etc/gateway/ca.pem"
    connection = pool.make_connection()
    assert connection.check_hostname
    assert connection.cert_reqs.name == "CERT_REQUIRED"


def test_a_password_is_in_no_repr():
    store = open_store(StoreConfig(url="redis://h", username="gate", password=Secret("s3cret")))

    assert store.calls.pool.connection_kwargs["password"] == "s3cret"
    assert "s3cret" not in repr(store) + repr(store.calls) + repr(store.calls.pool)
