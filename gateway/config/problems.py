"""What is wrong with a configuration, said once, with its place and a way out."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Location = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top of the file."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place: the file (or the flag or environment variable) and, in a file, line and column counted from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to correct; `str()` is the line that `gateway check` prints."""

    file: str
    line: int
    column: int
    where: str
    """`routes[2].upstream`; empty for the file as a whole."""
    message: str

    def __str__(self) -> str:
        place = Mark(self.file, self.line, self.column)
        return f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"


class ConfigRefused(Exception):
    """The configuration does not load; `problems` lists all that is wrong with it, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


def problem_at(mark: Mark, where: Location, message: str) -> Problem:
    """A problem at this place."""
    return Problem(mark.file, mark.line, mark.column, spelled(where), message)


def spelled(where: Location) -> str:
    """`("routes", 2, "upstream")` as `routes[2].upstream`."""
    text = ""
    for step in where:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "odoo"?`, or nothing where no known word is near."""
    spelled_as = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), spelled_as, n=1, cutoff=0.6)
    return f'; did you mean "{spelled_as[near[0]]}"?' if near else ""


def one_of(word: str, known: Iterable[str]) -> str:
    """`; did you mean "odoo"?`, or all there are where no known word is near."""
    names = list(known)
    return did_you_mean(word, names) or f"; there are {', '.join(names)}"
