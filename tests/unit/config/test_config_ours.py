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
