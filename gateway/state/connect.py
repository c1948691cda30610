"""Builds the store for a configured URL; nothing is connected until it is first needed."""

from dataclasses import replace
from pathlib import Path
from time import time

from gateway.config.store import StoreConfig
from gateway.config.store_url import StoreUrl, parse
from gateway.model import Clock
from gateway.state.attempts import ATTEMPT_SCRIPTS
from gateway.state.bans import BAN_SCRIPTS
from gateway.state.calls import Calls
from gateway.state.durable import Durability
from gateway.state.endpoint import Endpoint, Tls
from gateway.state.erp_records import ERP_SCRIPTS
from gateway.state.keys import Keys
from gateway.state.node import Node
from gateway.state.rewriting import REWRITE_SCRIPTS
from gateway.state.sentinels import Sentinels
from gateway.state.store import SCRIPTS, Store
from gateway.state.subscription import BEAT_SCRIPTS
from gateway.state.topology import Single, Topology

ALL_SCRIPTS = (*SCRIPTS, *ATTEMPT_SCRIPTS, *BAN_SCRIPTS, *ERP_SCRIPTS, *REWRITE_SCRIPTS, *BEAT_SCRIPTS)


def open_store(config: StoreConfig, *, url: str = "", base: Path = Path(), clock: Clock = time) -> Store:
    """The store that `config` names. Never connects and never raises for an unreachable one: ask `ping`.

    `url` stands for the configured one where that is `embedded://`: what `Embedded.start` returned. `base` is the
    directory that relative file names start from. Raises ValueError for a URL that is no store's.
    """
    where = parse(url or config.url)
    if where.kind == "embedded":
        raise ValueError("not the URL of a store that runs")
    durability = Durability(config.min_replicas, config.key_prefix)
    calls = Calls(_topology(where, config, base), timeout=config.timeout, durability=durability)
    return Store(calls, Keys(config.key_prefix), clock)


def _topology(where: StoreUrl, config: StoreConfig, base: Path) -> Topology:
    tls = Tls(base / config.tls_ca_file if config.tls_ca_file else None) if where.tls else None
    us = Endpoint(
        database=where.database, username=config.username, password=config.password, tls=tls, timeout=config.timeout
    )
    if where.kind == "unix":
        return Single(Node(replace(us, path=where.path), ALL_SCRIPTS))
    if where.kind == "sentinel":
        them = replace(us, database=0, username=config.sentinel_username, password=config.sentinel_password)
        return Sentinels([them.at(*host) for host in where.hosts], where.master, us, ALL_SCRIPTS)
    if where.kind == "cluster":
        from gateway.state.cluster import Cluster  # noqa: PLC0415 - 7 MiB of redis-py that no other store needs

        return Cluster([us.at(*host) for host in where.hosts], ALL_SCRIPTS)
    return Single(Node(us.at(*where.hosts[0]), ALL_SCRIPTS))
