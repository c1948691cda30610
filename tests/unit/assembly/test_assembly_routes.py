import pytest
from fakes.presented import Presented, verified

from gateway.config.problems import ConfigRefused
from gateway.errors import CredentialsMissing


def route(assembler, text, **sections):
    (made,) = assembler(routes=f"[{{name: one, path: /one/**, upstream: erp, {text}}}]", **sections).rules.table.routes
    return made


def test_a_bare_route_has_the_defaults(assembler):
    made = route(assembler, "")

    assert made.pattern.text == "/one/**"
    assert (made.methods, made.hosts, made.requirements, made.public) == (None, None, None, False)
    assert made.body_limit == 100 * 1024 * 1024
    assert (made.response_timeout, made.idle_timeout) == (60.0, 60.0)
    assert made.url_token_methods == {"GET", "HEAD"}
    assert not made.form_tokens
    assert not made.changes_request
    assert not made.rewrites_answer


def test_what_is_written_arrives(assembler):
    made = route(
        assembler,
        "methods: [GET, PUT], hosts: [Erp.Example], require: {roles: [sales], scopes: [r], tenants: [HQ]}, "
        "timeouts: {response: 2m}, limits: {body_bytes: 0}, strip_prefix: /one, allow_encoded: [slash], "
        "credentials: [access_token], access_token_methods: [POST], access_token_in_form: true, on_foreign: pass, "
        "allow_underscore_headers: [API_KEY], request_headers: {set: {X-Zone: in}, remove: [X_Debug]}, "
        "response_headers: {set: {X-Frame-Options: DENY}, remove: [Server]}",
    )

    assert made.methods == {"GET", "PUT"}
    assert made.hosts == {b"erp.example"}
    assert made.requirements.roles == {"sales"}
    assert made.response_timeout == 120.0
    assert made.body_limit == 0
    assert made.strip_prefix == b"/one"
    assert made.allow_encoded == {"slash"}
    assert (made.url_token_methods, made.form_tokens, made.foreign_url_tokens_pass) == ({"POST"}, True, True)
    assert made.underscore_headers == {b"api_key"}
    assert made.set_headers == (b"X-Zone", b": ", b"in", b"\r\n")
    assert made.remove_headers == {b"x-zone", b"x-debug"}, "what is set replaces what came"
    assert made.answer_remove == {b"server", b"x-frame-options"}


@pytest.mark.parametrize(
    "prefix",
    [
        "/one/",
        "one",
        "/o?e",
        "/*",
        "/{x}",
        "/caf\u00e9",
        "/%6fne",
        "/a%20b",
        "/.",
        "/one/..",
        "//one",
        "/a;b",
        "/a b",
        "/a\\b",
        "/two",
    ],
)
def test_a_prefix_that_no_path_of_the_route_begins_with_is_refused(assembler, prefix):
    with pytest.raises(ConfigRefused) as refused:
        assembler(routes=f"[{{name: one, path: /one/**, upstream: erp, strip_prefix: '{prefix}'}}]")

    assert "strip_prefix" in str(refused.value.problems[0])


def test_the_injectors_headers_are_known_folded(assembler):
    made = route(
        assembler, "", upstreams='{erp: {servers: ["http://h"], injector: {header: {name: X_Erp.Key, value: k}}}}'
    )

    assert made.owned_headers == {b"x-erp-key"}
    assert b"X_Erp.Key: k\r\n" in made.identity_lines(verified())


@pytest.mark.parametrize(
    ("injected", "removed"), [("Cookie", b"cookie"), ("Origin", b"origin"), ("REFERER", b"referer"), ("X-K", None)]
)
def test_a_header_of_the_injectors_never_passes_from_a_client_though_it_does_elsewhere(assembler, injected, removed):
    """The ERP saw the client's cookies beside the injected one, and went by the first."""
    upstreams = f"{{erp: {{servers: ['http://h'], injector: {{header: {{name: {injected}, value: a=1}}}}}}}}"

    made = route(assembler, "request_headers: {remove: [X-Debug]}", upstreams=upstreams)

    assert made.remove_headers == {b"x-debug"} | ({removed} - {None})
    assert made.changes_request


def test_an_injector_of_another_name_costs_a_request_nothing(assembler):
    upstreams = "{erp: {servers: ['http://h'], injector: {basic: {username: u, password: p}}}}"

    assert not route(assembler, "", upstreams=upstreams).changes_request


def test_pages_at_the_public_url_are_our_own(assembler):
    built = assembler(
        server="{public_url: 'https://erp.example/base'}",
        logins="{odoo: {dialect: odoo, path: /web/session, identity_provider: staff}}",
        routes="[{name: one, path: /one/**, upstream: erp, credentials: [cookie]}]",
    )

    (made,) = built.rules.table.routes
    assert made.authenticator._origins == {b"https://erp.example"}


def test_the_credentials_of_the_route_are_its_own(assembler):
    class Nothing:
        authorization = api_key = cookie = url_token = None

    made = route(assembler, "credentials: [access_token]")

    assert made.authenticator.takes_url_tokens
    with pytest.raises(CredentialsMissing):
        made.authenticator.identify(Nothing(), anonymous=False)


OTHER = "{name: b, path: /b, upstream: erp, credentials: [api_key]}"
"""A route that no client of the login's comes to."""


@pytest.mark.parametrize(
    ("options", "methods", "forms"),
    [
        ("credentials: [bearer, access_token]", None, True),
        ("credentials: [bearer]", None, False),
        ("credentials: [access_token], access_token_methods: [GET], access_token_in_form: false", {"GET"}, False),
    ],
)
def test_where_a_url_token_counts_is_the_dialects_unless_the_route_says_it(assembler, options, methods, forms):
    built = assembler(
        logins="{jmix: {dialect: jmix, path: /oauth, identity_provider: staff}}",
        routes=f"[{{name: a, path: /a, upstream: erp, errors: jmix, {options}}}, {OTHER}]",
    )
    first, second = built.rules.table.routes

    assert (first.url_token_methods, first.form_tokens) == (methods, forms)
    assert (second.url_token_methods, second.form_tokens) == ({"GET", "HEAD"}, False)
    assert first.authenticator.outranks_url_token(Presented(b"Bearer x"))
    assert not second.authenticator.outranks_url_token(Presented(b"Bearer x"))


ITEMPATH = "itempath: {dialect: itempath, path: /api/users, identity_provider: staff}"
ODOO = "odoo: {dialect: odoo, path: /web/session, identity_provider: staff}"
NATIVE = "native: {dialect: native, path: /auth, identity_provider: staff}"


@pytest.mark.parametrize(
    ("logins", "options", "told"),
    [
        ([ITEMPATH], "", b'{"msg":"Missing Authorization Header"}\n'),
        ([ITEMPATH, ODOO], "", b'{"msg":"Missing Authorization Header"}\n'),
        ([ITEMPATH, ODOO], ", credentials: [bearer, cookie]", b'{"error":"unauthorized"'),
        ([ITEMPATH], ", credentials: [api_key]", b'{"error":"unauthorized"'),
        ([ITEMPATH, NATIVE], "", b'{"error":"unauthorized"'),
        ([ODOO], ", credentials: [cookie]", b'{"error":"unauthorized"'),
    ],
)
def test_errors_are_spelled_by_the_only_login_whose_tokens_come_this_way(assembler, logins, options, told):
    built = assembler(logins=f"{{{', '.join(logins)}}}", routes=f"[{{name: a, path: /a, upstream: erp{options}}}]")

    (route,) = built.rules.table.routes
    reply = route.refuse(CredentialsMissing(), "r")

    assert reply.body.startswith(told)


def test_errors_are_spelled_by_errors_or_the_only_login(assembler):
    logins = "{native: {dialect: native, path: /auth, identity_provider: staff}, oauth2: {dialect: oauth2, path: /oauth2, identity_provider: staff}}"
    built = assembler(
        logins=logins,
        routes="[{name: a, path: /a, upstream: erp, errors: oauth2}, {name: b, path: /b, upstream: erp, logins: [oauth2]}, {name: c, path: /c, upstream: erp}]",
    )

    replies = [each.refuse(CredentialsMissing(), "r") for each in built.rules.table.routes]

    assert [reply.status for reply in replies] == [401, 401, 401]
    assert built.rules.table.routes[2].refuse is built.rules.refuse


def test_a_route_that_can_never_match_is_warned_of_at_its_line(assembler):
    built = assembler(routes="[{name: all, path: /**, upstream: erp}, {name: late, path: /late, upstream: erp}]")

    assert [
        warning.where for warning in built.loaded.warnings if "late" in warning.where or "routes[1]" in warning.where
    ]


ODOO = "{odoo: {dialect: odoo, path: /web/session, identity_provider: staff}}"


@pytest.mark.parametrize(
    "text",
    [
        'anonymous: ["/one/**"]',
        'anonymous: ["POST /web/database/list", /web/webclient/version_info]',
        'anonymous: ["/web/databases/**"]',
        "public: true",
    ],
)
def test_what_an_erp_shows_to_everyone_may_be_opened(assembler, text):
    assert route(assembler, f"{text}, errors: odoo", logins=ODOO)


@pytest.mark.parametrize(
    ("text", "path", "where"),
    [
        ('anonymous: ["/web/database/manager"]', "/**", "anonymous[0]"),
        ('anonymous: ["/one", "/web/database/*"]', "/**", "anonymous[1]"),
        ('anonymous: ["/web/**"]', "/**", "anonymous[0]"),
        ('anonymous: ["GET /**"]', "/**", "anonymous[0]"),
        ('anonymous: ["/web/{what}/list"]', "/**", "anonymous[0]"),
        ("public: true", "/**", "path"),
        ("public: true", "/web/database/drop", "path"),
    ],
)
@pytest.mark.parametrize("how", ["errors: odoo", "logins: [odoo]"])
def test_the_database_manager_of_odoo_is_never_opened_to_everyone(assembler, text, path, where, how):
    with pytest.raises(ConfigRefused) as refused:
        assembler(routes=f"[{{name: one, path: {path}, upstream: erp, {text}, {how}}}]", logins=ODOO)

    (problem,) = refused.value.problems
    assert problem.message == "opens /web/database/** to everyone; only /web/database/list may be"
    assert where in str(problem)


def test_other_dialects_do_not_mind(assembler):
    assert route(assembler, 'anonymous: ["/web/**"]')
