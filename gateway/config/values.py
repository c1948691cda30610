"""Scalars of the configuration: text is read by the key it stands under, so `no` is never a boolean by accident."""

import json
import re
from datetime import UTC, datetime
from math import inf
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

from gateway.config.secret import named_file

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 36_500 * 86400.0
"""A hundred years: beyond it a lifetime is a typing mistake, and dates overflow."""
_SIZE = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB|TiB)?")
_BYTES = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_METHOD = re.compile(r"[A-Z][A-Z-]{0,23}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def read_duration(value: object) -> float:
    """Seconds of `500ms`, `15s`, `10m`, `1h` or `30d`. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    parts = _DURATION.fullmatch(_text(value))
    if not parts:
        raise ValueError("must be a duration with its unit, such as 500ms, 15s, 10m, 1h or 30d")
    seconds = float(parts[1]) * _SECONDS[parts[2]]
    if seconds > _LONGEST:
        raise ValueError("is longer than a hundred years")
    return seconds


def spell_duration(seconds: float) -> str:
    """A duration as it is written in the file: the largest unit that keeps it a whole number."""
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds / _SECONDS[unit])}{unit}"
    return f"{round(seconds * 1000)}ms" if seconds else "0s"


def read_size(value: object) -> int:
    """Bytes of `64KiB` or `100MiB`; a bare number is bytes. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    parts = _SIZE.fullmatch(_text(value))
    if not parts or (len(parts[1]) > 1 and parts[1].startswith("0")):
        raise ValueError("must be a size in bytes, such as 512, 64KiB, 100MiB or 1GiB")
    return int(parts[1]) * _BYTES[parts[2]]


def spell_size(size: int) -> str:
    """A size as it is written in the file."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return str(size)


def read_whole(value: object) -> int:
    """A decimal whole number; `010`, which YAML 1.1 takes for eight, is refused. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not _WHOLE.fullmatch(_text(value)):
        raise ValueError("must be a whole number in plain decimal digits")
    return int(_text(value))


def read_flag(value: object) -> bool:
    """`true` or `false` and nothing else: `yes`, `on` and `no` mean different things to different YAMLs."""
    flag = {"true": True, "false": False}.get(_text(value).lower()) if not isinstance(value, bool) else value
    if flag is None:
        raise ValueError("must be true or false")
    return flag


def read_moment(value: object) -> float:
    """Seconds since the epoch of `2027-01-01` (its first moment, UTC) or an ISO 8601 time; UTC where no offset is
    written. Raises ValueError."""  # noqa: D205, D209 - one sentence
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        raise ValueError("must be a date such as 2027-01-01 or a time such as 2027-01-01T08:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def read_end(text: str, now: float) -> float:
    """Seconds since the epoch of a date, a time, or so long from now. Raises ValueError."""
    for read, since in ((read_duration, now), (read_moment, 0.0)):
        try:
            return since + read(text)
        except ValueError:
            continue
    raise ValueError("must be a date such as 2027-01-01, a time such as 2027-01-01T08:00:00Z, or such as 90d")


def read_line(value: object) -> str:
    """One line of text, not empty. Raises ValueError."""
    if not read_any_line(value):
        raise ValueError("is empty")
    return _text(value)


def read_any_line(value: object) -> str:
    """One line of text, which may be empty. Raises ValueError."""
    if _UNPRINTABLE.search(_text(value)):
        raise ValueError("holds a line break or a control character")
    return _text(value)


def read_name(value: object) -> str:
    """A name that the file gives to something. Raises ValueError."""
    if not _NAME.fullmatch(_text(value)):
        raise ValueError("must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or a digit")
    return _text(value)


def read_method(value: object) -> str:
    """An HTTP method in upper case. Raises ValueError."""
    text = value if isinstance(value, str) else ""
    if not _METHOD.fullmatch(text):
        hint = f'; did you mean "{text.upper()}"?' if _METHOD.fullmatch(text.upper()) else ""
        raise ValueError(f"must be an HTTP method in upper case{hint}")
    if text in {"CONNECT", "TRACE"}:
        raise ValueError(f"{text} is never forwarded")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a single value")  # noqa: TRY004 - pydantic reports ValueError with its place
    return value


def _positive(number: float) -> float:
    if number <= 0:
        raise ValueError("must be more than zero")
    return number


def _natural(number: int) -> int:
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _readable(path: str, info: ValidationInfo) -> str:
    """Only a load from a file knows the directory that the name is relative to."""
    if not info.context:
        return path
    try:
        with named_file(path, info).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    return path


Values = TypeVar("Values", tuple[Any, ...], dict[str, Any])


def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values, none of them twice. Raises ValueError."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"lists {json.dumps(str(value))} twice")
        seen.add(value)
    return values


def some(values: Values) -> Values:
    """The values, at least one. Raises ValueError."""
    if not values:
        raise ValueError("is empty")
    return values


_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"})
_spelled_duration = PlainSerializer(spell_duration, when_used="json")

Line = Annotated[str, BeforeValidator(read_line), WithJsonSchema({"type": ["string", "number"], "minLength": 1})]
AnyLine = Annotated[str, BeforeValidator(read_any_line), WithJsonSchema({"type": ["string", "number"]})]
Name = Annotated[str, BeforeValidator(read_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"})]
Method = Annotated[str, BeforeValidator(read_method)]
Names = Annotated[tuple[Line, ...], AfterValidator(distinct)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Whole = Annotated[int, BeforeValidator(read_whole), AfterValidator(_natural)]
DurationOrZero = Annotated[float, BeforeValidator(read_duration), _spelled_duration, _DURATION_SCHEMA]
Duration = Annotated[
    float, BeforeValidator(read_duration), AfterValidator(_positive), _spelled_duration, _DURATION_SCHEMA
]
Size = Annotated[
    int,
    BeforeValidator(read_size),
    AfterValidator(_natural),
    PlainSerializer(spell_size, when_used="json"),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^[0-9]+(B|KiB|MiB|GiB|TiB)?$", "minimum": 0}),
]
Moment = Annotated[float, BeforeValidator(read_moment), WithJsonSchema({"type": "string"})]
FilePath = Annotated[str, BeforeValidator(read_line), AfterValidator(_readable), WithJsonSchema({"type": "string"})]
OptionalFilePath = Annotated[
    str,
    BeforeValidator(read_any_line),
    AfterValidator(lambda path, info: _readable(path, info) if path else path),
    WithJsonSchema({"type": "string"}),
]

NEVER = inf
"""The moment of what does not expire."""
