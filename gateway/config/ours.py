"""Headers that the gateway writes itself: each is written once, and no route may set or remove them beside it."""

from collections.abc import Iterator

from gateway.config.document import Document
from gateway.config.headers import fold
from gateway.config.problems import Location
from gateway.config.schema import Config
from gateway.config.upstreams import UpstreamConfig

ALWAYS = frozenset({"authorization", "forwarded", "x-api-key", "x-real-ip", "x-request-id"})
FAMILY = "x-forwarded-"
ON_EVERY_REQUEST = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"})


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


def check_written_once(config: Config, document: Document) -> None:
    """Report every header that an upstream would get twice from the gateway: it may go by either."""
    for name, upstream in config.upstreams.items():
        at: Location = ("upstreams", name)
        injected = _injected(upstream)
        told = dict(zip(type(upstream.identity_headers).model_fields, upstream.identity_headers.names, strict=True))
        named: list[tuple[Location, str]] = [((*at, "identity_headers", key), header) for key, header in told.items()]
        if upstream.assertion:
            named.append(((*at, "assertion", "header"), upstream.assertion.header))
        for where, header in named:
            if fold(header) == fold(injected):
                document.report(where, f'"{header}" is what the injector writes')
        if upstream.injector.type == "header":
            named.append(((*at, "injector", "header", "name"), injected))
        for where, header in named:
            if fold(header) in ON_EVERY_REQUEST:
                document.report(where, f'"{header}" is written on every request anyway')


def _written_for(upstream: UpstreamConfig) -> Iterator[str]:
    yield from upstream.identity_headers.names
    if upstream.assertion:
        yield upstream.assertion.header
    yield _injected(upstream)


def _injected(upstream: UpstreamConfig) -> str:
    """The header that an injector of a fixed credential writes; empty where it writes none, or no proper one."""
    if upstream.injector.type in {"basic", "bearer"}:
        return "Authorization"
    name = upstream.injector.options.get("name") if upstream.injector.type == "header" else None
    return name if isinstance(name, str) else ""
