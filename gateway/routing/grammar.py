"""The syntax of path patterns: text in, tokens out, and a column for every mistake."""

import re
from collections.abc import Iterator
from enum import Enum


class PatternError(ValueError):
    """A pattern that cannot be meant; `column` counts from 1."""

    def __init__(self, column: int, problem: str) -> None:
        super().__init__(f"column {column}: {problem}")
        self.column = column
        self.problem = problem


class Wild(Enum):
    """What a token other than a literal character matches."""

    ONE = "one character within a segment"
    MANY = "any characters within a segment"
    REST = "nothing, or a slash and anything"
    ALL = "anything"


Token = str | Wild

_TOKEN = re.compile(
    r"(?P<rest>/\*\*\Z)"
    r"|(?P<slash>/)"
    r"|(?P<variable>\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})"
    r"|(?P<escapes>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<many>\*)"
    r"|(?P<one>\?)"
    r"|(?P<literal>[A-Za-z0-9._~!$&'()+,=:@-]|[^\x00-\xa0])"  # RFC 3986 pchar without `* ;`, and letters beyond ASCII
)
_NEVER_IN_PATHS = frozenset("/\\%;") | {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}
_DOTS = re.compile(r"/(?:\.|%2[Ee])+(?=/|\Z)")
_FOREIGN = {
    r"/:[A-Za-z_]": "a variable is written {name}",
    r"/\.[*+]|\(\?|\$\Z": "patterns are no regular expressions: * within a segment, ** for the rest",
}


def parse(text: str) -> Iterator[Token]:
    """The tokens of a pattern. Raises PatternError for what never matches, and for what looks like other syntax."""
    _refuse_shapes(text)
    names: set[str] = set()
    position, last = 0, ""
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise PatternError(position + 1, _complaint(text, position))
        kind = str(found.lastgroup)
        if {kind, last} <= {"many", "variable"}:
            raise PatternError(position + 1, "two wildcards side by side; ** stands last, as a segment of its own")
        if kind == "variable":
            if found["name"] in names:
                raise PatternError(position + 1, f"{found[0]} stands here twice")
            names.add(found["name"])
        alone = kind == "many" and last == "slash" and text[position + 1 : position + 2] in ("", "/")
        yield from _tokens(kind, found, alone=alone)
        position, last = found.end(), kind


def _tokens(kind: str, found: re.Match[str], *, alone: bool) -> tuple[Token, ...]:
    if kind == "rest":
        return ("/", Wild.ALL) if found.start() == 0 else (Wild.REST,)
    if kind == "variable" or alone:
        return (Wild.ONE, Wild.MANY)
    if kind in ("many", "one"):
        return (Wild[kind.upper()],)
    return tuple(_unescaped(found) if kind == "escapes" else found[0])


def _unescaped(found: re.Match[str]) -> str:
    try:
        text = bytes.fromhex(found[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        raise PatternError(found.start() + 1, "these escapes are not UTF-8") from None
    if not _NEVER_IN_PATHS.isdisjoint(text):
        raise PatternError(found.start() + 1, "an escaped control character, / \\ % or ; never matches; use a wildcard")
    return text


def _refuse_shapes(text: str) -> None:
    if not text.startswith("/"):
        raise PatternError(1, "a pattern starts with /")
    if "//" in text:
        raise PatternError(text.index("//") + 2, "an empty segment never matches")
    if dots := _DOTS.search(text):
        raise PatternError(dots.start() + 2, "a segment of dots never matches")
    for syntax, hint in _FOREIGN.items():
        if foreign := re.search(syntax, text):
            raise PatternError(foreign.start() + 1 + foreign[0].startswith("/"), hint)


def _complaint(text: str, position: int) -> str:
    char = text[position]
    if char.isspace():
        return "a blank is written %20"
    if char in "{}":
        return "a variable is written {name}, with letters, digits and _"
    if char == "%":
        return "a bad escape"
    return f"{char!r} is no pattern syntax; escape it if it is meant as it stands"
