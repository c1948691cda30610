"""Builds the identity providers; those that sign in to an ERP get a client of its upstream."""

from collections.abc import Mapping

from gateway.assembly.shared import Shared
from gateway.config.document import Loaded
from gateway.config.problems import one_of
from gateway.identity_providers import PROVIDERS
from gateway.identity_providers.contract import ProviderTools
from gateway.model import ErpClient, PasswordVerifier
from gateway.upstream.erp_client import UpstreamErpClient
from gateway.upstream.upstream import Upstream


def build_providers(
    loaded: Loaded, shared: Shared, upstreams: Mapping[str, Upstream]
) -> Mapping[str, PasswordVerifier]:
    """By name. A type that there is not, and what is wrong with their options, is reported to `loaded`."""

    def erp_client(upstream: str) -> ErpClient:
        return UpstreamErpClient(upstreams[upstream], shared.erp_connections)

    built: dict[str, PasswordVerifier] = {}
    for name, config in loaded.config.identity_providers.items():
        provider_class = PROVIDERS.get(config.type)
        if provider_class is None:
            hint = one_of(config.type, PROVIDERS)
            loaded.report(("identity_providers", name, "type"), f'no identity provider of type "{config.type}"{hint}')
            continue
        options = loaded.bind(provider_class.Options, config.options, ("identity_providers", name))
        if options is None:
            continue
        upstream = getattr(options, "upstream", None)
        if upstream is None or upstream in upstreams:  # else reported: there is none of that name
            built[name] = provider_class(options, ProviderTools(name, shared.checks, erp_client, shared.clock))
    return built
