import pytest
from fakes.presented import verified
from fakes.wired_gate import Wired

from gateway.authn.authenticator import FOREIGN, NOBODY
from gateway.errors import Forbidden, InsufficientScope
from gateway.proxy.route import Requirements


@pytest.mark.parametrize(
    ("required", "fields", "error"),
    [
        ({"roles": {"a", "b"}}, {"roles": frozenset("b")}, None),
        ({"roles": {"a", "b"}}, {"roles": frozenset("c")}, Forbidden),
        ({"roles": {"a"}}, {}, Forbidden),
        ({"scopes": {"r", "w"}}, {"scopes": frozenset("rwx")}, None),
        ({"scopes": {"r", "w"}}, {"scopes": frozenset("r")}, InsufficientScope),
        ({"tenants": {"HQ"}}, {"tenant": "HQ"}, None),
        ({"tenants": {"HQ"}}, {"tenant": "hq"}, Forbidden),
        ({"tenants": {"HQ"}}, {}, Forbidden),
        ({"roles": {"a"}, "scopes": {"r"}}, {"roles": frozenset("a"), "scopes": frozenset("r")}, None),
        ({"roles": {"a"}, "scopes": {"r"}}, {"roles": frozenset("a")}, InsufficientScope),
    ],
)
def test_one_role_all_scopes_one_tenant(required, fields, error):
    requirements = Requirements(**{name: frozenset(items) for name, items in required.items()})

    if error is None:
        requirements.check(verified(**fields))
    else:
        with pytest.raises(error) as refused:
            requirements.check(verified(**fields))
        assert type(refused.value) is error


def test_an_anonymous_caller_was_let_in_by_the_whitelist_and_a_foreign_one_by_nobody():
    requirements = Requirements(roles=frozenset({"a"}))

    requirements.check(NOBODY)
    with pytest.raises(Forbidden):
        requirements.check(FOREIGN)


def test_a_route_knows_what_it_changes():
    make = Wired().route

    assert not make().changes_request
    assert make(remove_headers=frozenset({b"x"})).changes_request
    assert make(set_headers=(b"X", b": ", b"1", b"\r\n")).changes_request
    assert not make().rewrites_answer
    assert make(answer_remove=frozenset({b"x"})).rewrites_answer
