"""Builds the routes: patterns, credentials and header lines compiled, warnings about their order collected."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.assembly.logins import Logins, cors_of, refuse_of
from gateway.assembly.rpc import refusal_of, surface_of
from gateway.assembly.shared import Shared
from gateway.authn.api_keys import ApiKeys
from gateway.authn.authenticator import Authenticator
from gateway.authn.session_cookies import CookieUse
from gateway.authn.sources import BODY_SOURCES
from gateway.config.document import Loaded
from gateway.config.headers import HeaderChanges
from gateway.config.routes import RouteConfig
from gateway.dialects.contract import Dialect
from gateway.dialects.replies import refusal
from gateway.model import CredentialReading
from gateway.proxy.cors import Cors
from gateway.proxy.headers import READ_AND_PASSED, fold
from gateway.proxy.rate_limit import RateLimit
from gateway.proxy.route import Refuse, Requirements, Route
from gateway.routing.checks import Guard, review
from gateway.routing.covering import covers, overlaps
from gateway.routing.patterns import AnonymousRules, Pattern, PatternError
from gateway.routing.table import host_names
from gateway.tokens.cache import Verified
from gateway.upstream.upstream import Upstream


class RouteBuilder:
    """Everything routes are made of, at hand."""

    def __init__(
        self,
        loaded: Loaded,
        logins: Logins,
        keys: ApiKeys,
        upstreams: Mapping[str, Upstream],
        lines: Mapping[str, Callable[[Verified], bytes]],
        owned: Mapping[str, frozenset[bytes]],
        shared: Shared,
    ) -> None:
        """`lines`: upstream -> its identity lines; `owned`: upstream -> header names its injector writes."""
        self._loaded = loaded
        self._logins = logins
        self._keys = keys
        self._upstreams = upstreams
        self._lines = lines
        self._owned = owned
        self._spent_requests = shared.spent_requests
        origins = frozenset((loaded.config.server.site.encode(),))  # what a browser sees behind a proxy not trusted
        self._cookies = CookieUse(tuple(logins.cookies), logins.own_cookies, origins)

    def build(self) -> list[Route]:
        """All routes in file order. Faulty patterns are reported, routes that cannot match are warned of."""
        routes = [
            route for index, config in enumerate(self._loaded.config.routes) if (route := self._route(index, config))
        ]
        by_name = {route.name: route for route in routes}
        guards = [
            self._guard(by_name[config.name], config) for config in self._loaded.config.routes if config.name in by_name
        ]
        positions = {config.name: index for index, config in enumerate(self._loaded.config.routes)}
        for warned in review(guards):
            self._loaded.warn(("routes", positions[warned.route], "path"), warned.message)
        return routes

    def _route(self, index: int, config: RouteConfig) -> Route | None:
        pattern = self._compiled(("routes", index, "path"), Pattern, config.path)
        anonymous = self._compiled(("routes", index, "anonymous"), AnonymousRules, config.anonymous)
        upstream = self._upstreams.get(config.upstream)
        if pattern is None or anonymous is None or upstream is None:
            return None
        self._refuse_never_open(index, config, pattern, anonymous)
        limits = self._loaded.config.server.limits
        response = config.timeouts.response
        require = config.require
        reading = self._reading(config)
        rpc = surface_of(config, self._logins.rpc)
        cors = cors_of(config.cors, reading)
        return Route(
            name=config.name,
            pattern=pattern,
            methods=frozenset(config.methods) if config.methods is not None else None,
            hosts=host_names(config.hosts),
            anonymous=anonymous,
            allow_encoded=frozenset(config.allow_encoded),
            upstream=upstream,
            authenticator=self._authenticator(config, cors),
            identity_lines=self._lines[config.upstream],
            refuse=self._refusal(config) if rpc is None else refusal_of(rpc),
            rpc=rpc,
            rate_limit=self._rate_limit(config),
            requirements=Requirements(frozenset(require.roles), frozenset(require.scopes), frozenset(require.tenants))
            if require.asks
            else None,
            public=config.public,
            body_limit=limits.body_bytes if config.limits.body_bytes is None else config.limits.body_bytes,
            response_timeout=upstream.timeouts.response if response is None else response,
            idle_timeout=upstream.timeouts.idle,
            url_token_methods=_url_token_methods(config, reading),
            form_tokens=_form_tokens(config, reading),
            foreign_url_tokens_pass=config.on_foreign == "pass",
            strip_prefix=config.strip_prefix.encode(),
            owned_headers=self._owned[config.upstream],
            set_headers=_flat(config.request_headers),
            remove_headers=self._removed(config),
            underscore_headers=frozenset(name.lower().encode() for name in config.allow_underscore_headers),
            answer_set=_flat(config.response_headers),
            answer_remove=frozenset(name.lower().encode() for name in config.response_headers.remove)
            | frozenset(name.lower().encode() for name in config.response_headers.set),
            cors=cors,
        )

    def _removed(self, config: RouteConfig) -> frozenset[bytes]:
        """What the route takes from a request, and what its injector owns of the names that pass everywhere else."""
        changes = config.request_headers
        named = folded(frozenset(name.encode() for name in (*changes.set, *changes.remove)))
        return named | self._owned[config.upstream] & READ_AND_PASSED

    def _compiled(self, where: tuple[str | int, ...], make: Callable[[Any], Any], text: Any) -> Any:
        try:
            return make(text)
        except PatternError as error:
            self._loaded.report(where, f"column {error.column} of the pattern: {error.problem}")
            return None

    def _authenticator(self, config: RouteConfig, cors: Cors | None) -> Authenticator:
        others = frozenset[bytes]() if cors is None else cors.cookie_origins
        return Authenticator(
            route=config.name,
            credentials=[name for name in config.credentials if name not in BODY_SOURCES],
            logins=config.logins or None,
            tokens=self._logins.cache,
            verifier=self._logins.verifier,
            keys=self._keys,
            passes_foreign=config.foreign_credentials == "pass",
            reading=self._reading(config),
            cookies=replace(self._cookies, origins=self._cookies.origins | others),
        )

    def _rate_limit(self, config: RouteConfig) -> RateLimit | None:
        limit = config.rate_limit
        if limit is None:
            return None
        return RateLimit(config.name, limit.requests, limit.per, limit.by, self._spent_requests)

    def _refusal(self, config: RouteConfig) -> Refuse:
        dialect = self._dialect(config)
        return refuse_of(dialect) if dialect is not None else refusal

    def _dialect(self, config: RouteConfig) -> Dialect | None:
        """That of `errors`, else of the only login whose tokens come this way, else the gateway's own ways.

        A cookie comes unasked, with whatever a browser loads: its dialect is that of a route that names the login.
        """
        dialects = self._logins.dialects
        if config.errors or len(config.logins) == 1:
            return dialects.get(config.errors or config.logins[0])
        listed = [dialects[name] for name in config.logins or dialects if name in dialects]
        coming = [each for each in listed if ("cookie" if each.cookie else "bearer") in config.credentials]
        return coming[0] if len(coming) == 1 and not coming[0].cookie else None

    def _reading(self, config: RouteConfig) -> CredentialReading:
        """How that dialect's clients present a credential."""
        dialect = self._dialect(config)
        return CredentialReading() if dialect is None else dialect.reading

    def _refuse_never_open(self, index: int, config: RouteConfig, pattern: Pattern, anonymous: AnonymousRules) -> None:
        """Report what opens paths to everyone that the ERP's own clients never find open."""
        dialect = self._dialect(config)
        for closed, but in dialect.reading.never_open if dialect is not None else ():
            told = f"opens {closed} to everyone" + (f"; only {but} may be" if but else "")
            opened: list[tuple[tuple[str | int, ...], Pattern]] = [(("path",), pattern)] if config.public else []
            opened += [(("anonymous", place), rule.pattern) for place, rule in enumerate(anonymous.rules)]
            for where, each in opened:
                if overlaps(each, Pattern(closed)) and not (but and covers(Pattern(but), each)):
                    self._loaded.report(("routes", index, *where), told)

    def _guard(self, route: Route, config: RouteConfig) -> Guard:
        return Guard(
            name=route.name,
            pattern=route.pattern,
            upstream=config.upstream,
            methods=route.methods,
            hosts=route.hosts,
            anonymous=route.anonymous,
            public=route.public,
            passes_foreign=config.foreign_credentials == "pass",
            logins=frozenset(config.logins),
            roles=frozenset(config.require.roles),
            tenants=frozenset(config.require.tenants),
            scopes=frozenset(config.require.scopes),
        )


def _url_token_methods(config: RouteConfig, reading: CredentialReading) -> frozenset[str] | None:
    written = config.access_token_methods
    return reading.url_token_methods if written is None else frozenset(written)


def _form_tokens(config: RouteConfig, reading: CredentialReading) -> bool:
    written = config.access_token_in_form
    wanted = reading.url_token_in_form if written is None else written
    return wanted and "access_token" in config.credentials


def _flat(changes: HeaderChanges) -> tuple[bytes, ...]:
    parts: list[bytes] = []
    for name, value in changes.set.items():
        parts += (name.encode(), b": ", value.encode(), b"\r\n")
    return tuple(parts)


def folded(names: frozenset[bytes]) -> frozenset[bytes]:
    """Names as `Route.owned_headers` compares them."""
    return frozenset(fold(name) for name in names)
