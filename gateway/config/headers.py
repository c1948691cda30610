"""Header names and values that the configuration may write, and those that belong to the message framing."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from gateway.config.section import Section, fault
from gateway.config.values import distinct, read_line

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
FRAMING = frozenset(
    "connection content-length expect host http2-settings keep-alive proxy-connection te trailer transfer-encoding upgrade".split()  # noqa: E501, SIM905 - one list of words
)
"""Names that decide where a message ends or where it goes: never set or removed by configuration."""


def fold(name: str) -> str:
    """What CGI, WSGI and PHP make of a header name: case, `-`, `_` and `.` are one (CVE-2025-64484)."""
    return re.sub(r"[-_.]", "-", name.lower())


def read_header_name(value: object) -> str:
    """A header name. Raises ValueError."""
    name = read_line(value)
    if not _TOKEN.fullmatch(name):
        raise ValueError("must be a header name")
    return name


def read_header_value(value: object) -> str:
    """A header value: visible ASCII and inner spaces. Raises ValueError."""
    text = read_line(value)
    if not _VALUE.fullmatch(text):
        raise ValueError("must be a header value in printable ASCII without outer spaces")
    return text


def _ours_to_name(name: str) -> str:
    if name.lower() in FRAMING:
        raise ValueError(f'"{name}" belongs to the message itself and cannot be changed')
    return name


def _with_underscore(name: str) -> str:
    if "_" not in name:
        raise ValueError("has no underscore, so it needs no permission")
    return name


def _fold_apart(names: tuple[str, ...]) -> tuple[str, ...]:
    distinct(tuple(fold(name) for name in names))
    return names


HeaderName = Annotated[
    str, BeforeValidator(read_header_name), AfterValidator(_ours_to_name), WithJsonSchema({"type": "string"})
]
HeaderValue = Annotated[str, BeforeValidator(read_header_value), WithJsonSchema({"type": ["string", "number"]})]
UnderscoreHeader = Annotated[HeaderName, AfterValidator(_with_underscore)]
HeaderNames = Annotated[tuple[HeaderName, ...], AfterValidator(_fold_apart)]


class HeaderChanges(Section):
    """Headers to set (replacing what came) and to remove; the identity headers are not among them."""

    set: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    remove: HeaderNames = ()

    @model_validator(mode="after")
    def _each_once(self) -> "HeaderChanges":
        folded = [fold(name) for name in (*self.set, *self.remove)]
        if len(folded) != len(dict.fromkeys(folded)):
            raise fault("set", "names a header twice, or one that is removed, too")
        return self
