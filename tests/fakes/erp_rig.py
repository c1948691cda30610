"""Identity providers in front of fake ERPs: what their tests arrange with."""

from contextlib import asynccontextmanager

from fakes.fake_tryton import DATABASE as TRYTON_DATABASE
from fakes.fake_tryton import FakeTryton
from fakes.idempiere import Idempiere
from fakes.itempath import ItemPath
from fakes.jmix import CLIENT, SECRET, Jmix
from fakes.odoo import DATABASE, Odoo

from gateway.identity_providers import PROVIDERS
from gateway.identity_providers.contract import ProviderTools
from gateway.upstream.erp_client import ErpConnections, UpstreamErpClient
from gateway.upstream.pool import Endpoint, Server
from gateway.upstream.upstream import Upstream

ERPS = {"odoo": Odoo, "idempiere": Idempiere, "itempath": ItemPath, "jmix": Jmix, "tryton": FakeTryton}
OPTIONS = {
    "odoo": {"database": DATABASE},
    "idempiere": {},
    "itempath": {},
    "jmix": {"client_id": CLIENT, "client_secret": SECRET},
    "tryton": {"database": TRYTON_DATABASE},
}
LOGIN_PATHS = {
    "odoo": "/web/session/authenticate",
    "idempiere": "/api/v1/auth/tokens",
    "itempath": "/api/users/login",
    "jmix": "/oauth/token",
    "tryton": f"/{TRYTON_DATABASE}/rpc/",
}
RENEW_PATHS = {
    "odoo": "/web/session/get_session_info",
    "idempiere": "/api/v1/auth/refresh",
    "itempath": "/api/users/refresh",
    "jmix": "/oauth/token",
    "tryton": f"/{TRYTON_DATABASE}/rpc/",
}
CHOICE = {"role": "102", "organization": "HQ"}
"""What ada has to choose in iDempiere; the other ERPs ask for nothing."""


def upstream(*ports, name="erp"):
    return Upstream(name, tuple(Server(Endpoint("127.0.0.1", port), 2.0) for port in ports))


def provider(kind, client, clock, checks, **options):
    provider_class = PROVIDERS[kind]
    known = {"upstream": "erp", "roles": ["staff"], "scopes": ["rest-api"], **OPTIONS[kind], **options}
    bound = provider_class.Options.model_validate(known)
    return provider_class(bound, ProviderTools("erp-users", checks, lambda _: client, clock))


@asynccontextmanager
async def asking(*ports):
    """A client of an upstream with these servers."""
    connections = ErpConnections()
    try:
        yield UpstreamErpClient(upstream(*ports), connections)
    finally:
        await connections.close()
