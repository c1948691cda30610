"""The section `routes`: which requests go where, and what they must prove first."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator

from gateway.config.addresses import Host
from gateway.config.cors import CorsConfig
from gateway.config.headers import HeaderChanges, UnderscoreHeader
from gateway.config.rate_limit import RateLimitConfig
from gateway.config.section import Section, fault
from gateway.config.values import (
    AnyLine,
    Duration,
    Flag,
    Line,
    Method,
    Name,
    Names,
    Size,
    distinct,
    read_method,
    some,
)


def _pattern(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("must begin with '/'")
    if bad := re.search(r"[\s#\\]|//", path):
        raise ValueError(f'holds "{bad[0]}", which no request path can have')
    return path


def _anonymous_entry(entry: str) -> str:
    method, space, path = entry.partition(" ")
    if space:
        read_method(method)
    _pattern(path if space else method)
    return entry


def _prefix(prefix: str) -> str:
    # What is cut off is the canonical path (RFC 3986, 6.2.2): a prefix that is none would never be found in one.
    if prefix and not re.fullmatch(r"(?:/(?!\.+(?:/|$))[A-Za-z0-9._~!$&'()+,=:@-]+)+", prefix):
        raise ValueError("must be a plain path such as /erp: no wildcard, no escape, ASCII only, no slash at its end")
    return prefix


PathPattern = Annotated[Line, AfterValidator(_pattern)]
CredentialName = Literal["bearer", "api_key", "access_token", "cookie", "jsonrpc", "xmlrpc"]
IN_BODY = frozenset({"jsonrpc", "xmlrpc"})
"""Credentials that a route takes alone: each call brings its own."""
_NOT_BESIDE = ("logins", "anonymous", "public", "errors", "access_token_methods", "access_token_in_form")
EncodedName = Literal["slash", "percent", "semicolon"]


class Requirements(Section):
    """What an identity must have: one of the roles, all of the scopes, one of the tenants; [] asks nothing."""

    roles: Names = ()
    scopes: Names = ()
    tenants: Names = ()

    @property
    def asks(self) -> bool:
        """Anything is required at all."""
        return bool(self.roles or self.scopes or self.tenants)

    @model_validator(mode="before")
    @classmethod
    def _written(cls, data: Any) -> Any:
        # An emptied block must not open the route (Traefik, 2026-05-18): leaving it out is the way to ask nothing.
        if not isinstance(data, dict) or not data:
            raise ValueError("must list roles, scopes or tenants; leave `require` out to ask for none")
        return data


_NOTHING = Requirements(roles=())


class RouteTimeouts(Section):
    """Seconds; None is the upstream's own."""

    response: Duration | None = None


class RouteLimits(Section):
    """None is the listener's own; 0 is no limit."""

    body_bytes: Size | None = None


class RouteConfig(Section):
    """Method and path pattern to upstream. The first match in file order wins."""

    name: Name
    """`route-<position>`, counted from 0, where it is left out."""
    path: PathPattern
    methods: Annotated[tuple[Method, ...], AfterValidator(some), AfterValidator(distinct)] | None = None
    """None for all."""
    hosts: Annotated[tuple[Host, ...], AfterValidator(distinct)] = ()
    upstream: Name
    credentials: Annotated[tuple[CredentialName, ...], AfterValidator(some), AfterValidator(distinct)] = (
        "bearer",
        "api_key",
    )
    logins: Names = ()
    anonymous: Annotated[tuple[Annotated[Line, AfterValidator(_anonymous_entry)], ...], AfterValidator(distinct)] = ()
    public: Flag = False
    foreign_credentials: Literal["reject", "pass"] = "reject"
    on_foreign: Literal["reject", "pass"] = "reject"
    require: Requirements = _NOTHING
    errors: Name | None = None
    """The login whose dialect spells this route's errors."""
    cors: CorsConfig | None = None
    """None: CORS is the ERP's own affair."""
    rate_limit: RateLimitConfig | None = None
    """None: no limit."""
    timeouts: RouteTimeouts = RouteTimeouts()
    limits: RouteLimits = RouteLimits()
    request_headers: HeaderChanges = HeaderChanges()
    response_headers: HeaderChanges = HeaderChanges()
    allow_underscore_headers: Annotated[tuple[UnderscoreHeader, ...], AfterValidator(distinct)] = ()
    allow_encoded: Annotated[tuple[EncodedName, ...], AfterValidator(distinct)] = ()
    access_token_methods: Annotated[tuple[Method, ...], AfterValidator(some), AfterValidator(distinct)] | None = None
    """None is the default of the dialect in `errors`, which is GET and HEAD for the native ones."""
    access_token_in_form: Flag | None = None
    strip_prefix: Annotated[AnyLine, AfterValidator(_prefix)] = ""

    @model_validator(mode="after")
    def _consistent(self) -> "RouteConfig":
        if self.public and self.require.asks:
            raise fault("public", "judges no credential, so nothing can be required")
        if self.strip_prefix and not f"{self.path}/".startswith(f"{self.strip_prefix}/"):
            raise fault("strip_prefix", f"is not how the path {self.path} begins")
        self._check_in_body()
        return self

    def _check_in_body(self) -> None:
        found = IN_BODY.intersection(self.credentials)
        if not found:
            return
        name = min(found)
        if len(self.credentials) > 1:
            raise fault("credentials", f"{name} is in the body of every call, so it stands alone")
        passing = [key for key in ("foreign_credentials", "on_foreign") if getattr(self, key) == "pass"]
        for key in (*passing, *(key for key in _NOT_BESIDE if getattr(self, key))):
            raise fault(key, f"does not go with credentials: [{name}]")
