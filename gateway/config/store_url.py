"""The URL of a store, read once: the configuration refuses by it, and the store connects by it."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote

from gateway.config.problems import did_you_mean

SCHEMES: Final = (
    *("embedded", "unix", "redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"),
)
_PORTS: Final = {"": 6379, "sentinel": 26379, "cluster": 6379}
_HOST: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_EXAMPLES: Final = {
    "": "redis://10.0.0.5:6379/0",
    "sentinel": "redis+sentinel://10.0.0.5:26379,10.0.0.6:26379/mymaster",
    "cluster": "redis+cluster://10.0.0.5:6379,10.0.0.6:6379",
}
_PARTS: Final = {
    "": "host, port and database number",
    "sentinel": "hosts, ports, the master's name and a database number",
    "cluster": "hosts and ports",
}
_DATABASE: Final = r"(?:/(?P<database>[0-9]{0,4}))?"
_PATHS: Final = {"": _DATABASE, "sentinel": rf"/(?P<master>[A-Za-z0-9._-]+){_DATABASE}", "cluster": r"/?"}


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """`kind` is embedded, unix, single, sentinel or cluster. `path` is a directory's or a socket's."""

    kind: str
    tls: bool = False
    hosts: tuple[tuple[str, int], ...] = ()
    """Of the one server, of the sentinels, or of some of the Cluster's nodes."""
    master: str = ""
    """The name under which the sentinels watch it."""
    database: int = 0
    path: str = ""


def parse(url: str) -> StoreUrl:
    """Read the URL of a store, without user and password. Raises ValueError with what is wrong, in words."""
    scheme, found, rest = url.partition("://")
    if not found or scheme not in SCHEMES:
        raise ValueError(
            "must begin with embedded://, redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
            + did_you_mean(scheme, [*SCHEMES])
        )
    if scheme == "embedded":
        if not rest:
            raise ValueError("names no directory")
        return StoreUrl("embedded", path=rest)
    if scheme == "unix":
        return _unix(rest)
    transport, _, kind = scheme.partition("+")
    return _hosts(kind, rest, tls=transport == "rediss")


def _unix(rest: str) -> StoreUrl:
    path, _, query = rest.partition("?")
    if not path.startswith("/"):
        raise ValueError("names no absolute path")
    database = parse_qs(query).get("db", ["0"])[0]
    if not re.fullmatch(r"(db=[0-9]{1,4})?", query):
        raise ValueError("may hold the path and a database number only, such as unix:///run/redis.sock?db=0")
    return StoreUrl("unix", path=unquote(path), database=int(database))


def _hosts(kind: str, rest: str, *, tls: bool) -> StoreUrl:
    authority, slash, path = rest.partition("/")
    if not authority:
        raise ValueError("names no host")
    hosts = tuple(_host(one, _PORTS[kind]) for one in authority.split(","))
    if not kind and len(hosts) > 1:
        raise ValueError("names several hosts: that is redis+sentinel:// or redis+cluster://")
    if kind == "sentinel" and not path:
        raise ValueError(f"names no master, such as {_EXAMPLES[kind]}")
    found = re.fullmatch(_PATHS[kind], slash + path)
    if found is None:
        raise ValueError(f"may hold {_PARTS[kind]} only, such as {_EXAMPLES[kind]}")
    named = found.groupdict()
    return StoreUrl(kind or "single", tls, hosts, named.get("master") or "", int(named.get("database") or 0))


def _host(text: str, port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None:
        raise ValueError("names no host" if text.startswith(":") or not text else "is not a well-formed URL")
    number = int(found["port"] or port)
    if not 0 < number < 65536:
        raise ValueError(f"names port {number}")
    return found["six"] or found["name"], number
