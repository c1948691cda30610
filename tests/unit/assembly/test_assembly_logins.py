import json
from math import inf

import pytest

from gateway.assembly.logins import refuse_of
from gateway.config.problems import ConfigRefused
from gateway.errors import CredentialsRejected
from gateway.model import ANONYMOUS
from gateway.proxy.route import RefuseByRequest
from gateway.tokens.cache import Verified

SEVERAL = """{native: {dialect: native, path: /auth, identity_provider: staff, access_ttl: 1m, refresh: {grace: 3s}},
  other: {dialect: native, path: /auth, identity_provider: staff, hosts: [other.example]},
  oauth2: {dialect: oauth2, path: /oauth2, identity_provider: staff}}"""


def endpoints(built, path):
    return {
        method: built.owners[handler].login
        for _, methods in built.endpoints[path]
        for method, handler in methods.items()
    }


def test_every_endpoint_stands_below_its_logins_path(assembler):
    built = assembler(logins=SEVERAL).logins

    assert endpoints(built, b"/oauth2/token") == {"POST": "oauth2"}
    assert endpoints(built, b"/auth/sessions")["DELETE"] in {"native", "other"}
    assert b"/auth/token" not in built.endpoints


def test_two_logins_share_a_path_on_different_hosts(assembler):
    built = assembler(logins=SEVERAL).logins

    offers = built.endpoints[b"/auth/login"]
    assert {hosts: built.owners[methods["POST"]].login for hosts, methods in offers} == {
        None: "native",
        frozenset({b"other.example"}): "other",
    }


@pytest.mark.parametrize(("limit", "kept"), [(8, 8), (0, 20)])
def test_a_worker_remembers_as_many_verified_tokens_as_the_limit_says(assembler, limit, kept):
    built = assembler(server=f"{{limits: {{verified_tokens: {limit}}}}}").logins

    for number in range(20):
        built.cache.put(b"%d" % number, Verified(ANONYMOUS, inf, "s", ""), built.cache.generation)

    assert len(built.cache) == kept


async def test_the_key_set_is_published_once_for_all(assembler):
    built = assembler(logins=SEVERAL).logins
    offers = built.endpoints[b"/.well-known/jwks.json"]

    reply = await offers[0][1]["GET"](None)

    assert json.loads(reply.body)["keys"] == []


def test_a_refusal_is_spelled_by_the_logins_dialect(assembler):
    built = assembler(logins=SEVERAL).logins
    owner = built.owners[built.endpoints[b"/oauth2/token"][0][1]["POST"]]

    reply = owner.refuse(CredentialsRejected("detail"), "r1")

    assert reply.status == 401
    assert b"detail" not in reply.body


def test_no_token_of_one_login_verifies_in_another(assembler):
    built = assembler(logins=SEVERAL).logins

    assert set(built.dialects) == {"native", "other", "oauth2"}
    assert not built.verifier.is_ours(b"nonsense")
    assert built.verifier.is_ours(b"gwa_" + b"A" * 44)


ODOO = """{native: {dialect: native, path: /auth, identity_provider: staff},
  odoo: {dialect: odoo, path: /web/session, identity_provider: staff, access_ttl: 1h}}"""


def test_a_login_that_hands_out_a_cookie_is_known_to_routes_and_to_the_proxy(assembler):
    built = assembler(logins=ODOO)
    (cookie,) = built.logins.cookies
    ids = built.logins.dialects["odoo"]._ids
    mine = ids.nobodys().encode()

    assert (cookie.name, cookie.rule.name, cookie.rule.max_age) == ("odoo", "session_id", 3600)
    assert built.rules.own_cookies.names == {b"session_id"}
    assert built.rules.own_cookies.cut(b"a=1; session_id=" + mine) == b"a=1"
    assert built.rules.own_cookies.cut(b"session_id=theirs") == b"session_id=theirs"
    assert built.rules.answer_actions[b"set-cookie"] is not assembler().rules.answer_actions[b"set-cookie"]


def test_without_one_no_cookie_is_looked_at(assembler):
    assert assembler().rules.own_cookies is None


def test_a_dialect_that_wants_the_refused_body_gets_it(assembler):
    dialects = assembler(logins=ODOO).logins.dialects

    assert isinstance(refuse_of(dialects["odoo"]), RefuseByRequest)
    assert refuse_of(dialects["odoo"])(CredentialsRejected(), "").status == 200
    assert refuse_of(dialects["native"])(CredentialsRejected(), "").status == 401


def test_a_dialect_that_the_registry_does_not_list_is_a_problem_at_its_line(assembler):
    with pytest.raises(ConfigRefused) as refusal:
        assembler(logins=SEVERAL.replace("dialect: oauth2", "dialect: oauht2"))

    (problem,) = refusal.value.problems
    assert problem.where == "logins.oauth2.dialect"
    assert problem.message == 'no dialect named "oauht2"; did you mean "oauth2"?'
