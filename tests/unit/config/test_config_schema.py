"""Lesson 49: every field of the file emptied in turn is refused, or means what the manual says it means."""

import copy
from contextlib import suppress

import pytest
import yaml
from fakes.configs import FULL, FULL_FILES, MINIMAL

from gateway.config.problems import ConfigRefused
from gateway.config.schema import Config
from gateway.config.secret import Secret

DATA = yaml.safe_load(FULL)

# Where the manual gives an empty text or list a meaning. Everywhere else it is refused.
MAY_BE_EMPTY_TEXT = {
    "server.public_url",
    "admin.token",
    "store.username",
    "store.password",
    "store.tls_ca_file",
    "store.sentinel_username",
    "store.sentinel_password",
    "identity_providers.staff.users.0.tenants.0.roles.0.type",
    "upstreams.odoo.tls.ca_file",
    "upstreams.odoo.tls.server_name",
    "upstreams.odoo.assertion.audience",
    "routes.0.strip_prefix",
}
MAY_BE_EMPTY_LIST = {
    "server.trusted_proxies",
    "admin.hosts",
    "identity_providers.staff.users.0.roles",
    "identity_providers.staff.users.0.scopes",
    "identity_providers.staff.users.0.tenants",
    "identity_providers.staff.users.0.tenants.0.roles",
    "identity_providers.staff.users.0.tenants.0.roles.0.organizations",
    "identity_providers.staff.users.0.tenants.0.roles.0.organizations.0.warehouses",
    "clients",
    "clients.0.roles",
    "clients.0.scopes",
    "clients.0.logins",
    "api_keys",
    "api_keys.0.roles",
    "api_keys.0.scopes",
    "api_keys.0.routes",
    "logins.oauth2.hosts",
    "logins.oauth2.cors.origins",
    "logins.oauth2.cors.methods",
    "logins.oauth2.cors.headers",
    "routes.0.hosts",
    "routes.0.cors.origins",
    "routes.0.cors.methods",
    "routes.0.cors.headers",
    "routes.0.logins",
    "routes.0.anonymous",
    "routes.0.require.roles",
    "routes.0.require.scopes",
    "routes.0.require.tenants",
    "routes.0.request_headers.remove",
    "routes.0.response_headers.remove",
    "routes.0.allow_underscore_headers",
    "routes.0.allow_encoded",
}
# An empty mapping is the defaults, where a section has defaults for all its keys.
MAY_BE_EMPTY_MAPPING = {
    "server",
    "server.timeouts",
    "server.limits",
    "server.forward_auth",
    "admin",
    "logs",
    "store",
    "logins.oauth2.protection",
    "logins.oauth2.refresh",
    "logins.oauth2.cors",
    "routes.0.cors",
    "upstreams.odoo.timeouts",
    "upstreams.odoo.tls",
    "upstreams.odoo.identity_headers",
    "upstreams.odoo.assertion",
    "routes.0.timeouts",
    "routes.0.limits",
    "routes.0.request_headers",
    "routes.0.request_headers.set",
    "routes.0.response_headers",
    "routes.0.response_headers.set",
}


def paths_in(data, above=()):
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from paths_in(value, (*above, key))


# What an injector takes is its own model's to judge: assembly binds it.
PATHS = [path for path in paths_in(DATA) if path[2:4] != ("injector", "basic")]


def emptied(path, value):
    data = copy.deepcopy(DATA)
    holder = data
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return yaml.safe_dump(data)


def loads(load_text, text):
    with suppress(ConfigRefused):
        return load_text(text, files=FULL_FILES)


def found(loaded, path):
    """What the models hold there; a variant's options are still as written."""
    value = loaded.config
    for step in path:
        if isinstance(value, dict | tuple | list):
            value = value[step]
        elif hasattr(value, "options") and step in value.options:
            value = value.options[step]
        else:
            value = getattr(value, step)
    return value


def test_the_full_sample_uses_every_key_that_is_supported(load_text):
    loaded = load_text(FULL, files=FULL_FILES)

    def unset(model, above):
        for name in type(model).model_fields:
            value = getattr(model, name)
            if name not in model.model_fields_set:
                yield f"{above}.{name}"
            for item in value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else [value]:
                if hasattr(type(item), "model_fields"):
                    yield from unset(item, f"{above}.{name}")

    variant = {"private_key", "options"}
    config = loaded.config.model_copy(update={"logins": {"oauth2": loaded.config.logins["oauth2"]}})
    assert {place for place in unset(config, "") if place.rpartition(".")[2] not in variant} == set()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_a_key_without_a_value_is_refused(load_text, path):
    assert loads(load_text, emptied(path, None)) is None


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_an_empty_text_is_refused_or_means_what_the_manual_says(load_text, path):
    loaded = loads(load_text, emptied(path, ""))

    assert (loaded is not None) == (".".join(map(str, path)) in MAY_BE_EMPTY_TEXT)
    if loaded:
        assert found(loaded, path) in {"", Secret()}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_an_empty_list_is_refused_or_means_what_the_manual_says(load_text, path):
    loaded = loads(load_text, emptied(path, []))

    assert (loaded is not None) == (".".join(map(str, path)) in MAY_BE_EMPTY_LIST)
    if loaded:
        assert found(loaded, path) in ((), [])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_an_empty_mapping_is_refused_or_means_the_defaults(load_text, path):
    loaded = loads(load_text, emptied(path, {}))

    assert (loaded is not None) == (".".join(map(str, path)) in MAY_BE_EMPTY_MAPPING)
    if loaded and found(loaded, path) != {}:
        assert found(loaded, path) == type(found(loaded, path))()


def test_what_is_left_out_has_the_defaults_of_the_contract(load_text):
    config = load_text(MINIMAL).config

    assert str(config.server.listen) == "127.0.0.1:8080"
    assert config.server.origin == "http://127.0.0.1:8080"
    assert config.server.timeouts.model_dump() == {"header": 10, "body": 60, "idle": 75, "drain": 30}
    assert config.server.limits.model_dump() == {
        "header_bytes": 32 * 1024,
        "body_bytes": 100 * 2**20,
        "connections": 10_000,
        "connections_per_address": 0,
        "verified_tokens": 50_000,
    }
    assert str(config.admin.listen) == "127.0.0.1:8081"
    assert config.logs.model_dump() == {"access": "stdout", "audit": "stdout", "level": "info"}
    assert config.store.model_dump(exclude={"password", "sentinel_password", "encryption_key"}) == {
        "url": "embedded://state",
        "username": "",
        "tls_ca_file": "",
        "sentinel_username": "",
        "key_prefix": "gw:",
        "timeout": 2.0,
        "min_replicas": 0,
        "when_down": "deny",
        "max_staleness": 60,
    }
    assert config.upstreams["odoo"].identity_headers.names == (
        "X-Auth-User",
        "X-Auth-User-Id",
        "X-Auth-Roles",
        "X-Auth-Scopes",
        "X-Auth-Tenant",
        "X-Auth-Login",
        "X-Auth-Method",
    )
    assert config.routes[0].credentials == ("bearer", "api_key")


def test_a_route_without_a_name_is_called_by_its_position(load_text):
    text = MINIMAL + "  - {path: /b/**, upstream: odoo}\n"

    assert [route.name for route in load_text(text).config.routes] == ["all", "route-1"]


def test_models_are_frozen(load_text):
    config = load_text(MINIMAL).config

    with pytest.raises(ValueError, match="frozen"):
        config.server = None


def test_a_config_can_be_made_from_plain_data():
    config = Config.model_validate(
        {"upstreams": {"a": {"servers": ["http://h:1"]}}, "routes": [{"path": "/**", "upstream": "a"}]}
    )

    assert str(config.upstreams["a"].servers[0]) == "http://h:1"
