"""Whether one pattern matches all, or any, of what another matches: decided exactly, for they are automata."""

from collections.abc import Callable

from gateway.routing.grammar import Token, Wild
from gateway.routing.patterns import Pattern

_States = frozenset[int]
_OTHER = "\0"
"""Stands for every character that neither pattern names; no path has it."""


def covers(wide: Pattern, narrow: Pattern) -> bool:
    """Whether every path that `narrow` matches is matched by `wide`."""
    return not _reaches(wide, narrow, lambda in_wide, in_narrow: in_narrow and not in_wide)


def overlaps(one: Pattern, other: Pattern) -> bool:
    """Whether some path is matched by both."""
    return _reaches(one, other, lambda in_one, in_other: in_one and in_other)


def _reaches(one: Pattern, other: Pattern, wanted: Callable[[bool, bool], bool]) -> bool:
    """Whether some text leads the two automata, run side by side, to a pair of verdicts that is wanted."""
    ours, theirs = _unrolled(one.tokens), _unrolled(other.tokens)
    alphabet = {token for token in (*ours, *theirs) if isinstance(token, str)} | {"/", _OTHER}
    seen = {(_settled(ours, {0}), _settled(theirs, {0}))}
    todo = list(seen)
    while todo:
        left, right = todo.pop()
        if wanted(len(ours) in left, len(theirs) in right):
            return True
        for char in alphabet:
            pair = (_step(ours, left, char), _step(theirs, right, char))
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return False


def _unrolled(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """State n waits for token n; `/**` becomes a slash that may be missing, and all that follows it."""
    return (*tokens, Wild.ALL) if tokens[-1] is Wild.REST else tokens


def _settled(tokens: tuple[Token, ...], states: set[int]) -> _States:
    """With the states that need no further character: past wildcards that may match nothing."""
    settled = set(states)
    for state, token in enumerate(tokens):  # in order, so one pass is enough
        if state in settled and isinstance(token, Wild) and token is not Wild.ONE:
            settled.add(state + 1 if token is Wild.MANY else len(tokens))
    return frozenset(settled)


def _step(tokens: tuple[Token, ...], states: _States, char: str) -> _States:
    after: set[int] = set()
    for state in states:
        token = tokens[state] if state < len(tokens) else None
        if token == char or (token is Wild.ONE and char != "/") or (token is Wild.REST and char == "/"):
            after.add(state + 1)
        elif token is Wild.ALL or (token is Wild.MANY and char != "/"):
            after.add(state)
    return _settled(tokens, after)
