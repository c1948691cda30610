import pytest
from fakes.configs import MINIMAL, USERS


def route(line, text=MINIMAL):
    return text.replace("upstream: odoo}", f"upstream: odoo, {line}}}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("methods: [get]", 'methods[0]: must be an HTTP method in upper case; did you mean "GET"?'),
        ("methods: []", "methods: is empty"),
        ("methods: [GET, GET]", 'methods: lists "GET" twice'),
        ("methods: [TRACE]", "methods[0]: TRACE is never forwarded"),
        ("methods: ['*']", "methods[0]: must be an HTTP method in upper case"),
        ("hosts: ['erp:80']", "hosts[0]: must be a host name"),
        ("credentials: []", "credentials: is empty"),
        ("credentials: [apikey]", 'must be one of bearer, api_key, access_token, cookie, jsonrpc, xmlrpc; did you mean "api_key"?'),
        ("anonymous: [public]", "anonymous[0]: must begin with '/'"),
        ("anonymous: ['get /public']", 'anonymous[0]: must be an HTTP method in upper case; did you mean "GET"?'),
        ("anonymous: ['GET  /public']", "anonymous[0]: must begin with '/'"),
        ("anonymous: ['/a#b']", 'anonymous[0]: holds "#"'),
        ("anonymous: ['/a//b']", 'anonymous[0]: holds "//"'),
        ("foreign_credentials: accept", "foreign_credentials: must be one of reject, pass"),
        ("on_foreign: 'no'", "on_foreign: must be one of reject, pass"),
        ("require: {}", "require: must list roles, scopes or tenants; leave `require` out to ask for none"),
        ("require: ''", "require: must list roles, scopes or tenants"),
        ("require: []", "require: must list roles, scopes or tenants"),
        ("require: {role: [a]}", 'require.role: unknown key; did you mean "roles"?'),
        ("require: {roles: ''}", "require.roles: must be a list"),
        ("require: {roles: ['']}", "require.roles[0]: is empty"),
        ("require: {roles: sales}", "require.roles: must be a list"),
        ("public: true, require: {roles: [a]}", "public: judges no credential, so nothing can be required"),
        ("rate_limit: {requests: 0}", "rate_limit.requests: must be 1 or more; to close a route, remove it"),
        ("rate_limit: {requests: 1, by: user}", "rate_limit.by: must be one of identity, address, route"),
        ("timeouts: {idle: 1s}", "timeouts.idle: unknown key"),
        ("limits: {body_bytes: 1GB}", "limits.body_bytes: must be a size"),
        ("allow_underscore_headers: [X-Api]", "allow_underscore_headers[0]: has no underscore"),
        ("allow_encoded: [slashes]", 'must be one of slash, percent, semicolon; did you mean "slash"?'),
        ("access_token_methods: []", "access_token_methods: is empty"),
        ("access_token_in_form: yes", "access_token_in_form: must be true or false"),
        ("strip_prefix: /erp", "strip_prefix: is not how the path /** begins"),
        ("strip_prefix: erp", "strip_prefix: must be a plain path"),
        ("strip_prefix: /erp/", "strip_prefix: must be a plain path"),
        ("upsteam: x", 'upsteam: unknown key; did you mean "upstream"?'),
    ],
)  # fmt: skip
def test_a_route_that_is_not_described_right_is_refused(refused, line, expected):
    problems = refused(route(line))

    assert len(problems) == 1, problems
    assert expected in problems[0]


@pytest.mark.parametrize("path", ["partners", "''", "/a b", "/a#b", "//a", "'/a\\b'"])
def test_a_path_is_one_that_a_request_can_have(refused, path):
    text = MINIMAL.replace("path: /**", f"path: {path}")

    assert "routes[0].path: " in refused(text)[0]


@pytest.mark.parametrize("path", ["/erp", "/erp/**", "/erp/{id}"])
def test_a_prefix_is_stripped_at_a_segment_border(load_text, path):
    text = route("strip_prefix: /erp").replace("path: /**", f"path: '{path}'")

    assert load_text(text).config.routes[0].strip_prefix == "/erp"


def test_a_prefix_within_a_segment_is_refused(refused):
    assert "strip_prefix" in refused(route("strip_prefix: /er").replace("/**", "/erp/**"))[0]


def test_a_route_that_asks_for_something_says_so(load_text):
    asking = load_text(route("require: {roles: [sales]}", MINIMAL + USERS)).config.routes[0].require
    silent = load_text(MINIMAL).config.routes[0].require

    assert asking.asks
    assert not silent.asks
    assert silent.roles == ()


def test_left_out_is_all_methods_and_the_dialects_own_rule_for_url_tokens(load_text):
    found = load_text(MINIMAL).config.routes[0]

    assert (found.methods, found.access_token_methods, found.access_token_in_form, found.errors) == (None,) * 4
    assert (found.timeouts.response, found.limits.body_bytes) == (None, None)


def test_hosts_are_compared_in_lower_case(load_text):
    assert load_text(route("hosts: [ERP.Example.com]")).config.routes[0].hosts == ("erp.example.com",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("credentials: [jsonrpc, xmlrpc]", "credentials: jsonrpc is in the body of every call, so it stands alone"),
        ("credentials: [xmlrpc, bearer]", "credentials: xmlrpc is in the body of every call, so it stands alone"),
        ("credentials: [xmlrpc], public: true", "public: does not go with credentials: [xmlrpc]"),
        ("credentials: [xmlrpc], anonymous: [/a]", "anonymous: does not go with credentials: [xmlrpc]"),
        ("credentials: [jsonrpc], foreign_credentials: pass", "foreign_credentials: does not go with credentials: [jsonrpc]"),
    ],
)  # fmt: skip
def test_a_credential_in_the_body_stands_alone(refused, line, expected):
    assert any(expected in problem for problem in refused(route(line)))
