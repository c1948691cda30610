from hashlib import sha256

import pytest

from gateway.config.problems import ConfigRefused
from gateway.proxy.forward_auth import ForwardAuth
from gateway.proxy.headers import fold

KEYED = '{erp: {servers: ["http://10.0.0.1:8069"], identity_headers: {user: X-Who}, assertion: {header: X-Proof}, injector: {header: {name: X-ERP-Key, value: k}}}}'


def test_the_listeners_settings_are_the_rules(assembler):
    rules = assembler(
        server="{trusted_proxies: [10.0.0.0/8], timeouts: {header: 1s, body: 2s, idle: 3s}, limits: {header_bytes: 2KiB, body_bytes: 5, connections: 6, connections_per_address: 7}}"
    ).rules

    assert [str(network) for network in rules.trusted_proxies] == ["10.0.0.0/8"]
    assert (rules.header_timeout, rules.body_timeout, rules.idle_timeout) == (1, 2, 3)
    assert (rules.header_bytes, rules.body_bytes, rules.connections, rules.connections_per_address) == (2048, 5, 6, 7)


def test_verdicts_for_other_proxies_are_told_as_the_configuration_says(assembler):
    server = "{trusted_proxies: [10.0.0.0/8], forward_auth: {failure_status: 403, rewritten_uri: false}}"

    assert assembler().rules.forward_auth == ForwardAuth(untold=frozenset({b"cookie"}))
    assert assembler(server=server).rules.forward_auth == ForwardAuth(failure_status=403, rewritten_uri=False)
    assert assembler(upstreams=KEYED).rules.forward_auth.untold == {fold(b"X-Proof"), b"cookie"}
    assert not assembler(upstreams=KEYED, server="{forward_auth: {}}").rules.forward_auth.untold


def test_headers_that_the_gateway_asserts_pass_from_no_client_and_to_none(assembler):
    rules = assembler(upstreams=KEYED).rules

    for name in (b"X-Who", b"x_who", b"X.Who", b"X-Proof"):
        assert rules.request_actions[name] is not None
        assert rules.answer_actions[name] is not None
    assert rules.request_actions[b"X-Auth-User"] is None, "not a name of this configuration"
    assert rules.request_actions[b"X-ERP-Key"] is not None


def test_an_upstream_with_an_assertion_has_keys_that_are_published_and_kept(assembler):
    built = assembler(upstreams=KEYED)
    (route,) = built.rules.table.routes

    lines = route.identity_lines(_verified())

    assert lines.startswith(b"X-Who: ada\r\n")
    assert lines.split(b"\r\n")[-2].startswith(b"X-Proof: eyJ")
    assert b"X-ERP-Key: k\r\n" in lines


def test_keys_left_out_are_made_once_and_kept(assembler):
    assembler()
    assembler()

    assert list(assembler.made) == ["signing-made.key"]


def test_a_secret_left_empty_is_made_for_its_key(assembler):
    assembler(signing_keys="[{kid: k7, algorithm: HS256}]")

    assert list(assembler.made) == ["signing-k7.key"]


@pytest.mark.parametrize("secret", ["short", "x" * 31])
def test_a_weak_key_is_refused(assembler, secret):
    with pytest.raises(ConfigRefused) as refused:
        assembler(signing_keys=f"[{{kid: k1, algorithm: HS256, secret: {secret}}}]")

    assert "signing_keys" in str(refused.value.problems[0])
    assert secret not in str(refused.value.problems[0])


def test_declared_keys_are_found_by_their_hash(assembler):
    digest = sha256(b"a-declared-key-0123").hexdigest()
    built = assembler(api_keys=f'[{{id: k1, hash: "sha256:{digest}", user: scanner}}]')
    (route,) = built.rules.table.routes

    assert route.authenticator.is_ours(b"a-declared-key-0123")
    assert not route.authenticator.is_ours(b"another")


def test_all_that_only_building_finds_is_told_at_once(assembler):
    with pytest.raises(ConfigRefused) as refused:
        assembler(
            routes='[{name: a, path: "/x/**/y", upstream: erp}, {name: b, path: /b, upstream: erp, anonymous: ["/b/{", "/c"]}]'
        )

    assert [problem.where for problem in refused.value.problems] == ["routes[0].path", "routes[1].anonymous"]


def test_what_it_was_made_from_is_known(assembler):
    built = assembler()

    assert [file.name for file in built.files] == ["config.yaml"]
    assert built.config.routes[0].name == "all"
    assert list(built.upstreams.by_name) == ["erp"]


def _verified():
    from gateway.model import Identity
    from gateway.tokens.cache import Verified

    return Verified(Identity("staff", "1", "ada", "bearer"), 2e9, "s")
