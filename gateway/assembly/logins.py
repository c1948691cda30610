"""Builds the logins: for each its keys, token policy, broker and dialect, and all their endpoints in one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from sys import maxsize
from typing import Any

from pydantic import BaseModel

from gateway.assembly.outage import refuse_published_secrets, tell_unconfirmed
from gateway.assembly.rpc import build_rpc_logins
from gateway.assembly.shared import Shared
from gateway.authn.session_cookies import CookieLogin, OwnCookies
from gateway.broker.accounts import CurrentSessions, Worth
from gateway.broker.broker import Broker
from gateway.broker.clients import OAuthClients
from gateway.broker.core import BrokerTools
from gateway.broker.erp_sessions import ErpSessions
from gateway.broker.protection import Protection
from gateway.broker.rpc_logins import RpcLogins
from gateway.config.cors import CorsConfig
from gateway.config.document import Loaded
from gateway.config.logins import LoginConfig
from gateway.config.problems import one_of
from gateway.dialects import DIALECTS
from gateway.dialects.contract import Dialect, DialectTools, RemembersChoices, SpellsByRequest
from gateway.errors import GatewayError
from gateway.model import CredentialReading, Handler, OAuthClient, PasswordVerifier, Reply
from gateway.proxy.cors import Cors
from gateway.proxy.route import LoginEndpoint, Refuse, RefuseByRequest
from gateway.routing.table import Hosts, host_names
from gateway.state.attempts import Attempts, Limits
from gateway.tokens.cache import VerifiedTokens
from gateway.tokens.format import TokenFormat
from gateway.tokens.issuer import Issuer
from gateway.tokens.keys import SigningKeys
from gateway.tokens.policy import TokenPolicy
from gateway.tokens.verifier import TokenVerifier


@dataclass(slots=True)
class Logins:
    """All logins of one configuration."""

    cache: VerifiedTokens
    verifier: TokenVerifier
    providers: Mapping[str, PasswordVerifier]
    dialects: dict[str, Dialect] = field(default_factory=dict)
    rpc: dict[str, RpcLogins] = field(default_factory=dict)
    """By upstream: who checks the passwords that calls to it carry."""
    cookies: list[CookieLogin] = field(default_factory=list)
    """Of the logins that hand out a session cookie."""
    endpoints: dict[bytes, list[tuple[Hosts, dict[str, Handler]]]] = field(default_factory=dict)
    owners: dict[Handler, LoginEndpoint] = field(default_factory=dict)

    @property
    def own_cookies(self) -> OwnCookies | None:
        """What of a Cookie header is ours; None where no login hands out any."""
        names = {each.rule.name.encode() for each in self.cookies}
        return OwnCookies(names, self._is_ours) if names else None

    def _is_ours(self, token: bytes) -> bool:
        # A session that was verified before need not have its MAC checked again.
        return self.cache.get(token) is not None or self.verifier.is_ours(token)


@dataclass(slots=True)
class _Parts:
    options: BaseModel
    policy: TokenPolicy
    tokens: TokenFormat


def build_logins(
    loaded: Loaded,
    shared: Shared,
    keys: SigningKeys,
    providers: Mapping[str, PasswordVerifier],
    erp_sessions: ErpSessions,
) -> Logins:
    """The logins of a configuration. What is wrong with their options is reported to `loaded`."""
    config = loaded.config
    parts = {name: part for name, login in config.logins.items() if (part := _parts(loaded, name, login, keys))}
    refuse_published_secrets(loaded, {name: part.options for name, part in parts.items()})
    capacity = config.server.limits.verified_tokens or maxsize
    cache = VerifiedTokens(shared.feed, capacity, shared.clock, max_staleness=config.store.staleness)
    clients = _clients(loaded, shared)
    current = CurrentSessions(providers, clients, _choices(config.logins))
    formats = [part.tokens for part in parts.values()]
    verifier = TokenVerifier(shared.store, cache, shared.clock, formats, current, tell_unconfirmed(shared))
    attempts = Attempts(shared.store.calls, shared.store.keys, shared.clock)
    built = Logins(cache, verifier, providers)
    protection = Protection(attempts, shared.audit)
    built.rpc = build_rpc_logins(loaded, providers, protection, shared.audit)
    tools = BrokerTools(verifier, clients, protection, current, shared.audit, erp_sessions)
    for name, part in parts.items():
        login = config.logins[name]
        provider = providers.get(login.identity_provider)
        if provider is None:
            continue  # reported: its options are faulty
        issuer = Issuer(shared.store, part.tokens, part.policy, shared.clock)
        broker = Broker(issuer, provider, tools, Limits(**login.protection.model_dump()))
        dialect = DIALECTS[login.dialect](
            part.options,
            DialectTools(
                broker=broker,
                clock=shared.clock,
                issuer=part.policy.issuer,
                path=login.path,
                jwks=keys.jwks(),
                tokens=part.tokens,
                policy=part.policy,
                scopes=sorted({scope for client in config.clients for scope in client.scopes}),
            ),
        )
        built.dialects[name] = dialect
        if dialect.cookie is not None:
            built.cookies.append(CookieLogin(name, dialect.cookie, broker.slide))
        _mount(built, name, login, dialect)
    return built


def refuse_of(dialect: Dialect) -> Refuse:
    """How a dialect spells the refusal of a route."""
    if isinstance(dialect, SpellsByRequest):
        return RefuseByRequest(dialect.refuse_call)

    def refuse(error: GatewayError, request_id: str) -> Reply:
        return dialect.refuse(error, None, request_id)

    return refuse


def cors_of(config: CorsConfig | None, reading: CredentialReading) -> Cors | None:
    """The compiled rules for pages of other origins, and of that ERP's."""
    return None if config is None else Cors(**config.model_dump(), preflight_status=reading.preflight_status)


def _choices(logins: Mapping[str, LoginConfig]) -> dict[str, Worth]:
    """What becomes of a session's choice, of the logins that let one choose."""
    dialects = {name: DIALECTS[login.dialect] for name, login in logins.items() if login.dialect in DIALECTS}
    return {name: each.as_listed_now for name, each in dialects.items() if isinstance(each, RemembersChoices)}


def _parts(loaded: Loaded, name: str, login: LoginConfig, keys: SigningKeys) -> _Parts | None:
    """What comes before the broker; None if there is no such dialect or its options are faulty: reported."""
    dialect = DIALECTS.get(login.dialect)
    if dialect is None:
        hint = one_of(login.dialect, DIALECTS)
        loaded.report(("logins", name, "dialect"), f'no dialect named "{login.dialect}"{hint}')
        return None
    options = loaded.bind(dialect.Options, login.options, ("logins", name))
    if options is None:
        return None
    origin = loaded.config.server.origin
    policy = _policy(login, dialect.policy(origin + login.path, origin, options))
    ring = keys.ring(name, signing_kid=login.signing_key or "")
    return _Parts(options, policy, dialect.token_format(ring, policy, options))


def _policy(login: LoginConfig, policy: TokenPolicy) -> TokenPolicy:
    """The dialect's defaults under what the login sets."""
    written: dict[str, Any] = {
        "format": login.token_format,
        "access_ttl": login.access_ttl,
        "refresh_ttl": login.refresh_ttl,
        "absolute_ttl": login.absolute_ttl,
        "rotate": login.refresh.rotate,
        "grace": login.refresh.grace,
        "revoke_access": login.refresh.revoke_access,
    }
    return replace(policy, **{name: value for name, value in written.items() if value is not None})


def _clients(loaded: Loaded, shared: Shared) -> OAuthClients:
    clients = [
        OAuthClient(
            id=client.id,
            secret_hash=client.secret_hash.reveal(),
            grants=frozenset(client.grants),
            roles=client.roles,
            scopes=client.scopes,
            logins=frozenset(client.logins),
        )
        for client in loaded.config.clients
    ]
    return OAuthClients(clients, shared.checks)


def _mount(built: Logins, name: str, login: LoginConfig, dialect: Dialect) -> None:
    hosts = host_names(login.hosts)
    below = {(method, login.path + suffix): handler for (method, suffix), handler in dialect.endpoints().items()}
    refuse, cors = refuse_of(dialect), cors_of(login.cors, dialect.reading)
    for (method, path), handler in {**below, **dialect.well_known()}.items():
        built.owners[handler] = LoginEndpoint(handler, name, refuse, cors)
        offers = built.endpoints.setdefault(path.encode(), [])
        for known_hosts, methods in offers:
            if known_hosts == hosts:
                methods.setdefault(method, handler)  # two logins publish the same key set: the first one answers
                break
        else:
            offers.append((hosts, {method: handler}))
