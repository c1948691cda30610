import pytest

from gateway.config.load import load
from gateway.config.problems import ConfigRefused

UPSTREAM = (
    'servers: ["http://h"], identity_headers: {user: X-Who}, assertion: {header: X-Proof}, '
    "injector: {header: {name: X-ERP-Key, value: k}}"
)


def loaded(tmp_path, changes):
    (tmp_path / "config.yaml").write_text(
        f"upstreams: {{erp: {{{UPSTREAM}}}}}\nroutes:\n  - {{path: /**, upstream: erp, request_headers: {{{changes}}}}}\n"
    )
    return load(tmp_path / "config.yaml", {})


@pytest.mark.parametrize(
    "name",
    [
        "X-Who", "x_who", "X.Who", "X-Auth-Roles", "X-Proof", "X-ERP-Key", "X_ERP_KEY", "Authorization", "X-API-Key",
        "X-Request-Id", "X-Forwarded-For", "X_Forwarded_Anything", "Forwarded", "X-Real-IP",
    ],
)  # fmt: skip
@pytest.mark.parametrize("change", ["set: {%s: x}", "remove: [%s]"])
def test_what_the_gateway_writes_is_neither_set_nor_removed(tmp_path, change, name):
    with pytest.raises(ConfigRefused) as refused:
        loaded(tmp_path, change % name)

    (problem,) = refused.value.problems
    assert problem.line == 3
    assert problem.where.startswith("routes[0].request_headers")


@pytest.mark.parametrize("change", ["set: {X-Zone: in, X-Auth-User: told, Cookie: a=1}", "remove: [Referer, Cookie]"])
def test_all_others_are_the_operators(tmp_path, change):
    assert loaded(tmp_path, change).config.routes


@pytest.mark.parametrize(
    ("upstream", "where", "why"),
    [
        ("injector: {header: {name: x_auth_user, value: k}}", "identity_headers.user", "is what the injector writes"),
        ("injector: {basic: {username: u, password: p}}, identity_headers: {user: Authorization}",
         "identity_headers.user", "is what the injector writes"),
        ("injector: {bearer: {token: t}}, assertion: {header: authorization}",
         "assertion.header", "is what the injector writes"),
        ("injector: {header: {name: X-Request-Id, value: k}}", "injector.header.name", "on every request anyway"),
        ("identity_headers: {login: X-Forwarded-For}", "identity_headers.login", "on every request anyway"),
        ("assertion: {header: Forwarded}", "assertion.header", "on every request anyway"),
    ],
)  # fmt: skip
def test_no_header_is_written_twice(tmp_path, upstream, where, why):
    (tmp_path / "config.yaml").write_text(
        f'upstreams: {{erp: {{servers: ["http://h"], {upstream}}}}}\nroutes: [{{path: /**, upstream: erp}}]\n'
    )

    with pytest.raises(ConfigRefused) as refused:
        load(tmp_path / "config.yaml", {})

    (problem,) = refused.value.problems
    assert problem.where == f"upstreams.erp.{where}"
    assert why in problem.message


@pytest.mark.parametrize(
    "upstream",
    [
        "identity_headers: {user: X-Forwarded-User}, injector: {header: {name: X-Forwarded-Proxy, value: k}}",
        "identity_headers: {user: X-Remote-User}, assertion: {header: Authorization}",
        "injector: {header: {name: Cookie, value: a=1}}",
        "injector: none",
    ],
)
def test_names_that_others_use_for_it_are_welcome(tmp_path, upstream):
    (tmp_path / "config.yaml").write_text(
        f'upstreams: {{erp: {{servers: ["http://h"], {upstream}}}}}\nroutes: [{{path: /**, upstream: erp}}]\n'
    )

    assert load(tmp_path / "config.yaml", {}).config.upstreams
