"""Path patterns: parsed once with a column for every mistake, matched as one regular expression on bytes."""

import re
from collections.abc import Callable, Iterator
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
_DOTS = re.compile(r"/\.+(?=/|\Z)")
_FOREIGN = re.compile(r"/(?::[A-Za-z_]|\.\*(?=/|\Z))")

_REGEX = {
    # One character is one UTF-8 sequence; the text matched is valid UTF-8 already.
    Wild.ONE: rb"(?:[^/\x80-\xff]|[\xc2-\xf4][\x80-\xbf]{1,3})",
    Wild.REST: rb"(?:/.*+)?",
    Wild.ALL: rb".*+",
}


class Pattern:
    """`?` one character, `*` within a segment, `{name}` at least one character of it, `/**` last: the rest or nothing.

    Case-sensitive and matched against the whole decoded path; `*` alone in its segment matches at least one character.
    Raises PatternError for anything else that looks like syntax.
    """

    __slots__ = ("first", "matches", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tuple(_parse(text))
        self.matches: Callable[[bytes], re.Match[bytes] | None] = re.compile(_regex(self.tokens), re.DOTALL).fullmatch
        """A match object (true) or None for a decoded path."""
        self.first = _first_segment(self.tokens)
        """The first segment where it is literal, so that a table can be indexed by it."""

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.tokens == self.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)


def _parse(text: str) -> Iterator[Token]:
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
    if foreign := _FOREIGN.search(text):
        hint = (
            "{name} for a variable" if ":" in foreign[0] else "* for any segment: patterns are no regular expressions"
        )
        raise PatternError(foreign.start() + 2, f"write {hint}")


def _complaint(text: str, position: int) -> str:
    char = text[position]
    if char.isspace():
        return "a blank is written %20"
    if char in "{}":
        return "a variable is written {name}, with letters, digits and _"
    if char == "%":
        return "a bad escape"
    return f"{char!r} is no pattern syntax; escape it if it is meant as it stands"


def _first_segment(tokens: tuple[Token, ...]) -> bytes | None:
    text = ""
    for token in tokens[1:]:
        if token in ("/", Wild.REST):
            break
        if isinstance(token, Wild):
            return None
        text += token
    return text.encode()


def _regex(tokens: tuple[Token, ...]) -> bytes:
    out, pieces = b"", [b""]
    for token in (*tokens, "/"):
        if token in ("/", Wild.REST, Wild.ALL):
            out += _segment(pieces) + _plain(token)
            pieces = [b""]
        elif token is Wild.MANY:
            pieces.append(b"")
        else:
            pieces[-1] += _plain(token)
    return out[:-1]


def _segment(pieces: list[bytes]) -> bytes:
    """What stands between the `*` of one segment, in linear time: only the last `*` may ever be tried again."""
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    found = b"".join(b"(?>[^/]*?%b)" % piece for piece in middle)
    return first + found + (b"[^/]*%b" % last if last else b"[^/]*+")


def _plain(token: Token) -> bytes:
    return _REGEX[token] if isinstance(token, Wild) else re.escape(token.encode())
