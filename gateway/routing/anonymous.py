"""The paths of a route that need no credential: `/x/**` for every method, `GET /x/**` for one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.routing.patterns import Pattern, PatternError

_ENTRY = re.compile(r"(?:([A-Z]+) +)?(/.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AnonymousRule:
    """One entry of a route's `anonymous` list."""

    method: str
    """Empty for every method."""
    pattern: Pattern


class AnonymousRules:
    """A route's `anonymous` list, compiled. Raises PatternError; its column counts within the entry."""

    __slots__ = ("rules",)

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self.rules = tuple(_parse(entry) for entry in entries)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def allow(self, method: str, path: bytes) -> bool:
        """Whether a request with no credential may pass; `path` is decoded. GET does not imply HEAD."""
        return any(rule.method in ("", method) and rule.pattern.matches(path) for rule in self.rules)


def _parse(entry: str) -> AnonymousRule:
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        raise PatternError(1, 'an anonymous entry is a pattern or a method in capitals and a pattern: "GET /x/**"')
    try:
        return AnonymousRule(parts[1] or "", Pattern(parts[2]))
    except PatternError as error:
        raise PatternError(error.column + parts.start(2), error.problem) from None
