"""Puts a loaded configuration together; raises ConfigRefused with everything that only building can find."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.assembly.assertion import sign_with
from gateway.assembly.erp import Erp
from gateway.assembly.logins import Logins, build_logins
from gateway.assembly.providers import build_providers
from gateway.assembly.routes import RouteBuilder, folded
from gateway.assembly.shared import Shared
from gateway.assembly.upstreams import ServerKey, Upstreams, build_upstreams
from gateway.authn.api_keys import ApiKeys, DeclaredKey
from gateway.config.credentials import ApiKeyConfig
from gateway.config.document import Loaded
from gateway.config.schema import Config
from gateway.dialects.replies import refusal
from gateway.proxy.answer import AnswerActions
from gateway.proxy.forward_auth import ForwardAuth
from gateway.proxy.headers import HeaderActions
from gateway.proxy.identity_lines import AssertingLines, IdentityLines
from gateway.proxy.route import Rules
from gateway.routing.table import RouteTable
from gateway.tokens.cache import Verified
from gateway.tokens.keys import KeyMaterial, KeyRefused, SigningKeys
from gateway.upstream.injectors import Injector
from gateway.upstream.pool import Server

MADE_KEY_BYTES = 64


@dataclass(frozen=True, slots=True)
class Assembled:
    """One configuration, ready to serve."""

    config: Config
    loaded: Loaded
    files: tuple[Path, ...]
    """The configuration file and the files it names."""
    rules: Rules
    logins: Logins
    upstreams: Upstreams


def assemble(loaded: Loaded, shared: Shared, earlier: Mapping[ServerKey, Server] | None = None) -> Assembled:
    """Build everything from `loaded`, keeping connections of `earlier` servers. Raises ConfigRefused."""
    config = loaded.config
    keys = _signing_keys(loaded, shared)
    if any(upstream.assertion for upstream in config.upstreams.values()):
        keys.ensure_asymmetric()  # before the logins publish the key set
    upstreams = build_upstreams(loaded, earlier or {})
    providers = build_providers(loaded, shared, upstreams.by_name)
    erp = Erp(loaded, shared, providers)
    logins = build_logins(loaded, shared, keys, providers, erp.sessions)
    injectors = erp.injectors(upstreams.by_name)
    loaded.refuse_if_faulty()
    builder = RouteBuilder(
        loaded,
        logins,
        ApiKeys((DeclaredKey(**_key(entry)) for entry in config.api_keys), shared.clock),
        upstreams.by_name,
        {name: _lines(loaded, shared, name, keys, injectors[name]) for name in config.upstreams},
        {name: folded(injector.owns) for name, injector in injectors.items()},
        shared,
    )
    routes = builder.build()
    loaded.refuse_if_faulty()
    asserted = [name.encode() for upstream in config.upstreams.values() for name in upstream.identity_headers.names]
    asserted += [upstream.assertion.header.encode() for upstream in config.upstreams.values() if upstream.assertion]
    server = config.server
    rules = Rules(
        table=RouteTable(routes, logins.endpoints),
        endpoint_owner=logins.owners,
        request_actions=HeaderActions(
            asserted,
            [name for injector in injectors.values() for name in injector.owns],
            {each.rule.header.encode(): each.rule.name.encode() for each in logins.cookies if each.rule.header},
        ),
        answer_actions=AnswerActions(asserted, {each.rule.name.encode() for each in logins.cookies}),
        refuse=refusal,
        trusted_proxies=tuple(server.trusted_proxies),
        header_bytes=server.limits.header_bytes,
        body_bytes=server.limits.body_bytes,
        header_timeout=server.timeouts.header,
        body_timeout=server.timeouts.body,
        idle_timeout=server.timeouts.idle,
        connections=server.limits.connections,
        connections_per_address=server.limits.connections_per_address,
        upstreams=tuple(upstreams.by_name.values()),
        own_cookies=logins.own_cookies,
        forward_auth=_forward_auth(config),
        has_cors=any(each.cors for each in config.routes) or any(each.cors for each in config.logins.values()),
    )
    return Assembled(config, loaded, tuple(sorted(loaded.files)), rules, logins, upstreams)


def _forward_auth(config: Config) -> ForwardAuth:
    """Any trusted proxy may ask; what only the ERP is to see is told where the configuration speaks of it.

    Cookies, too: a proxy that passes its clients' questions on would show a page's script what HttpOnly hides.
    """
    written = config.server.forward_auth
    if written is not None:
        return ForwardAuth(**written.model_dump())
    asserted = [upstream.assertion.header.encode() for upstream in config.upstreams.values() if upstream.assertion]
    return ForwardAuth(untold=folded(frozenset((*asserted, b"cookie"))))


def _signing_keys(loaded: Loaded, shared: Shared) -> SigningKeys:
    materials = []
    for key in loaded.config.signing_keys:
        secret = key.secret.reveal().encode()
        if key.is_hmac and not secret and shared.made_secret is not None:
            secret = shared.made_secret(f"signing-{key.kid}.key", MADE_KEY_BYTES).encode()
        materials.append(KeyMaterial(key.kid, key.algorithm, secret, key.private_key.reveal().encode()))
    if not materials and shared.made_secret is not None:
        materials = [KeyMaterial("made", "HS256", shared.made_secret("signing-made.key", MADE_KEY_BYTES).encode())]
    try:
        return SigningKeys(materials)
    except KeyRefused as error:
        loaded.report(("signing_keys",), str(error))
        loaded.refuse_if_faulty()
        raise


def _lines(
    loaded: Loaded, shared: Shared, name: str, keys: SigningKeys, injector: Injector
) -> Callable[[Verified], bytes]:
    upstream = loaded.config.upstreams[name]
    plain = IdentityLines(upstream.identity_headers.model_dump(), injector)
    assertion = upstream.assertion
    if assertion is None:
        return plain
    key = keys.ensure_asymmetric()
    origin = loaded.config.server.origin
    sign = sign_with(key, issuer=origin, audience=assertion.audience or name, ttl=assertion.ttl, clock=shared.clock)
    return AssertingLines(plain, assertion.header, sign, assertion.ttl)


def _key(entry: ApiKeyConfig) -> dict[str, Any]:
    return {
        "id": entry.id,
        "digest": entry.hash.removeprefix("sha256:"),
        "user": entry.user,
        "roles": entry.roles,
        "scopes": entry.scopes,
        "routes": entry.routes,
        "expires_at": entry.expires,
        "blocked": entry.blocked,
    }
