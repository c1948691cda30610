import pytest
from fakes.configs import HASH, MINIMAL, USERS

TWO_PROVIDERS = MINIMAL + USERS.replace(
    "logins:",
    f'  guests: {{type: users, users: [{{username: G, password_hash: "{HASH}", id: 1}}]}}\nlogins:\n'
    "  outside: {dialect: oauth2, path: /outside, identity_provider: guests}",
)


def two_providers(route):
    return TWO_PROVIDERS.replace("path: /**, upstream: odoo", f"path: /a/**, upstream: odoo{route}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL.replace("upstream: odoo", "upstream: oddo"), 'routes[0].upstream: no upstream named "oddo"; did you mean "odoo"?'),
        (MINIMAL.replace("odoo}", "odoo, logins: [nativ]}") + USERS, 'routes[0].logins[0]: no login named "nativ"; did you mean "native"?'),
        (MINIMAL.replace("odoo}", "odoo, errors: jdx}") + USERS, 'routes[0].errors: no login named "jdx"'),
        (MINIMAL + USERS.replace("provider: staff", "provider: stuff"), 'identity_provider: no identity provider named "stuff"; did you mean "staff"?'),
        (MINIMAL + USERS.replace("path: /auth", "path: /auth, signing_key: k9"), 'logins.native.signing_key: no signing key named "k9"'),
        (MINIMAL + USERS + f'clients: [{{id: a, secret_hash: "{HASH}", logins: [oauth2]}}]\n', 'clients[0].logins[0]: no login named "oauth2"'),
        (MINIMAL + f"api_keys: [{{id: a, hash: 'sha256:{'5a' * 32}', user: u, routes: [al]}}]\n", 'api_keys[0].routes[0]: no route named "al"; did you mean "all"?'),
        (MINIMAL + "  - {name: all, path: /b, upstream: odoo}\n", 'routes[1].name: there is another route named "all"'),
        (MINIMAL + "  - {name: route-2, path: /b, upstream: odoo}\n  - {path: /c, upstream: odoo}\n", 'routes[2]: there is another route named "route-2"'),
        (MINIMAL + f'clients: [{{id: a, secret_hash: "{HASH}"}}, {{id: a, secret_hash: "{HASH}"}}]\n', 'clients[1].id: there is another client named "a"'),
        (MINIMAL + "".join(("api_keys:\n", *(f"  - {{id: {i}, hash: 'sha256:{'5a' * 32}', user: u}}\n" for i in "ab"))), "api_keys[1].hash: there is another API key with this hash"),
        (MINIMAL + "signing_keys: [{kid: k, algorithm: HS256}, {kid: k, algorithm: HS512}]\n", "signing_keys[1].kid: there is another signing key"),
        (MINIMAL + USERS + "  again: {dialect: native, path: /auth, identity_provider: staff}\n", "logins.again.path: there is another login on this path"),
    ],
)  # fmt: skip
def test_a_name_is_given_once_and_used_as_given(refused, text, expected):
    problems = refused(text)

    assert len(problems) == 1, problems
    assert expected in problems[0]


def test_an_unwritten_route_name_can_be_used_by_a_key(load_text):
    text = (
        MINIMAL.replace("name: all, ", "")
        + f"api_keys: [{{id: a, hash: 'sha256:{'5a' * 32}', user: u, routes: [route-0]}}]\n"
    )

    assert load_text(text).config.api_keys[0].routes == ("route-0",)


def test_the_same_path_on_other_hosts_is_another_login(load_text):
    more = "  again: {dialect: native, path: /auth, identity_provider: staff, hosts: [b.example.com]}\n"

    load_text(MINIMAL + USERS + more)


def test_with_two_identity_providers_a_route_says_whose_users_it_means(refused):
    assert refused(two_providers("")) == [
        "4:5: routes[0]: must name its `logins`: they use more than one identity provider"
    ]


@pytest.mark.parametrize(
    "route",
    [
        ", logins: [native]",
        ", logins: [native, outside]",
        ", public: true",
        ", anonymous: ['/a/**']",
        ", anonymous: ['/**']",
        ", methods: [GET, HEAD], anonymous: ['GET /a/**', 'HEAD /a/**']",
    ],
)
def test_a_route_that_names_its_logins_or_asks_nobody_is_fine(load_text, route):
    load_text(two_providers(route))


@pytest.mark.parametrize(
    "route",
    [
        ", logins: []",
        ", public: false",
        ", anonymous: ['/a']",
        ", anonymous: ['GET /a/**']",
        ", methods: [GET, POST], anonymous: ['GET /a/**']",
        ", anonymous: ['/a/b/**']",
    ],
)
def test_a_route_that_is_anonymous_in_part_only_still_names_its_logins(refused, route):
    assert "must name its `logins`" in refused(two_providers(route))[0]


def test_a_mistake_in_one_section_does_not_hide_those_in_others(refused):
    text = two_providers(", upsteam: x").replace("upstream: odoo", "upstream: oddo") + "server: 1\n"

    assert [problem.split(": ")[1] for problem in refused(text)] == [
        "routes[0]",
        "routes[0].upstream",
        "routes[0].upsteam",
        "server",
    ]
