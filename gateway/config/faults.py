"""What pydantic found wrong, in the words of the file: known keys, near words, never the value of a secret."""

import re
from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from gateway.config.problems import Location, did_you_mean
from gateway.config.section import secret_fields

_PLAIN = {
    "missing": "is missing",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list, such as [one, two]",
    "list_type": "must be a list, such as [one, two]",
    "set_type": "must be a list, such as [one, two]",
    "frozen_set_type": "must be a list, such as [one, two]",
    "string_type": "must be a single text",
    "too_short": "must not be empty",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
}

_FEW = 10
"""More keys than these are no help in a message: the manual lists them."""


def place(error: ErrorDetails) -> Location:
    """Where the fault is, by the keys of the file."""
    steps = tuple(step for step in error["loc"] if step != "[key]")
    return (*steps, error["ctx"]["key"]) if error["type"] == "fault" else steps


def is_about_key(error: ErrorDetails) -> bool:
    """The key itself is at fault, not what stands under it."""
    return error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)


def explain(error: ErrorDetails, known: Iterable[str]) -> str:
    """The message. `known` are the keys that could have been meant by an unknown one."""
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key{_instead(str(error['loc'][-1]), set(known))}"
        case "literal_error":
            found = re.findall(r"'([^']*)'|([0-9]+)", error["ctx"]["expected"])
            words = [word or number for word, number in found]
            return f"must be one of {', '.join(words)}{did_you_mean(str(error['input']), words)}"
        case "value_error":
            return str(error["ctx"]["error"])
        case kind:
            return _PLAIN.get(kind, error["msg"])


def _instead(key: str, known: set[str]) -> str:
    near = did_you_mean(key, known)
    return near or (f"; known here: {', '.join(sorted(known))}" if 0 < len(known) <= _FEW else "")


def keys_at(model: type[BaseModel], where: Location) -> set[str]:
    """The keys that a mapping at this place may hold; nothing where the names are free."""
    found: Any = model
    for step in where:
        found = _below(found, step)
    if not _is_model(found):
        return set()
    fields = {field.alias or name for name, field in found.model_fields.items()} - {"options"}
    return fields | {f"{name}_file" for name in secret_fields(found)}


def _below(annotation: Any, step: str | int) -> Any:
    if _is_model(annotation):
        field = annotation.model_fields.get(str(step))
        return unwrapped(field.annotation) if field else None
    match get_origin(annotation), get_args(annotation):
        case (origin, (_, value)) if origin is dict:
            return unwrapped(value)
        case (origin, (item, *_)) if origin in {tuple, list}:
            return unwrapped(item)
    return None


def unwrapped(annotation: Any) -> Any:
    """The type behind Annotated and Optional."""
    if hasattr(annotation, "__metadata__"):
        return unwrapped(annotation.__origin__)
    if get_origin(annotation) is UnionType:
        return unwrapped(next(arm for arm in get_args(annotation) if arm is not NoneType))
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
