"""Identity providers are built from their options, and those of an ERP ask its upstream."""

from dataclasses import dataclass

import pytest
from fakes.token_fixtures import checks
from fakes.token_rig import ManualClock

from gateway.assembly.providers import build_providers
from gateway.config.load import load
from gateway.upstream.erp_client import ErpConnections
from gateway.upstream.upstream import Upstream

__all__ = ["checks"]

TEXT = """\
upstreams: {odoo: {servers: ["http://127.0.0.1:8069"]}}
identity_providers: {erp: {type: odoo, upstream: odoo, database: prod, roles: [staff]}}
logins: {native: {dialect: native, path: /auth, identity_provider: erp}}
routes: [{name: all, path: /**, upstream: odoo}]
"""


@dataclass
class Parts:
    """What of `Shared` is needed."""

    checks: object
    clock: object
    erp_connections: ErpConnections


@pytest.fixture
def built(tmp_path, checks):
    def build(text, upstreams=("odoo",)):
        (tmp_path / "config.yaml").write_text(text)
        loaded = load(tmp_path / "config.yaml", {})
        known = {name: Upstream(name, ()) for name in upstreams}
        return loaded, build_providers(loaded, Parts(checks, ManualClock(), ErpConnections()), known)

    return build


def test_an_erps_provider_asks_the_upstream_that_it_names(built):
    _, providers = built(TEXT)

    assert providers["erp"].name == "erp"
    assert providers["erp"].upstream == "odoo"
    assert providers["erp"]._client._upstream.name == "odoo"


def test_faulty_options_are_reported_with_their_place(built):
    loaded, providers = built(TEXT.replace("database: prod, ", ""))

    assert providers == {}
    assert "identity_providers.erp.database: is missing" in str(loaded.problems[0])


def test_without_its_upstream_there_is_no_provider(built):
    assert built(TEXT, upstreams=())[1] == {}


def test_a_type_that_the_registry_does_not_list_is_a_problem_at_its_line(built):
    loaded, providers = built(TEXT.replace("type: odoo", "type: oddo"))

    (problem,) = loaded.problems
    assert providers == {}
    assert problem.where == "identity_providers.erp.type"
    assert problem.message == 'no identity provider of type "oddo"; did you mean "odoo"?'
