"""Headers that the gateway writes itself: no route may set or remove them beside it."""

from collections.abc import Iterator

from gateway.config.document import Document
from gateway.config.headers import fold
from gateway.config.problems import Location
from gateway.config.schema import Config
from gateway.config.upstreams import UpstreamConfig

ALWAYS = frozenset({"authorization", "forwarded", "x-api-key", "x-real-ip", "x-request-id"})
FAMILY = "x-forwarded-"


def check_ours(config: Config, document: Document) -> None:
    """Report every route whose `request_headers` name a header of the gateway's own, in whatever spelling.

    The ERP would see it twice (Traefik CVE-2026-33433), or anonymous callers would borrow a credential.
    """
    for index, route in enumerate(config.routes):
        upstream = config.upstreams[route.upstream]
        ours = ALWAYS | {fold(name) for name in _written_for(upstream)}
        at: Location = ("routes", index, "request_headers")
        changes = route.request_headers
        named: list[tuple[Location, str]] = [((*at, "set", name), name) for name in changes.set]
        named += [((*at, "remove", position), name) for position, name in enumerate(changes.remove)]
        for where, name in named:
            if fold(name) in ours or fold(name).startswith(FAMILY):
                document.report(where, f'"{name}" is written by the gateway itself; see the upstream\'s keys')


def _written_for(upstream: UpstreamConfig) -> Iterator[str]:
    yield from upstream.identity_headers.names
    if upstream.assertion:
        yield upstream.assertion.header
    name = upstream.injector.options.get("name")
    if upstream.injector.type == "header" and isinstance(name, str):
        yield name
