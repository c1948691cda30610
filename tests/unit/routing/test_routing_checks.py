"""Routes that never match and weaker routes behind stricter ones are said aloud; everything else is left in peace."""

import pytest

from gateway.routing.checks import Guard, review
from gateway.routing.patterns import AnonymousRules, Pattern
from gateway.routing.table import host_names


def guard(name, path, *, methods=(), hosts=(), anonymous=(), upstream="erp", **demands):
    return Guard(
        name=name,
        pattern=Pattern(path),
        upstream=upstream,
        methods=frozenset(methods) or None,
        hosts=host_names(hosts),
        anonymous=AnonymousRules(anonymous),
        **{key: frozenset(value) if isinstance(value, list) else value for key, value in demands.items()},
    )


def messages(*guards):
    return [(warned.route, warned.message) for warned in review(guards)]


def test_a_route_behind_one_that_takes_all_its_requests_never_matches():
    assert messages(guard("all", "/x/**"), guard("late", "/x/y")) == [
        ("late", 'never matches: "all" before it takes all of its requests')
    ]


def test_several_routes_together_may_leave_nothing():
    assert (
        messages(
            guard("read", "/x/**", methods=["GET"]),
            guard("write", "/x/**", methods=["POST"]),
            guard("late", "/x/y", methods=["GET", "POST"]),
        )[0][0]
        == "late"
    )
    assert (
        messages(
            guard("a", "/x/**", hosts=["a.example"]),
            guard("b", "/x/**", hosts=["b.example"]),
            guard("late", "/x/y", hosts=["a.example", "b.example"]),
        )[0][0]
        == "late"
    )


@pytest.mark.parametrize(
    "late",
    [
        guard("late", "/x/**"),
        guard("late", "/x/y", methods=["GET", "POST"]),
        guard("late", "/y"),
        guard("late", "/x/y", methods=["POST"]),
    ],
)
def test_a_route_that_still_gets_requests_is_left_in_peace(late):
    assert messages(guard("first", "/x/*", methods=["GET"]), late) == []


def test_a_host_that_is_left_is_enough_to_match():
    assert messages(guard("first", "/x", hosts=["a.example"]), guard("late", "/x")) == []


def test_an_anonymous_entry_outside_its_route_is_pointed_out():
    found = messages(
        guard("api", "/api/**", methods=["GET"], anonymous=["/apj/ping", "POST /api/ping", "GET /api/ping", "/**"])
    )

    assert [message.split('"')[1] for _, message in found] == ["/apj/ping", "POST /api/ping"]


WEAKER = [
    ({"roles": ["admin"]}, {}, "accepts other roles"),
    ({"roles": ["admin"]}, {"roles": ["admin", "sales"]}, "accepts other roles"),
    ({"tenants": ["a"]}, {}, "accepts other tenants"),
    ({"logins": ["staff"]}, {"logins": ["public"]}, "accepts other logins"),
    ({"scopes": ["read", "write"]}, {"scopes": ["read"]}, "demands fewer scopes"),
    ({}, {"public": True}, "is public"),
    ({}, {"passes_foreign": True}, "passes foreign credentials"),
    ({}, {"anonymous": ["/api/**"]}, "needs no credential there"),
    ({"anonymous": ["GET /api/admin/**"]}, {"anonymous": ["/api/**"]}, "needs no credential there"),
]


@pytest.mark.parametrize(("strict", "weak", "reason"), WEAKER)
def test_a_broader_and_weaker_route_behind_a_stricter_one_is_pointed_out(strict, weak, reason):
    found = messages(guard("admin", "/api/admin/**", **strict), guard("api", "/api/**", **weak))

    assert [route for route, _ in found] == ["api"]
    assert f"weaker: it {reason};" in found[0][1]
    assert 'broader than "admin"' in found[0][1]


@pytest.mark.parametrize(
    ("strict", "weak"),
    [
        ({}, {}),
        ({"roles": ["a", "b"]}, {"roles": ["a"]}),
        ({"scopes": ["read"]}, {"scopes": ["read", "write"]}),
        ({"public": True}, {"public": True}),
        ({"passes_foreign": True}, {"passes_foreign": True}),
        ({}, {"anonymous": ["/api/public/**"]}),
        ({"anonymous": ["/api/admin/**"]}, {"anonymous": ["GET /api/**"]}),
        ({"roles": ["admin"]}, {"upstream": "other"}),
    ],
)
def test_a_broader_route_that_is_no_weaker_is_left_in_peace(strict, weak):
    assert messages(guard("admin", "/api/admin/**", **strict), guard("api", "/api/**", **weak)) == []


def test_the_usual_split_by_method_is_left_in_peace():
    assert messages(guard("write", "/api/**", methods=["POST"], roles=["admin"]), guard("read", "/api/**")) == []
