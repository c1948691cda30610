"""A value that must never be seen: passwords, keys and hashes, wrapped so that no repr, log or traceback shows them."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

MAX_FILE_BYTES = 64 * 1024
"""A secret file larger than this is some other file."""


class Secret:
    """A text that only `reveal()` shows. Falsy when empty; compared in constant time."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(hidden)" if self._text else "Secret()"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from text, or from the file that a `*_file` twin names."""
        return core_schema.with_info_plain_validator_function(
            _read,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(_hide, when_used="json"),
        )


@dataclass(frozen=True, slots=True)
class SecretFile:
    """What a `*_file` twin said; `beside` is true where the plain key was written, too."""

    path: object
    beside: bool = False


def _hide(secret: Secret) -> str:
    return "hidden" if secret else ""


def _read(value: object, info: ValidationInfo) -> Secret:
    match value:
        case Secret():
            return value
        case str():
            return Secret(value)
        case SecretFile(beside=True):
            raise ValueError("is written twice: keep the value or its *_file twin, not both")
        case SecretFile(path=str(path)) if path:
            return Secret(read_secret_file(named_file(path, info)))
    raise ValueError("must name a file" if isinstance(value, SecretFile) else "must be a single text")


def named_file(name: str, info: ValidationInfo) -> Path:
    """The path of a file that the configuration names, relative to itself; noted, so that changes can be watched."""
    context = info.context or {}
    path = Path(context.get("base", "."), name)
    context.get("files", set()).add(path)
    return path


def read_secret_file(path: Path) -> str:
    """The file's text without its last line break. Raises ValueError where it cannot be read or holds nothing."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"{path} is empty")
    return text


def _written(secret: Secret) -> Secret:
    if not secret:
        raise ValueError("is empty")
    return secret


RequiredSecret = Annotated[Secret, AfterValidator(_written)]
"""A secret that has no empty default."""
