"""Path patterns and the anonymous entries made of them, matched as one regular expression on decoded bytes."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.routing.grammar import PatternError, Token, Wild, parse

__all__ = ["AnonymousRule", "AnonymousRules", "Pattern", "PatternError"]

_REGEX = {
    # One character is one UTF-8 sequence; the text matched is valid UTF-8 already.
    Wild.ONE: rb"(?:[^/\x80-\xff]|[\xc2-\xf4][\x80-\xbf]{1,3})",
    Wild.REST: rb"(?:/.*+)?",
    Wild.ALL: rb".*+",
}
_ENTRY = re.compile(r"(?:([A-Z]+) +)?(/.*)", re.DOTALL)


class Pattern:
    """`?` one character, `*` within a segment, `{name}` at least one character of it, `/**` last: the rest or nothing.

    Case-sensitive and matched against the whole decoded path; `*` alone in its segment matches at least one character.
    Raises PatternError for anything else that looks like syntax.
    """

    __slots__ = ("first", "matches", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tuple(parse(text))
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


@dataclass(frozen=True, slots=True)
class AnonymousRule:
    """One entry of a route's `anonymous` list."""

    method: str
    """Empty for every method."""
    pattern: Pattern

    def __str__(self) -> str:
        return f"{self.method} {self.pattern.text}".strip()


class AnonymousRules:
    """A route's `anonymous` list, compiled. Raises PatternError; its column counts within the entry."""

    __slots__ = ("rules",)

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self.rules = tuple(_entry(entry) for entry in entries)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def allow(self, method: str, path: bytes) -> bool:
        """Whether a request with no credential may pass; `path` is decoded. GET does not imply HEAD."""
        return any(rule.method in ("", method) and rule.pattern.matches(path) for rule in self.rules)


def _entry(entry: str) -> AnonymousRule:
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        raise PatternError(1, 'an anonymous entry is a pattern or a method in capitals and a pattern: "GET /x/**"')
    try:
        return AnonymousRule(parts[1] or "", Pattern(parts[2]))
    except PatternError as error:
        raise PatternError(error.column + parts.start(2), error.problem) from None


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
