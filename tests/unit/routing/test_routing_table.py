"""Exact endpoints first, then the first route in file order, then nobody."""

from dataclasses import dataclass, field

import pytest

from gateway.errors import MethodNotAllowed, NotFound, UnsafePath
from gateway.model import Reply
from gateway.routing.patterns import AnonymousRules, Pattern
from gateway.routing.table import RouteTable, host_name, host_names


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    pattern: Pattern
    methods: frozenset[str] | None = None
    hosts: frozenset[bytes] | None = None
    anonymous: AnonymousRules = field(default_factory=AnonymousRules)
    allow_encoded: frozenset[str] = frozenset()


def route(name, path, *, methods=(), hosts=(), anonymous=(), allow=()):
    return Route(
        name,
        Pattern(path),
        frozenset(methods) or None,
        host_names(hosts),
        AnonymousRules(anonymous),
        frozenset(allow),
    )


async def login(call):
    return Reply(200, b"login " + call.path.encode())


async def end(call):
    return Reply(200, b"end " + call.path.encode())


def verdict(table, path, method="GET", host=b"erp.example"):
    found, anonymous = table.select(table.resolve(path), method, host)
    return found.name, anonymous


def test_the_first_matching_route_in_file_order_wins():
    table = RouteTable([route("one", "/{a}/x"), route("two", "/a/**"), route("three", "/**"), route("late", "/a/x")])

    assert verdict(table, b"/a/x") == ("one", False)
    assert verdict(table, b"/a/y") == ("two", False)
    assert verdict(table, b"/b") == ("three", False)
    assert verdict(table, b"/") == ("three", False)
    assert [found.name for found in table.resolve(b"/a/x").candidates] == ["one", "two", "three", "late"]


def test_no_route_means_no_answer():
    table = RouteTable([route("api", "/api/**")])

    with pytest.raises(NotFound):
        verdict(table, b"/other")
    with pytest.raises(NotFound):
        verdict(RouteTable([]), b"/")


def test_a_method_that_no_route_takes_is_not_found_rather_than_explained():
    table = RouteTable([route("read", "/x", methods=["GET"]), route("write", "/x", methods=["POST"])])

    assert verdict(table, b"/x", "POST") == ("write", False)
    for method in ("HEAD", "DELETE", "get", "BREW"):
        with pytest.raises(NotFound):
            verdict(table, b"/x", method)


def test_a_route_of_another_host_is_passed_over():
    table = RouteTable(
        [route("a", "/x", hosts=["A.example"]), route("b", "/x", hosts=["b.example"]), route("any", "/x/**")]
    )

    assert verdict(table, b"/x", host=b"a.example") == ("a", False)
    assert verdict(table, b"/x", host=b"A.EXAMPLE:8443") == ("a", False)
    assert verdict(table, b"/x", host=b"b.example.") == ("b", False)
    assert verdict(table, b"/x", host=b"c.example") == ("any", False)
    assert verdict(table, b"/x", host=b"c.example") == ("any", False)
    assert verdict(table, b"/x/y", host=b"a.example") == ("any", False)


def test_what_clients_send_as_host_or_method_fills_no_memory():
    table = RouteTable([route("a", "/x", hosts=["a.example"]), route("any", "/x")])
    target = table.resolve(b"/x")

    for number in range(1000):
        table.select(target, "GET", b"h%d.example" % number)
        table.select(target, f"M{number}", b"a.example")
    table.select(target, "GET", b"h" * 513)

    assert len(target.verdicts) == 1
    assert len(table._names) <= 256
    assert max(len(name) for name in table._names) <= 512


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        (b"ERP.Example", b"erp.example"),
        (b"erp.example:8080", b"erp.example"),
        (b"erp.example:", b"erp.example"),
        (b"erp.example.", b"erp.example"),
        (b"erp.example.:80", b"erp.example"),
        (b"[::1]", b"[::1]"),
        (b"[::1]:80", b"[::1]"),
        (b"127.0.0.1:80", b"127.0.0.1"),
        (b"", b""),
    ],
)
def test_a_host_is_compared_by_name(authority, name):
    assert host_name(authority) == name


def test_no_hosts_means_all_hosts():
    assert host_names([]) is None
    assert host_names(["A.example:80"]) == {b"a.example"}


def test_the_whitelist_is_per_method_and_path():
    table = RouteTable([route("api", "/api/**", anonymous=["GET /api/public/**", "/api/ping"])])

    assert verdict(table, b"/api/public/a") == ("api", True)
    assert verdict(table, b"/api/public/a", "POST") == ("api", False)
    assert verdict(table, b"/api/ping", "POST") == ("api", True)
    assert verdict(table, b"/api/pinga", "POST") == ("api", False)
    assert verdict(table, b"/api/publica") == ("api", False)


def test_one_spelling_is_judged_and_sent():
    table = RouteTable([route("api", "/api/**", anonymous=["/api/public/**"])])

    target = table.resolve(b"/%61pi/%70ublic/caf%c3%a9")

    assert target.path == b"/api/public/caf%C3%A9"
    assert table.select(target, "GET", b"") == (table.routes[0], True)


def test_an_escape_of_a_reserved_character_does_not_evade_a_stricter_route():
    """A back end that decodes reads %24metadata as $metadata; so does the table, while it is sent as it came."""
    table = RouteTable([route("strict", "/odata/$metadata"), route("weak", "/odata/**")])

    assert verdict(table, b"/odata/%24metadata") == ("strict", False)
    assert table.resolve(b"/odata/%24metadata").path == b"/odata/%24metadata"


def test_a_path_is_judged_once_and_remembered():
    table = RouteTable([route("api", "/**")])

    assert table.resolve(b"/x") is table.resolve(b"/x")


def test_a_very_long_path_is_judged_and_forgotten():
    table = RouteTable([route("api", "/**")])
    path = b"/" + b"a" * 512

    assert table.resolve(path) is not table.resolve(path)
    assert verdict(table, path) == ("api", False)


def test_the_memo_of_paths_is_bounded():
    table = RouteTable([route("api", "/**")])
    first = table.resolve(b"/0")

    for number in range(1, 4097):
        table.resolve(b"/%d" % number)

    assert len(table._memo) == 1
    assert table.resolve(b"/0") is not first


def test_a_refused_path_is_refused_again():
    table = RouteTable([route("api", "/**")])

    for _ in range(2):
        with pytest.raises(UnsafePath):
            table.resolve(b"/a/../b")


@pytest.mark.parametrize("raw", [b"/files/a%2Fb", b"/files/a%25b", b"/files/a%3Bb", b"/files/a;b"])
def test_an_encoded_delimiter_needs_the_routes_consent(raw):
    closed = RouteTable([route("files", "/files/**")])
    opened = RouteTable([route("files", "/files/**", allow=["slash", "percent", "semicolon"])])

    with pytest.raises(UnsafePath):
        verdict(closed, raw)
    assert verdict(opened, raw) == ("files", False)
    assert opened.resolve(raw).path == raw


def test_each_encoded_delimiter_needs_a_consent_of_its_own():
    table = RouteTable([route("files", "/files/**", allow=["slash"])])

    with pytest.raises(UnsafePath, match="semicolon, slash"):
        verdict(table, b"/files/a;b%2Fc")


def test_an_encoded_delimiter_where_no_route_is_stays_a_bad_request():
    table = RouteTable([route("files", "/files/**", allow=["slash"])])

    with pytest.raises(UnsafePath):
        verdict(table, b"/other/a%2Fb")


@pytest.mark.parametrize(
    "raw",
    [
        b"/files/x%2Fsecret",  # decoded: another route
        b"/files/public%2Fa",  # decoded: anonymous, raw: not
        b"/files%2Fx",  # decoded: this route, raw: none
        b"/files/x;v=1/secret",  # without parameters: another route
        b"/files/x%252Fsecret",  # decoded twice
        b"/files/x%3Fy/secret",  # split after decoding
        b"/files/x%EF%BC%8Fsecret",  # full-width solidus
    ],
)
def test_readings_that_would_be_judged_differently_are_refused(raw):
    table = RouteTable(
        [
            route("secret", "/files/*/secret"),
            route("files", "/files/**", anonymous=["GET /files/public/**"], allow=["slash", "percent", "semicolon"]),
        ]
    )

    with pytest.raises(UnsafePath):
        verdict(table, raw)


def test_readings_are_compared_for_the_method_in_question():
    table = RouteTable([route("list", "/files/*", methods=["GET"]), route("files", "/files/**", allow=["slash"])])

    assert verdict(table, b"/files/a%2Fb", "PUT") == ("files", False)
    with pytest.raises(UnsafePath):
        verdict(table, b"/files/a%2Fb", "GET")


ENDPOINTS = {
    b"/auth/login": [(None, {"POST": login})],
    b"/auth/sessions": [(None, {"GET": login, "DELETE": end})],
    b"/auth/sessions/{id}": [(None, {"DELETE": end})],
}


def endpoint(table, path, method="POST", host=b"erp.example"):
    return table.endpoint(table.resolve(path), method, host)


def test_a_login_answers_at_its_exact_endpoints_only():
    table = RouteTable([route("rest", "/**")], ENDPOINTS)

    assert endpoint(table, b"/auth/login") is login
    assert endpoint(table, b"/auth/log%69n") is login
    assert endpoint(table, b"/auth/sessions", "DELETE") is end
    for path in (b"/auth", b"/auth/", b"/auth/login/", b"/auth/loginx", b"/auth/login/x", b"/AUTH/login"):
        assert endpoint(table, path) is None
        assert verdict(table, path) == ("rest", False)


def test_a_last_segment_may_be_variable():
    table = RouteTable([], ENDPOINTS)

    assert endpoint(table, b"/auth/sessions/s-1", "DELETE") is end
    assert endpoint(table, b"/auth/sessions/a%20b", "DELETE") is end
    assert endpoint(table, b"/auth/sessions/", "DELETE") is None
    assert endpoint(table, b"/auth/sessions/a/b", "DELETE") is None


def test_a_known_endpoint_with_another_method_names_the_right_ones():
    table = RouteTable([route("rest", "/**")], ENDPOINTS)

    with pytest.raises(MethodNotAllowed) as refusal:
        endpoint(table, b"/auth/sessions", "PUT")

    assert (refusal.value.allow, refusal.value.method) == (("DELETE", "GET"), "PUT")
    with pytest.raises(MethodNotAllowed):
        endpoint(table, b"/auth/sessions/s-1", "GET")


def test_an_exact_endpoint_stands_beside_a_variable_one():
    table = RouteTable([], {b"/s/{id}": [(None, {"DELETE": end})], b"/s/all": [(None, {"GET": login})]})

    assert endpoint(table, b"/s/all", "GET") is login
    assert endpoint(table, b"/s/all", "DELETE") is end


def test_logins_on_different_hosts_may_share_a_path():
    table = RouteTable(
        [route("rest", "/**")],
        {b"/auth/login": [(host_names(["a.example"]), {"POST": login}), (host_names(["b.example"]), {"PUT": end})]},
    )

    assert endpoint(table, b"/auth/login", "POST", b"A.example:80") is login
    assert endpoint(table, b"/auth/login", "PUT", b"b.example") is end
    assert endpoint(table, b"/auth/login", "POST", b"c.example") is None
    with pytest.raises(MethodNotAllowed) as refusal:
        endpoint(table, b"/auth/login", "POST", b"b.example")
    assert refusal.value.allow == ("PUT",)


def test_two_logins_may_offer_variable_endpoints_below_one_path():
    table = RouteTable(
        [],
        {
            b"/s/{id}": [(host_names(["a.example"]), {"DELETE": login})],
            b"/s/{key}": [(host_names(["b.example"]), {"DELETE": end})],
        },
    )

    assert endpoint(table, b"/s/1", "DELETE", b"a.example") is login
    assert endpoint(table, b"/s/1", "DELETE", b"b.example") is end


@pytest.mark.parametrize(
    "raw", [b"/auth%2Flogin", b"/auth/login;x", b"/auth/login%3Fx", b"/auth/sessions/a%2Fb", b"/auth/sessions/a;b"]
)
def test_a_path_that_is_only_in_some_readings_an_endpoint_is_refused(raw):
    table = RouteTable([route("rest", "/**", allow=["slash", "percent", "semicolon"])], ENDPOINTS)

    with pytest.raises(UnsafePath):
        table.resolve(raw)
