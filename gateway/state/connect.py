"""Builds the store for a configured URL; nothing is connected until it is first needed."""

from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.config.store import StoreConfig
from gateway.model import Clock
from gateway.state.attempts import ATTEMPT_SCRIPTS
from gateway.state.bans import BAN_SCRIPTS
from gateway.state.calls import Calls
from gateway.state.erp_records import ERP_SCRIPTS
from gateway.state.keys import Keys
from gateway.state.store import SCRIPTS, Store

_PORT = 6379
_MOST_CONNECTIONS = 64  # twice what Calls uses at once; the feed's own is not counted by the pool


def open_store(config: StoreConfig, *, url: str = "", base: Path = Path(), clock: Clock = time) -> Store:
    """The store that `config` names. Never connects and never raises for an unreachable one: ask `ping`.

    `url` stands for the configured one where that is `embedded://`: what `Embedded.start` returned. `base` is the
    directory that relative file names start from. Raises ValueError for a URL that is no store's.
    """
    connection_class, where = _where(url or config.url)
    if config.tls_ca_file and connection_class is SSLConnection:
        where["ssl_ca_certs"] = str(base / config.tls_ca_file)
    pool = ConnectionPool(
        connection_class=connection_class,
        max_connections=_MOST_CONNECTIONS,
        username=config.username or None,
        password=config.password.reveal() or None,
        # With redis-py's defaults (three retries with back-off) a refused connection takes 3.7 s to be reported.
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=config.timeout,
        # None, because Calls bounds whole steps: per-read limits would add up, and cost a task for each write.
        socket_timeout=None,
        protocol=2,
        driver_info=None,  # saves two round trips for each new connection
        **where,
    )
    return Store(
        Calls(pool, timeout=config.timeout, scripts=(*SCRIPTS, *ATTEMPT_SCRIPTS, *BAN_SCRIPTS, *ERP_SCRIPTS)),
        Keys(config.key_prefix),
        clock,
    )


def _where(url: str) -> tuple[type[Any], dict[str, Any]]:
    """The connection class for a URL, and where it connects to."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        database = parse_qs(parts.query).get("db", ["0"])[0]
        return UnixDomainSocketConnection, {"path": unquote(parts.path), "db": int(database)}
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError(f"not the URL of a store: {parts.scheme}://…")
    where = {"host": parts.hostname, "port": parts.port or _PORT, "db": int(parts.path.strip("/") or 0)}
    return (SSLConnection if parts.scheme == "rediss" else Connection), where
