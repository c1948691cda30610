import json
from pathlib import Path

import pytest
import yaml
from fakes.configs import FULL

from gateway.config.json_schema import json_schema
from gateway.config.server import ServerConfig

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json_schema()


def resolved(schema):
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def unknown_keys(data, schema, above=""):
    """What an editor would underline."""
    schema = resolved(schema)
    if isinstance(data, list):
        for item in data:
            yield from unknown_keys(item, schema["items"], f"{above}[]")
    elif isinstance(data, dict) and "oneOf" not in schema:
        free = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties", False)]
        for key, value in data.items():
            below = schema.get("properties", {}).get(key, next((kind for kind in free if isinstance(kind, dict)), None))
            if below is None:
                yield f"{above}.{key}"
            else:
                yield from unknown_keys(value, below, f"{above}.{key}")


def test_the_schema_is_plain_json():
    assert json.loads(json.dumps(SCHEMA, allow_nan=False)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", [FULL, (ROOT / "config.yaml").read_text()])
def test_every_key_that_loads_is_in_the_schema(text):
    assert list(unknown_keys(yaml.safe_load(text), SCHEMA)) == []


def test_defaults_are_spelled_as_in_the_file():
    server = SCHEMA["$defs"]["ServerConfig"]["properties"]

    assert server["listen"]["default"] == "127.0.0.1:8080"
    assert server["limits"]["default"]["header_bytes"] == "32KiB"
    assert SCHEMA["$defs"]["StoreConfig"]["properties"]["timeout"]["default"] == "500ms"
    assert SCHEMA["$defs"]["UpstreamConfig"]["properties"]["injector"]["default"] == "none"
    assert ServerConfig().model_dump(mode="json")["timeouts"]["header"] == "10s"


def test_secrets_have_twins_and_no_default_that_shows():
    admin = SCHEMA["$defs"]["AdminConfig"]["properties"]

    assert admin["token"] == {"type": "string", "default": ""}
    assert "token_file" in admin
    assert {"oneOf": [{"required": ["secret_hash"]}, {"required": ["secret_hash_file"]}]} in SCHEMA["$defs"][
        "ClientConfig"
    ]["allOf"]


def test_a_variable_may_stand_for_any_single_value():
    assert {"type": "string", "pattern": r"\$\{"} in SCHEMA["$defs"]["RouteConfig"]["properties"]["public"]["anyOf"]


def test_nothing_may_be_null():
    assert '"null"' not in json.dumps(SCHEMA)


def test_a_route_needs_no_name_and_variants_may_have_keys_of_their_own():
    assert SCHEMA["$defs"]["RouteConfig"]["required"] == ["path", "upstream"]
    assert SCHEMA["$defs"]["LoginConfig"]["additionalProperties"] is True
    assert "options" not in json.dumps(SCHEMA["$defs"]["LoginConfig"]["properties"])


def test_the_manual_names_every_key():
    manual = (ROOT / "docs" / "configuration.md").read_text()
    keys = {key for kind in (SCHEMA, *SCHEMA["$defs"].values()) for key in kind.get("properties", ())}

    assert {key for key in keys if key not in manual and not key.endswith("_file")} == set()
