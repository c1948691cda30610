"""Routes with the password in the body: who checks it, and how refusals are spelled."""

import json

import pytest
from fakes.token_rig import call

from gateway.config.problems import ConfigRefused
from gateway.errors import Forbidden

ODOO = {
    "identity_providers": "{erp: {type: odoo, upstream: erp, database: prod}}",
    "logins": "{odoo: {dialect: odoo, path: /web/session, identity_provider: erp, protection: {max_failures: 2}}}",
}


def routes(credential, path="/jsonrpc"):
    return f"[{{name: rpc, path: {path}, upstream: erp, credentials: [{credential}]}}]"


def only(assembled):
    return assembled.rules.table.resolve(b"/jsonrpc").candidates[0]


def test_the_provider_of_the_upstream_checks_under_its_logins_limits(assembler):
    route = only(assembler(**ODOO, routes=routes("jsonrpc")))

    assert route.rpc.source.method == "jsonrpc"
    assert route.rpc.logins._provider.name == "erp"
    assert route.rpc.logins._limits.max_failures == 2


def test_refusals_are_the_protocols(assembler):
    in_json = only(assembler(**ODOO, routes=routes("jsonrpc"))).refuse
    in_xml = only(assembler(**ODOO, routes=routes("xmlrpc"))).refuse

    assert json.loads(in_json.by_request(Forbidden("x"), call(body=b'{"id": 7}')).body)["id"] == 7
    assert json.loads(in_json.by_request(Forbidden("x"), call(body=b'{"id": 7}' + b" " * 65536)).body)["id"] is None
    assert b"<fault>" in in_xml(Forbidden("x"), "r").body


def test_other_routes_have_none(assembler):
    assert only(assembler(**ODOO, routes="[{name: all, path: /**, upstream: erp}]")).rpc is None


TWO_ODOOS = (
    "{erp: {type: odoo, upstream: erp, database: prod}, other: {type: odoo, upstream: erp, database: test}, "
    "jmix: {type: jmix, upstream: jmix, client_secret: x}}"
)
TWO_UPSTREAMS = '{erp: {servers: ["http://10.0.0.1:8069"]}, jmix: {servers: ["http://10.0.0.2:8069"]}}'


@pytest.mark.parametrize("upstream", ["erp", "jmix"])
def test_only_one_that_takes_passwords_in_bodies_can_be_asked(assembler, upstream):
    route = routes("jsonrpc").replace("upstream: erp", f"upstream: {upstream}")
    text = {"identity_providers": TWO_ODOOS, "upstreams": TWO_UPSTREAMS, "logins": "", "routes": route}

    with pytest.raises(ConfigRefused) as refusal:
        assembler(**text)

    (problem,) = refusal.value.problems
    assert problem.where == "routes[0].credentials"
    assert problem.message == "jsonrpc needs one identity provider for the route's upstream, of type `odoo`"


def test_without_any_provider_nobody_can_be_asked(assembler):
    with pytest.raises(ConfigRefused, match="of type `odoo`"):
        assembler(routes=routes("jsonrpc"))
