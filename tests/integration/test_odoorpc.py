"""OdooRPC as it is published, in the mode that uses Odoo's web session."""

import odoorpc
import pytest


@pytest.fixture
def odoo(site):
    """Asks for the version before anybody has logged in."""
    return odoorpc.ODOO("127.0.0.1", port=site.gateway.port, timeout=60)


def test_it_logs_in_calls_and_logs_out(odoo, site):
    assert odoo.version == "8.0"

    odoo.login("prod", "username", "password")
    assert (odoo.env.uid, odoo.env.context["lang"]) == (2, "en_US")
    called = odoo.json("/web/dataset/call_kw", {"model": "res.partner", "method": "read", "args": [[1]], "kwargs": {}})
    assert called["result"]["who"]["User"] == "username"
    assert odoo.execute("res.partner", "read", [1], ["name"])["who"]["Method"] == "cookie"

    assert odoo.logout()
    with pytest.raises(odoorpc.error.RPCError, match="Session expired"):
        odoo.json("/web/dataset/call_kw", {})


def test_a_wrong_password_is_what_it_expects(odoo):
    with pytest.raises(odoorpc.error.RPCError, match="Access Denied") as refused:
        odoo.login("prod", "username", "wrong")

    assert refused.value.info["data"]["name"] == "odoo.exceptions.AccessDenied"


def test_it_lists_databases_before_the_login(odoo):
    assert odoo.json("/web/database/list", {})["result"] == ["prod"]


def test_it_keeps_the_cookie_that_the_gateway_gave_whatever_the_erp_sets(odoo):
    odoo.login("prod", "username", "password")

    for _ in range(3):
        assert odoo.json("/web/dataset/call_kw", {})["result"]["cookie"] is None
