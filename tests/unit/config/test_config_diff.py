import pytest

from gateway.config.diff import changes
from gateway.config.schema import Config

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43


def config(**sections):
    return Config.model_validate(
        {
            "upstreams": {"erp": {"servers": ["http://127.0.0.1:8069"]}},
            "routes": [{"name": "a", "path": "/a/**", "upstream": "erp"}],
            **sections,
        }
    )


def lines(old, new):
    return [str(change) for change in changes(old, new)]


def route(name, **keys):
    return {"name": name, "path": f"/{name}/**", "upstream": "erp", **keys}


def test_equal_configurations_have_no_differences():
    assert lines(config(), config(server={"listen": "127.0.0.1:8080", "timeouts": {"header": "10000ms"}})) == []


def test_values_are_spelled_as_in_the_file():
    old = config(server={"timeouts": {"header": "10s"}, "limits": {"body_bytes": "1MiB"}})
    new = config(
        server={
            "timeouts": {"header": "1m"},
            "limits": {"body_bytes": "64KiB"},
            "public_url": "https://api.example.com",
        }
    )

    assert lines(old, new) == [
        "~ server.public_url: (none) -> https://api.example.com",
        "~ server.timeouts.header: 10s -> 1m",
        "~ server.limits.body_bytes: 1MiB -> 64KiB",
    ]


def test_routes_are_told_by_name_not_by_position():
    old = config(routes=[route("a"), route("b")])
    new = config(routes=[route("new"), route("a", public=True), route("b")])

    assert lines(old, new) == [
        "~ routes[a].public: false -> true",
        "+ routes[new]: {name: new, path: /new/**, upstream: erp}",
    ]


def test_the_order_of_routes_is_meaning():
    old = config(routes=[route("a"), route("b")])
    new = config(routes=[route("b"), route("a")])

    assert lines(old, new) == ["~ routes (order): a, b -> b, a"]


def test_what_is_removed_is_told():
    old = config(upstreams={"erp": {"servers": ["http://127.0.0.1:1"]}, "old": {"servers": ["http://127.0.0.1:2"]}})
    new = config(upstreams={"erp": {"servers": ["http://127.0.0.1:1"]}})

    assert lines(old, new) == ["- upstreams.old: {servers: [http://127.0.0.1:2]}"]


def users(password_hash):
    return {"staff": {"type": "users", "users": [{"username": "a", "password_hash": password_hash, "id": 1}]}}


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ({"store": {"password": "SECRETone"}}, {"store": {"password": "SECRETtwo"}}, "store.password"),
        ({}, {"admin": {"token": "SECRET" * 8}}, "admin.token"),
        (
            {"signing_keys": [{"kid": "k", "algorithm": "HS256", "secret": "SECRETone" * 8}]},
            {"signing_keys": [{"kid": "k", "algorithm": "HS256", "secret": "SECRETtwo" * 8}]},
            "signing_keys[k].secret",
        ),
        ({}, {"signing_keys": [{"kid": "k", "algorithm": "HS256", "secret": "SECRETone" * 8}]}, "signing_keys[k]"),
        (
            {"identity_providers": users(HASH)},
            {"identity_providers": users(HASH.replace("AAA", "SECRET"))},
            "identity_providers.staff.users",
        ),
        ({}, {"identity_providers": users(HASH.replace("AAA", "SECRET"))}, "identity_providers.staff"),
        (
            {"upstreams": {"erp": {"servers": ["http://h"], "injector": {"bearer": {"token": "SECRETone"}}}}},
            {"upstreams": {"erp": {"servers": ["http://h"], "injector": {"bearer": {"token": "SECRETtwo"}}}}},
            "upstreams.erp.injector.token",
        ),
        (
            {"routes": [route("a", request_headers={"set": {"X-Internal": "SECRETone"}})]},
            {"routes": [route("a", request_headers={"set": {"X-Internal": "SECRETtwo"}})]},
            "routes[a].request_headers.set.X-Internal",
        ),
        (
            {"routes": [route("a", request_headers={"set": {"X-In.ternal": "SECRETone"}})]},
            {"routes": [route("a", request_headers={"set": {"X-In.ternal": "SECRETtwo"}})]},
            "routes[a].request_headers.set.X-In.ternal",
        ),
        (
            {},
            {"api_keys": [{"id": "k", "hash": "sha256:" + "5ec2e7" * 10 + "abcd", "user": "scanner"}]},
            "api_keys[k]",
        ),
    ],
)
def test_a_secret_that_differs_is_named_and_not_shown(old, new, where):
    (change,) = changes(config(**old), config(**new))

    assert change.where == where
    assert "SECRET" not in str(change)
    assert "5ec2e7" not in str(change)


def test_a_changed_secret_says_so():
    old, new = config(store={"password": "one"}), config(store={"password": "two"})

    assert lines(old, new) == ["~ store.password: (hidden) -> (hidden), changed"]


@pytest.mark.parametrize(
    ("sections", "restart"),
    [
        ({"server": {"listen": "127.0.0.1:9090"}}, True),
        ({"server": {"limits": {"connections": 5}}}, False),
        ({"server": {"limits": {"body_bytes": 5}}}, False),
        ({"store": {"timeout": "1s"}}, True),
        ({"admin": {"hosts": ["admin.example.com"]}}, True),
        ({"logs": {"level": "debug"}}, True),
        ({"routes": [{"name": "b", "path": "/b", "upstream": "erp"}]}, False),
    ],
)
def test_keys_read_once_at_the_start_need_a_restart(sections, restart):
    assert {change.needs_restart for change in changes(config(), config(**sections))} == {restart}
