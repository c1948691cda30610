"""What a YAML parser stopped at, with what to write instead where that can be told."""

from collections.abc import Mapping
from types import MappingProxyType

_WAYS_OUT: Mapping[str, str] = MappingProxyType(
    {
        "mapping values are not allowed": 'quote a value that holds ": ", or mend the indentation',
        "did not find expected key": "look at the indentation and the quotes",
        "did not find expected '-' indicator": "look at the indentation",
    }
)


def says_quote_variable(line: str, column: int) -> bool:
    """It stopped at the brace of an unquoted `${…}`; `column` counts from 0."""
    return line[:column].endswith("$") and line[column : column + 1] == "{"


def way_out(line: str, column: int, problem: str) -> str:
    """What to write instead, behind a semicolon; nothing where it cannot be told. `column` counts from 0."""
    before, here = line[:column], line[column : column + 2]
    if here[:1] == "\t" or "\t" in before[: len(before) - len(before.lstrip())]:
        return "; indent with blanks: YAML takes no tabs there"
    if here == "::":
        return "; quote an IPv6 address"
    if first := _reserved(before, here):
        return f"; quote a value that begins with '{first}'"
    return next((f"; {words}" for seen, words in _WAYS_OUT.items() if seen in problem), "")


def _reserved(before: str, here: str) -> str:
    """The character in front of the value, if it has a meaning of its own: the parser stops at some, behind others."""
    if here[:1] in {"@", "`", "%"}:
        return here[:1]
    return before[-1:] if before[-1:] in {"*", "&", "%"} else ""
