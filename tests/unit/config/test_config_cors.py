import pytest
from fakes.configs import FULL, FULL_FILES, MINIMAL


def on_route(line):
    return MINIMAL.replace("upstream: odoo}", f"upstream: odoo, cors: {{{line}}}}}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("origins: ['*'], credentials: true", 'cors.credentials: cannot be true for everyone: list the origins instead of "*"'),
        ("origins: ['*', 'https://a.example']", 'cors.origins: holds "*", which is everyone, and others'),
        ("origins: ['https://a.example', 'https://A.example:443']", 'cors.origins: lists "https://a.example" twice'),
        ("origins: [a.example]", "cors.origins[0]: must be a URL that begins with http:// or https://"),
        ("origins: ['null']", "cors.origins[0]: must be a URL"),
        ("origins: ['https://*.example.com']", "cors.origins[0]: must be a host name"),
        ("origins: ['https://a.example/app']", "cors.origins[0]: must be an origin"),
        ("origins: '*'", "cors.origins: must be a list"),
        ("methods: ['*']", "cors.methods[0]: must be an HTTP method in upper case"),
        ("methods: [put]", 'cors.methods[0]: must be an HTTP method in upper case; did you mean "PUT"?'),
        ("headers: ['*']", "cors.headers[0]: is no header name; leave `headers` out to allow all"),
        ("headers: ['a b']", "cors.headers[0]: must be a header name"),
        ("max_age: 600", "cors.max_age: must be a duration"),
        ("credential: true", 'cors.credential: unknown key; did you mean "credentials"?'),
    ],
)  # fmt: skip
def test_rules_that_browsers_would_not_follow_are_refused(refused, line, expected):
    problems = refused(on_route(line))

    assert len(problems) == 1, problems
    assert expected in problems[0]


def test_no_origin_is_allowed_unless_it_is_listed(load_text):
    found = load_text(on_route("")).config.routes[0].cors

    assert (found.origins, found.methods, found.headers, found.credentials) == ((), (), (), False)
    assert found.max_age == 600.0


def test_origins_are_spelled_as_browsers_do(load_text):
    found = load_text(
        on_route("origins: ['HTTPS://App.Example:443', 'http://localhost:3000', 'http://[::1]:80']")
    ).config.routes[0]

    assert found.cors.origins == ("https://app.example", "http://localhost:3000", "http://[::1]")


def test_everyone_is_allowed_where_no_cookie_counts(load_text):
    assert load_text(on_route("origins: ['*']")).config.routes[0].cors.origins == ("*",)


def test_a_login_has_rules_of_its_own(load_text):
    logins = load_text(FULL, files=FULL_FILES).config.logins

    assert logins["oauth2"].cors.origins == ("https://app.example.com",)
    assert logins["native"].cors is None
