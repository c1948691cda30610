"""Builds what routes with the password in the body ask: one for each ERP that takes it so."""

from collections.abc import Mapping
from typing import Final

from gateway.authn.sources import BODY_SOURCES, RpcCall
from gateway.broker.protection import Audit, Protection
from gateway.broker.rpc_logins import RpcLogins, RpcProvider
from gateway.config.document import Loaded
from gateway.config.routes import RouteConfig
from gateway.dialects import odoo_rpc, odoo_xmlrpc
from gateway.errors import GatewayError
from gateway.identity_providers import PROVIDERS
from gateway.model import Call, PasswordVerifier, Reply
from gateway.proxy.route import Refuse, RefuseByRequest
from gateway.proxy.rpc_surface import RpcSurface
from gateway.state.attempts import Limits

_UNNUMBERED: Final = 200
"""`code` of errors that Odoo does not number."""
_LARGEST_REFUSED: Final = 64 * 1024
"""Bytes of a refused call in which its id is looked for."""


def build_rpc_logins(
    loaded: Loaded, providers: Mapping[str, PasswordVerifier], protection: Protection, audit: Audit
) -> dict[str, RpcLogins]:
    """By upstream. Failures are counted under the limits of the first login that checks the same users.

    A route whose upstream cannot be asked so is reported to `loaded`.
    """
    _check_routes(loaded)
    logins = loaded.config.logins.values()
    built = {}
    for name, provider in providers.items():
        if isinstance(provider, RpcProvider):
            theirs = [login.protection for login in logins if login.identity_provider == name]
            limits = Limits(**theirs[0].model_dump()) if theirs else Limits()
            built[provider.upstream] = RpcLogins(provider, protection, limits, audit)
    return built


def _check_routes(loaded: Loaded) -> None:
    """Such a password is checked where it is sent to, and by nobody else."""
    kinds = [kind for kind, made in PROVIDERS.items() if hasattr(made, RpcProvider.verify_rpc.__name__)]
    for index, route in enumerate(loaded.config.routes):
        providers = loaded.config.identity_providers.values()
        there = [each.type for each in providers if each.options.get("upstream") == route.upstream]
        if route.credentials[0] in BODY_SOURCES and not (len(there) == 1 and there[0] in kinds):
            need = f"needs one identity provider for the route's upstream, of type `{'` or `'.join(kinds)}`"
            loaded.report(("routes", index, "credentials"), f"{route.credentials[0]} {need}")


def surface_of(route: RouteConfig, logins: Mapping[str, RpcLogins]) -> RpcSurface | None:
    """None where the credential is not in the body."""
    name = route.credentials[0]
    if name not in BODY_SOURCES or route.upstream not in logins:
        return None
    return RpcSurface(BODY_SOURCES[name], logins[route.upstream], _denied if name == "jsonrpc" else _denied_in_xml)


def refusal_of(surface: RpcSurface) -> Refuse:
    """How errors are spelled in the protocol of a surface."""
    return RefuseByRequest(_failed if surface.source.method == "jsonrpc" else _failed_in_xml)


def _denied(asked: RpcCall) -> Reply:
    return odoo_rpc.answered(asked.id, result=False)


def _denied_in_xml(_: RpcCall) -> Reply:
    return odoo_xmlrpc.answered(value=False)


def _failed(error: GatewayError, call: Call | None) -> Reply:
    small = call.body if call is not None and len(call.body) <= _LARGEST_REFUSED else None
    return odoo_rpc.failed(odoo_rpc.request_id(small), error, _UNNUMBERED)


def _failed_in_xml(error: GatewayError, call: Call | None) -> Reply:
    return odoo_xmlrpc.failed(error, in_words=call is not None and "/xmlrpc/2/" not in call.path)
