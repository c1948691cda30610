"""The file as a tree that remembers places, and its values as plain data once variables are filled in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.config.problems import Location, Mark
from gateway.config.substitute import substitute

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

_BARE = "a key without a value; if the value before it holds a comma, quote it; behind a key's colon stands a blank"

Report = Callable[[Location, Mark, str], None]


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value as it was written. `plain`: without quotes. `literal`: from a flag or the environment, taken as is."""

    text: str = field(repr=False)
    mark: Mark
    plain: bool = False
    literal: bool = False

    @property
    def is_null(self) -> bool:
        """Nothing was written."""
        return self.plain and not self.literal and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    mark: Mark
    items: list["Node"]
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place and value. `bare`: a key without a colon, as the pieces of an unquoted value with commas are."""

    mark: Mark
    value: "Node"
    bare: bool = False


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values; merge keys are already folded in."""

    mark: Mark
    entries: dict[str, Entry]
    flow: bool = False


Node = ScalarNode | SequenceNode | MappingNode


class Broken:
    """Stands in the data for a value that was already reported."""

    def __repr__(self) -> str:
        return "Broken()"


def child(node: Node, step: str | int) -> Node | None:
    """What stands under this key (or its `*_file` twin) or at this position."""
    if isinstance(node, MappingNode) and isinstance(step, str):
        entry = node.entries.get(step) or node.entries.get(f"{step}_file")
        return entry.value if entry else None
    if isinstance(node, SequenceNode) and isinstance(step, int):
        return node.items[step] if step < len(node.items) else None
    return None


def mark_of(root: Node, where: Location) -> Mark:
    """The place of a value; of what surrounds it where it was not written."""
    node = root
    for step in where:
        below = child(node, step)
        if below is None:
            break
        node = below
    return node.mark


def as_written(root: Node, where: Location) -> Location:
    """The way to a value by the keys that were written: a secret's may be its `*_file` twin."""
    *way, last = where or ("",)
    holder: Node | None = root
    for step in way:
        holder = child(holder, step) if holder else None
    is_twin = isinstance(holder, MappingNode) and last not in holder.entries and f"{last}_file" in holder.entries
    return (*way, f"{last}_file") if is_twin else where


def key_mark(root: Node, where: Location) -> Mark:
    """The place of the key itself rather than of its value."""
    node: Node | None = root
    for step in where[:-1]:
        node = child(node, step) if node else None
    if isinstance(node, MappingNode) and (entry := node.entries.get(str(where[-1]))):
        return entry.mark
    return mark_of(root, where)


class Filler:
    """Turns nodes into plain dicts, lists and texts, with every `${VAR}` filled in."""

    def __init__(self, environ: Mapping[str, str], report: Report) -> None:
        self._environ = environ
        self._report = report

    def fill(self, node: Node, where: Location) -> object:
        """The data; a value that cannot be filled is reported and stands as Broken."""
        match node:
            case MappingNode():
                return self._mapping(node, where)
            case SequenceNode():
                return [self._scalar_in(item, (*where, index), flow=node.flow) for index, item in enumerate(node.items)]
            case ScalarNode():
                return self._scalar(node, where)

    def _mapping(self, node: MappingNode, where: Location) -> dict[str, object]:
        hash_was_cut = node.flow and any(_is_cut_hash(entry.value) for entry in node.entries.values())
        data: dict[str, object] = {}
        for key, entry in node.entries.items():
            if not entry.bare:
                data[key] = self._scalar_in(entry.value, (*where, key), flow=node.flow)
            elif not hash_was_cut:
                # The key's text is not shown: it may be the rest of a password that held a comma.
                self._report(where, entry.mark, _BARE)
        return data

    def _scalar_in(self, node: Node, where: Location, *, flow: bool) -> object:
        if flow and _is_cut_hash(node):
            self._report(where, node.mark, "quote it: between braces or brackets a comma ends an unquoted hash")
            return Broken()
        return self.fill(node, where)

    def _scalar(self, node: ScalarNode, where: Location) -> object:
        if node.is_null:
            self._report(where, node.mark, "has no value; write one, or leave the key out")
            return Broken()
        try:
            text = node.text if node.literal else substitute(node.text, self._environ)
            text.encode()
        except UnicodeEncodeError:  # "\ud800" in quotes, or an environment that is not UTF-8
            self._report(where, node.mark, "is not Unicode text")
        except ValueError as error:
            self._report(where, node.mark, str(error))
        else:
            return text
        return Broken()


def _is_cut_hash(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.plain and node.text.startswith("$argon2")
