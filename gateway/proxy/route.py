"""A route as the gate sees it: everything that depends only on configuration, computed at load time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.authn.authenticator import FOREIGN, NOBODY, Authenticator
from gateway.authn.session_cookies import OwnCookies
from gateway.errors import Forbidden, GatewayError, InsufficientScope
from gateway.model import Call, Handler, Reply
from gateway.proxy.answer import AnswerActions
from gateway.proxy.cors import Cors
from gateway.proxy.forward_auth import ForwardAuth
from gateway.proxy.forwarded import Network
from gateway.proxy.headers import HeaderActions
from gateway.proxy.rate_limit import RateLimit
from gateway.proxy.rpc_surface import RpcSurface
from gateway.routing.patterns import AnonymousRules, Pattern
from gateway.routing.table import RouteTable
from gateway.tokens.cache import Verified
from gateway.upstream.known_answers import KnownAnswers
from gateway.upstream.upstream import Upstream

Refuse = Callable[[GatewayError, str], Reply]
"""Spells an error for the client; the second argument is the request id."""


@dataclass(frozen=True, slots=True)
class RefuseByRequest:
    """A Refuse whose spelling hangs on the refused request: a page is refused otherwise than a call, under its id."""

    by_request: Callable[[GatewayError, Call | None], Reply]
    """At most 64 KiB of the request's body are read for it; without a body that can be read, it is empty."""

    def __call__(self, error: GatewayError, _: str) -> Reply:
        """Where nothing is known of the request."""
        return self.by_request(error, None)

    def of(self, error: GatewayError, call: Call) -> Refuse:
        """Spells this error of this request, whatever else fails."""
        return lambda *_: self.by_request(error, call)


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an identity needs beyond being valid."""

    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()

    def check(self, verified: Verified) -> None:
        """One of the roles, all of the scopes, one of the tenants. Raises Forbidden or InsufficientScope.

        Nothing is asked of an anonymous caller: the whitelist has let it in.
        """
        if verified is NOBODY:
            return
        if verified is FOREIGN:
            raise Forbidden("a credential that is not ours cannot meet a requirement")
        identity = verified.identity
        if self.roles and self.roles.isdisjoint(identity.roles):
            raise Forbidden("none of the roles that the route requires")
        if not self.scopes <= identity.scopes:
            raise InsufficientScope("a scope that the route requires is missing")
        if self.tenants and identity.tenant not in self.tenants:
            raise Forbidden("not a tenant of the route")


@dataclass(frozen=True, slots=True)
class LoginEndpoint:
    """An endpoint of a login, and how its errors are spelled."""

    handler: Handler
    login: str
    refuse: Refuse
    cors: Cors | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Method and path pattern -> upstream, with its credentials, anonymous paths and requirements."""

    name: str
    pattern: Pattern
    methods: frozenset[str] | None
    hosts: frozenset[bytes] | None
    anonymous: AnonymousRules
    allow_encoded: frozenset[str]
    upstream: Upstream
    authenticator: Authenticator
    identity_lines: Callable[[Verified], bytes]
    """Identity headers, assertion and injected credential of an identity, as whole header lines."""
    refuse: Refuse
    requirements: Requirements | None = None
    """None where there are none, so that the warm path need not ask."""
    rate_limit: RateLimit | None = None
    rpc: RpcSurface | None = None
    """Where the credential is in the body."""
    public: bool = False
    """No credential is judged."""
    body_limit: int = 0
    """Bytes; 0 for none."""
    response_timeout: float = 60.0
    idle_timeout: float = 60.0
    url_token_methods: frozenset[str] | None = frozenset({"GET", "HEAD"})
    """Those whose `access_token` parameter counts; None: all."""
    form_tokens: bool = False
    foreign_url_tokens_pass: bool = False
    strip_prefix: bytes = b""
    owned_headers: frozenset[bytes] = frozenset()
    """Folded names that the upstream's injector writes."""
    set_headers: tuple[bytes, ...] = ()
    """Flat parts (name, colon, value, line end) added to the request, before ours."""
    remove_headers: frozenset[bytes] = frozenset()
    """Folded names: those that are removed, and those that are set, which replaces what came."""
    underscore_headers: frozenset[bytes] = frozenset()
    """Lower-case names."""
    answer_set: tuple[bytes, ...] = ()
    """Flat parts added to the answer."""
    answer_remove: frozenset[bytes] = frozenset()
    cors: Cors | None = None
    """What pages of other origins may do; None: CORS is the ERP's own affair."""

    changes_request: bool = field(init=False)
    """Headers are set or removed on the way to the upstream."""
    rewrites_answer: bool = field(init=False)
    """Headers are set or removed on the way back, so that no head read for another request will do."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes_request", bool(self.set_headers or self.remove_headers))
        rewrites = bool(self.answer_set or self.answer_remove) or self.cors is not None
        object.__setattr__(self, "rewrites_answer", rewrites)


Judged = tuple[Route, bool, bytes]
"""A route, whether its whitelist lets the request pass without a credential, and the canonical path."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One generation of the configuration, as the data path uses it. Swapped as a whole at a reload."""

    table: RouteTable[Route]
    endpoint_owner: Mapping[Handler, LoginEndpoint]
    request_actions: HeaderActions
    answer_actions: AnswerActions
    refuse: Refuse
    trusted_proxies: tuple[Network, ...] = ()
    header_bytes: int = 32 * 1024
    body_bytes: int = 100 * 1024 * 1024
    header_timeout: float = 10.0
    body_timeout: float = 60.0
    idle_timeout: float = 75.0
    connections: int = 10_000
    connections_per_address: int = 0
    upstreams: tuple[Upstream, ...] = ()
    own_cookies: OwnCookies | None = None
    """The session cookies that logins hand out; None where none does, so that no Cookie header need be looked at."""
    forward_auth: ForwardAuth = field(default_factory=ForwardAuth)
    """How other proxies are told verdicts."""
    has_cors: bool = False
    """Some route or login has rules for other origins."""
    known_answers: KnownAnswers = field(default_factory=KnownAnswers)
    judged: dict[tuple[str, bytes, bytes | None], Judged] = field(default_factory=dict)
    """Method, target without query, and Host -> how it was judged before."""
