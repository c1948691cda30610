"""Builds the store for a configured URL; nothing is connected until it is first needed."""

from dataclasses import replace
from pathlib import Path
from time import time
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.config.store import StoreConfig
from gateway.model import Clock
from gateway.state.attempts import ATTEMPT_SCRIPTS
from gateway.state.bans import BAN_SCRIPTS
from gateway.state.calls import Calls
from gateway.state.endpoint import Endpoint, Tls
from gateway.state.erp_records import ERP_SCRIPTS
from gateway.state.keys import Keys
from gateway.state.node import Node
from gateway.state.rewriting import REWRITE_SCRIPTS
from gateway.state.store import SCRIPTS, Store
from gateway.state.subscription import BEAT_SCRIPTS
from gateway.state.topology import Single, Topology

_PORT = 6379
ALL_SCRIPTS = (*SCRIPTS, *ATTEMPT_SCRIPTS, *BAN_SCRIPTS, *ERP_SCRIPTS, *REWRITE_SCRIPTS, *BEAT_SCRIPTS)


def open_store(config: StoreConfig, *, url: str = "", base: Path = Path(), clock: Clock = time) -> Store:
    """The store that `config` names. Never connects and never raises for an unreachable one: ask `ping`.

    `url` stands for the configured one where that is `embedded://`: what `Embedded.start` returned. `base` is the
    directory that relative file names start from. Raises ValueError for a URL that is no store's.
    """
    calls = Calls(_topology(url or config.url, config, base), timeout=config.timeout)
    return Store(calls, Keys(config.key_prefix), clock)


def _topology(url: str, config: StoreConfig, base: Path) -> Topology:
    parts = urlsplit(url)
    us = Endpoint(username=config.username, password=config.password, timeout=config.timeout)
    if parts.scheme == "unix":
        database = int(parse_qs(parts.query).get("db", ["0"])[0])
        return Single(Node(replace(us, path=unquote(parts.path), database=database), ALL_SCRIPTS))
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError(f"not the URL of a store: {parts.scheme}://…")
    tls = Tls(base / config.tls_ca_file if config.tls_ca_file else None) if parts.scheme == "rediss" else None
    us = replace(us, database=int(parts.path.strip("/") or 0), tls=tls)
    return Single(Node(us.at(parts.hostname, parts.port or _PORT), ALL_SCRIPTS))
