"""Which endpoint or route gets a request: exact endpoints first, then the first matching route, then nobody."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from gateway.errors import MethodNotAllowed, NotFound, UnsafePath
from gateway.model import Handler
from gateway.routing.paths import Canonical, canonical
from gateway.routing.patterns import AnonymousRules, Pattern

Hosts = frozenset[bytes] | None
"""Host names as `host_name` spells them; None for all."""


class Routable(Protocol):
    """What the table needs to know of a route."""

    @property
    def pattern(self) -> Pattern: ...  # noqa: D102 - named after the key of config.yaml, as all below
    @property
    def methods(self) -> frozenset[str] | None: ...  # noqa: D102
    @property
    def hosts(self) -> Hosts: ...  # noqa: D102
    @property
    def anonymous(self) -> AnonymousRules: ...  # noqa: D102
    @property
    def allow_encoded(self) -> frozenset[str]: ...  # noqa: D102


R = TypeVar("R", bound=Routable)
Offers = tuple[Hosts, Mapping[str, Handler]]
"""Endpoints of one path: on which hosts, and by method."""

_LONGEST = 512
"""Bytes of a path that is worth remembering: longer ones are made up, not asked for again."""
_MOST = 4096
"""Paths remembered at most, about 4 MiB; a full memo is emptied, which costs one cold look per path."""
_MOST_HOSTS = 256
_PORT = re.compile(rb"\.?(?::[0-9]*)?\Z")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Target(Generic[R]):
    """How one path is judged, whatever the method and host. Shared by all requests for it."""

    __slots__ = ("by_host", "encoded", "endpoints", "path", "readings", "routes", "verdicts")

    def __init__(self, spelling: Canonical, routes: tuple[tuple[R, ...], ...], endpoints: tuple[Offers, ...]) -> None:
        self.path = spelling.path
        """The only spelling that may be sent."""
        self.encoded = spelling.encoded
        self.readings = spelling.readings
        """Each text an ERP may make of the path …"""
        self.routes = routes
        """… and the routes that match it, in file order."""
        self.endpoints = endpoints
        self.by_host = False
        """Whether the verdict depends on the host."""
        self.verdicts: dict[str | tuple[str, bytes], tuple[R, bool]] = {}

    @property
    def candidates(self) -> tuple[R, ...]:
        """The routes that match the path as it is usually read, in file order."""
        return self.routes[0]


class RouteTable(Generic[R]):
    """Routes in file order and the exact endpoints of all logins. Immutable but for its memo of paths."""

    def __init__(self, routes: Iterable[R], endpoints: Mapping[bytes, Sequence[Offers]] | None = None) -> None:
        """`endpoints` is keyed by decoded path; a last segment in braces, `/{id}`, stands for any one segment."""
        self.routes = tuple(routes)
        self._by_first, self._anywhere = _index(self.routes)
        self._hosts = frozenset[bytes]().union(*(route.hosts for route in self.routes if route.hosts))
        self._exact: dict[bytes, tuple[Offers, ...]] = {}
        self._below: dict[bytes, tuple[Offers, ...]] = {}
        for path, offers in (endpoints or {}).items():
            parent, _, last = path.rpartition(b"/")
            where, key = (self._below, parent) if last.startswith(b"{") else (self._exact, path)
            where[key] = (*where.get(key, ()), *offers)
        self._memo: dict[bytes, Target[R]] = {}
        self._names: dict[bytes, bytes] = {}

    def resolve(self, raw_path: bytes) -> Target[R]:
        """What this path means; one dict lookup when it was asked for before. Raises UnsafePath."""
        target = self._memo.get(raw_path)
        if target is not None:
            return target
        target = self._resolve(raw_path)
        if len(raw_path) <= _LONGEST:
            if len(self._memo) >= _MOST:
                self._memo.clear()
            self._memo[raw_path] = target
        return target

    def endpoint(self, target: Target[R], method: str, host: bytes) -> Handler | None:
        """The login endpoint at this path, None where there is none for this host (the routes are asked then).

        `host` is the value of the Host header. Raises MethodNotAllowed, with Allow, for a known path.
        """
        allow: set[str] = set()
        for hosts, offered in target.endpoints:
            if hosts is None or host_name(host) in hosts:
                if method in offered:
                    return offered[method]
                allow.update(offered)
        if allow:
            raise MethodNotAllowed(f"an endpoint without {method}", allow=tuple(sorted(allow)), method=method)
        return None

    def select(self, target: Target[R], method: str, host: bytes) -> tuple[R, bool]:
        """The route, and whether its whitelist lets this method and path pass without a credential.

        `host` is the value of the Host header. Raises NotFound where no route matches (default deny), UnsafePath where
        the route does not allow what the path encodes, or where its readings would be judged differently.
        """
        key: str | tuple[str, bytes] = method
        if target.by_host:
            key = (method, self._known(host))
        verdict = target.verdicts.get(key)
        if verdict is None:
            verdict = _judge(target, method, self._known(host))
            if method in _METHODS:  # with the hosts of the config this bounds the memo, whatever clients send
                target.verdicts[key] = verdict
        return verdict

    def _known(self, host: bytes) -> bytes:
        """The name in a Host header if some route asks for it, else nothing; remembered, since clients repeat it."""
        name = self._names.get(host)
        if name is None:
            name = host_name(host)
            name = name if name in self._hosts else b""
            if len(host) <= _LONGEST:
                if len(self._names) >= _MOST_HOSTS:
                    self._names.clear()
                self._names[host] = name
        return name

    def _resolve(self, raw_path: bytes) -> Target[R]:
        spelling = canonical(raw_path)
        first, *others = spelling.readings
        endpoints = self._offers(first)
        if others and any(self._offers(reading) != endpoints for reading in others):
            raise UnsafePath("only some readings of the path are an endpoint")
        if endpoints and spelling.encoded:
            raise UnsafePath("an endpoint's path with an encoded delimiter")
        target = Target(spelling, tuple([self._matching(reading) for reading in spelling.readings]), endpoints)
        if self._hosts:
            target.by_host = any(route.hosts for matching in target.routes for route in matching)
        return target

    def _matching(self, path: bytes) -> tuple[R, ...]:
        routes = self._by_first.get(path.split(b"/", 2)[1], self._anywhere)
        return tuple([route for route in routes if route.pattern.matches(path)])  # a list first: generators suspend

    def _offers(self, path: bytes) -> tuple[Offers, ...]:
        parent, _, last = path.rpartition(b"/")
        return self._exact.get(path, ()) + (self._below.get(parent, ()) if last else ())


def host_name(authority: bytes) -> bytes:
    """The name in a Host header or in `hosts`: lower case, without port and root dot."""
    return _PORT.sub(b"", authority.lower())


def host_names(names: Iterable[str]) -> Hosts:
    """`hosts` of a route or a login as the table compares them; None, that is all, for an empty list."""
    return frozenset(host_name(name.encode()) for name in names) or None


def _index(routes: tuple[R, ...]) -> tuple[dict[bytes, tuple[R, ...]], tuple[R, ...]]:
    """Routes by literal first segment, still in file order, and those that any first segment may match."""
    firsts = {route.pattern.first for route in routes} - {None}
    by_first = {
        first: tuple(r for r in routes if r.pattern.first in (first, None)) for first in firsts if first is not None
    }
    return by_first, tuple(route for route in routes if route.pattern.first is None)


def _judge(target: Target[R], method: str, host: bytes) -> tuple[R, bool]:
    verdicts = [
        _verdict(routes, path, method, host) for routes, path in zip(target.routes, target.readings, strict=True)
    ]
    verdict = verdicts[0]
    if any(other != verdict for other in verdicts[1:]):
        raise UnsafePath("readings of the path select another route or another anonymous verdict")
    if verdict is None:
        raise UnsafePath("an encoded delimiter, and no route") if target.encoded else NotFound("no route")
    if not target.encoded <= verdict[0].allow_encoded:
        raise UnsafePath("the route does not allow " + ", ".join(sorted(target.encoded)))
    return verdict


def _verdict(routes: tuple[R, ...], path: bytes, method: str, host: bytes) -> tuple[R, bool] | None:
    for route in routes:
        if (route.methods is None or method in route.methods) and (route.hosts is None or host in route.hosts):
            return route, route.anonymous.allow(method, path)
    return None
