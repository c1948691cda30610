"""The JSON Schema of config.yaml, for editors: what `gateway schema` prints."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from gateway.config.identities import UsersOptions
from gateway.config.schema import Config
from gateway.config.secret import Secret

_VARIABLE = {"type": "string", "pattern": r"\$\{"}
"""Any single value may be written as, or hold, `${VAR}`."""
_SINGLE = frozenset({"boolean", "integer", "number", "string"})
_FIXED = ("default", "enum", "const")


def json_schema(dialects: Iterable[str] = (), providers: Iterable[str] = ()) -> dict[str, Any]:
    """The schema, draft 2020-12. It knows the shape; rules between keys are what `gateway check` is for.

    `dialects`: the names that a login's `dialect` may have; any name where there are none. `providers`: the same of an
    identity provider's `type`.
    """
    schema, users = _generated(Config), _generated(UsersOptions)
    definitions = schema["$defs"] | users["$defs"]
    definitions["RouteConfig"]["required"].remove("name")
    for name in ("IdentityProviderConfig", "LoginConfig"):
        del definitions[name]["properties"]["options"]
        definitions[name]["additionalProperties"] = True
    definitions["IdentityProviderConfig"]["properties"] |= users["properties"]
    for section, key, known in (("LoginConfig", "dialect", dialects), ("IdentityProviderConfig", "type", providers)):
        if names := list(known):
            definitions[section]["properties"][key] = {"enum": names, "type": "string"}
    schema |= {"$defs": definitions, "$schema": GenerateJsonSchema.schema_dialect, "patternProperties": {"^x-": True}}
    schema["title"] = "config.yaml of erp-auth-gateway"
    written: dict[str, Any] = _as_written(schema)
    return written


def _generated(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(mode="validation", schema_generator=_Spelled)


class _Spelled(GenerateJsonSchema):
    """Defaults appear as they are written in the file: 15s, 64KiB, 127.0.0.1:8080."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = self.generate_inner(schema["schema"])
        if schema.get("default") is None:
            return found
        spell = schema["schema"].get("serialization", {}).get("function", lambda value: value)
        default = to_jsonable_python(spell(schema["default"]), fallback=_text)
        return found if default is None else {**found, "default": default}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """None is how a model says that a key was left out; `null` cannot be written."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, _: Any) -> bool:
        """The key is its own title."""
        return False


def _text(value: object) -> str:
    return "" if isinstance(value, Secret) else str(value)


def _as_written(schema: Any) -> Any:
    """Let `${VAR}` stand wherever a single value can."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    walked = {key: value if key in _FIXED else _as_written(value) for key, value in schema.items()}
    if not _needs_variable(schema):
        return walked
    about = {key: walked.pop(key) for key in ("description", "default") if key in walked}
    return about | {"anyOf": [walked, _VARIABLE]}


def _needs_variable(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not _SINGLE.intersection(kinds):
        return False
    return "string" not in kinds or "pattern" in schema or "enum" in schema
