"""What every part of the configuration has in common: frozen, no unknown keys, `*_file` twins, faults with a place."""

from functools import cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from gateway.config.secret import Secret, SecretFile


class Section(BaseModel):
    """A mapping of the file. Also the base for the options of dialects, identity providers and injectors."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _fold_twins(cls, data: Any) -> Any:
        return fold_twins(cls, data)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Every secret may be written as its twin, required ones included."""
        schema = handler(core)
        body = handler.resolve_ref_schema(schema)
        for name in secret_fields(cls):
            twin = {"type": "string", "description": f"File that holds `{name}`, relative to the configuration file."}
            body.setdefault("properties", {})[f"{name}_file"] = twin
            if name in body.get("required", ()):
                body["required"] = [key for key in body["required"] if key != name]
                body.setdefault("allOf", []).append({"oneOf": [{"required": [name]}, {"required": [f"{name}_file"]}]})
        if not body.get("required", True):
            del body["required"]
        return schema


@cache
def secret_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of this model that hold a secret and so have a twin."""
    return tuple(name for name, field in model.model_fields.items() if field.annotation is Secret)


def fold_twins(model: type[BaseModel], data: Any) -> Any:
    """`token_file: x` becomes the value of `token`, to be read when `token` is."""
    if not isinstance(data, dict):
        return data
    folded = dict(data)
    for name in secret_fields(model):
        twin = f"{name}_file"
        if twin in folded and twin not in model.model_fields:
            folded[name] = SecretFile(folded.pop(twin), beside=name in folded)
    return folded


def fault(key: str, message: str) -> PydanticCustomError:
    """A fault that a whole section found, to be shown at one key of it."""
    return PydanticCustomError("fault", "{message}", {"key": key, "message": message})


def split_options(data: Any, common: set[str]) -> Any:
    """Keep what every variant has, and set the rest aside under `options` for the variant's own model."""
    if not isinstance(data, dict) or isinstance(data.get("options"), Options):
        return data
    kept = {key: value for key, value in data.items() if key in common}
    return kept | {"options": Options((key, value) for key, value in data.items() if key not in common)}


class Options(dict[str, Any]):
    """A variant's own keys, still as written (substituted), for `Loaded.bind`. The repr shows names only."""

    def __repr__(self) -> str:
        return f"Options({', '.join(self)})"


OpenOptions = Annotated[
    Options,
    WithJsonSchema({"type": "object"}),
    PlainSerializer(list, when_used="json"),  # the names: among the values are credentials
]
