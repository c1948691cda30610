"""Warnings: settings that load and are unsafe, or are written and have no effect."""

import time
from collections.abc import Iterator

from gateway.config.credentials import is_weak_hash
from gateway.config.document import Document
from gateway.config.identities import UsersOptions
from gateway.config.problems import Location, did_you_mean
from gateway.config.routes import RouteConfig
from gateway.config.schema import Config
from gateway.config.server import TOKEN_LENGTH

Advice = tuple[Location, str]

# fmt: off
METHODS = frozenset({
    "ACL", "BIND", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LINK", "LOCK", "M-SEARCH", "MERGE",
    "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "OPTIONS", "PATCH", "POST", "PROPFIND", "PROPPATCH", "PURGE",
    "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "TRACE", "UNBIND", "UNLINK", "UNLOCK",
    "UNSUBSCRIBE",
})
# fmt: on
"""What the parser of requests (llhttp) knows: a request with any other method is refused before it has a route."""


def advise(config: Config, document: Document) -> None:
    """Warn of what is unsafe or has no effect."""
    users = list(_listed_users(config, document))
    for where, message in (
        *_listeners(config),
        *_store(config),
        *_hashes(config, users),
        *_keys(config),
        *_logins(config),
        *_upstreams(config),
        *_routes(config),
        *_nobody_has(config, users),
    ):
        document.warn(where, message)


def _listed_users(config: Config, document: Document) -> Iterator[tuple[str, UsersOptions]]:
    for name, provider in config.identity_providers.items():
        if provider.type != "users":
            continue
        options = document.bind(UsersOptions, provider.options, ("identity_providers", name))
        assert options is not None, "the checks have bound it before"
        yield name, options


def _listeners(config: Config) -> Iterator[Advice]:
    server, admin = config.server, config.admin
    if not server.listen.is_loopback and not server.tls:
        yield ("server", "listen"), f"{server.listen} is plain text: passwords and tokens can be read on the way"
    if not server.listen.is_loopback and not server.public_url:
        yield ("server", "public_url"), f"is empty, so tokens are issued in the name of {server.origin}"
    elif config.logins and not config.store.is_embedded and not server.public_url:
        message = (
            f"is empty: a gateway on this store that listens elsewhere than {server.listen} refuses this one's JWTs"
        )
        yield ("server", "public_url"), message
    for index, network in enumerate(server.trusted_proxies):
        if network.prefixlen == 0:
            yield ("server", "trusted_proxies", index), "believes forwarding headers from everyone"
    if server.forward_auth is not None and not server.trusted_proxies:
        yield ("server", "forward_auth"), "has no effect: trusted_proxies is empty, and nobody else is told a verdict"
    if not admin.listen.is_loopback:
        yield ("admin", "listen"), f"{admin.listen} is plain text: the admin token can be read on the way"
    elif admin.token and len(admin.token.reveal()) < TOKEN_LENGTH:
        yield ("admin", "token"), f"is shorter than {TOKEN_LENGTH} characters"
    if not admin.token and not config.store.is_embedded:
        yield ("admin", "token"), "is empty, so the admin API is off"


def _store(config: Config) -> Iterator[Advice]:
    if config.store.crosses_network_in_clear:
        yield ("store", "url"), "reaches another machine without TLS: sessions can be read on the way; use rediss://"


def _hashes(config: Config, users: list[tuple[str, UsersOptions]]) -> Iterator[Advice]:
    weak = "has weak argon2 parameters; `gateway hash-password` makes a better one"
    for name, options in users:
        for index, user in enumerate(options.users):
            if is_weak_hash(user.password_hash):
                yield ("identity_providers", name, "users", index, "password_hash"), weak
    for index, client in enumerate(config.clients):
        if is_weak_hash(client.secret_hash):
            yield ("clients", index, "secret_hash"), weak


def _keys(config: Config) -> Iterator[Advice]:
    for index, key in enumerate(config.api_keys):
        if key.expires <= time.time():
            yield ("api_keys", index, "expires"), "is over: the key is refused"


def _logins(config: Config) -> Iterator[Advice]:
    for name, login in config.logins.items():
        if (login.refresh.grace or 0) > 60:
            yield ("logins", name, "refresh", "grace"), "is long: for that time a stolen refresh token goes unnoticed"
        if login.absolute_ttl and login.refresh_ttl and login.absolute_ttl < login.refresh_ttl:
            yield ("logins", name, "refresh_ttl"), "is longer than absolute_ttl, which ends the session first"


def _upstreams(config: Config) -> Iterator[Advice]:
    used = {route.upstream for route in config.routes}
    for name, upstream in config.upstreams.items():
        at: Location = ("upstreams", name)
        if name not in used:
            yield at, "no route uses it"
        if not upstream.tls.verify:
            yield (*at, "tls", "verify"), "is false: anyone on the way can pose as this ERP"
        if "tls" in upstream.model_fields_set and not any(server.is_secure for server in upstream.servers):
            yield (*at, "tls"), "has no effect: no server of this upstream is https"


def _routes(config: Config) -> Iterator[Advice]:
    for index, route in enumerate(config.routes):
        for key, message in _without_effect(route):
            yield ("routes", index, key), message
        for position, method in enumerate(route.methods or ()):
            if method not in METHODS:
                message = f"no request can have the method {method}{did_you_mean(method, METHODS)}"
                yield ("routes", index, "methods", position), message


def _without_effect(route: RouteConfig) -> Iterator[tuple[str, str]]:
    written = route.model_fields_set
    if route.public:
        for key in ("credentials", "logins", "anonymous", "foreign_credentials", "on_foreign"):
            if key in written:
                yield key, "has no effect on a public route"
    elif "access_token" not in route.credentials:
        for key in ("on_foreign", "access_token_methods", "access_token_in_form"):
            if key in written:
                yield key, "has no effect: access_token is not among the route's credentials"
    if "require" in written and not route.require.asks:
        yield "require", "asks for nothing"


def _nobody_has(config: Config, users: list[tuple[str, UsersOptions]]) -> Iterator[Advice]:
    """Keys made later may carry any role, so this is no error; it is most often a misspelling."""
    people = [user for _, options in users for user in options.users]
    for kind in ("roles", "scopes"):
        known = {name for holder in (*people, *config.clients, *config.api_keys) for name in getattr(holder, kind)}
        for provider in config.identity_providers.values():
            known |= set(provider.options.get(kind, ()))
        yield from _unknown(config, kind, known)
    if all(provider.type == "users" for provider in config.identity_providers.values()):  # an ERP lists tenants itself
        yield from _unknown(config, "tenants", {tenant.name for user in people for tenant in user.tenants})


def _unknown(config: Config, kind: str, known: set[str]) -> Iterator[Advice]:
    for index, route in enumerate(config.routes):
        for position, name in enumerate(getattr(route.require, kind)):
            if name not in known:
                where: Location = ("routes", index, "require", kind, position)
                yield where, f'no listed user, client or key has "{name}"{did_you_mean(name, known)}'
