import pytest
from fakes.configs import MINIMAL


def upstream(line):
    return f"upstreams:\n  odoo: {{{line}}}\n" + MINIMAL.partition("\n")[2].partition("\n")[2]


SERVER = 'servers: ["http://127.0.0.1:8069"]'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("servers: []", "upstreams.odoo.servers: is empty"),
        ("balance: round_robin", "upstreams.odoo.servers: is missing"),
        ('servers: ["http://h", "http://h:80"]', 'upstreams.odoo.servers: lists "http://h" twice'),
        ('servers: ["http://h/odoo"]', "upstreams.odoo.servers[0]: must be an origin"),
        ('servers: "http://h"', "upstreams.odoo.servers: must be a list"),
        (f"{SERVER}, balance: random", "balance: must be one of round_robin, least_connections"),
        (f"{SERVER}, health_check: {{}}", "health_check.path: is missing"),
        (f"{SERVER}, health_check: {{path: web}}", "health_check.path: must be a path"),
        (f"{SERVER}, timeouts: {{connect: 0s}}", "timeouts.connect: must be more than zero"),
        (f"{SERVER}, tls: {{certificate_file: c.pem}}", "tls.private_key_file: is missing"),
        (f"{SERVER}, tls: {{ca_file: missing.pem}}", "tls.ca_file: cannot read missing.pem"),
        (f"{SERVER}, identity_headers: {{user: 'X Auth'}}", "identity_headers.user: must be a header name"),
        (f"{SERVER}, identity_headers: {{user: Host}}", 'identity_headers.user: "Host" belongs to the message itself'),
        (
            f"{SERVER}, identity_headers: {{user: x_auth_roles}}",
            'roles: "X-Auth-Roles" is the same header as another one here',
        ),
        (f"{SERVER}, assertion: {{header: X-Auth-User}}", '"X-Auth-User" is one of the identity headers'),
        (
            f"{SERVER}, injector: basic",
            "injector: must be none, or one of basic, bearer, header, erp_session with its options",
        ),
        (f"{SERVER}, injector: {{}}", "injector: must name exactly one of"),
        (f"{SERVER}, injector: {{basic: {{}}, bearer: {{}}}}", "injector: must name exactly one of"),
        (f"{SERVER}, injector: {{bearer: abc}}", "injector: bearer must be a mapping"),
        (f"{SERVER}, injector: {{heeder: {{}}}}", 'injector: there is no injector "heeder"; did you mean "header"?'),
    ],
)
def test_an_upstream_that_is_not_described_right_is_refused(refused, line, expected):
    problems = refused(upstream(line), files={"c.pem": "x"})

    assert len(problems) == 1, problems
    assert expected in problems[0]


def test_an_injector_keeps_its_options_for_its_own_model(load_text):
    injector = load_text(upstream(f"{SERVER}, injector: {{bearer: {{token: hush}}}}")).config.upstreams["odoo"].injector

    assert injector.type == "bearer"
    assert injector.options == {"token": "hush"}
    assert "hush" not in repr(injector)
    assert "hush" not in injector.model_dump_json(exclude={"options"})


def test_no_injector_is_the_default_and_can_be_said(load_text):
    assert load_text(MINIMAL).config.upstreams["odoo"].injector.type == "none"
    assert load_text(upstream(f"{SERVER}, injector: none")).config.upstreams["odoo"].injector.type == "none"


def test_an_assertion_is_made_only_where_it_is_written(load_text):
    assert load_text(MINIMAL).config.upstreams["odoo"].assertion is None
    assertion = load_text(upstream(f"{SERVER}, assertion: {{audience: erp}}")).config.upstreams["odoo"].assertion
    assert (assertion.header, assertion.audience, assertion.ttl) == ("X-Gateway-Assertion", "erp", 60.0)
