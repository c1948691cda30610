"""Builds the tree from parse events: anchors and merge keys resolved, duplicate keys, tags and alias bombs refused."""

from dataclasses import dataclass, field

from gateway.config.problems import ConfigRefused, Location, Mark, Problem, problem_at
from gateway.config.tree import Entry, MappingNode, Node, ScalarNode, SequenceNode

MAX_DEPTH = 50
MAX_ALIASED_NODES = 100_000
"""How much aliases may add: ten lines of nested ones can stand for billions of values."""


@dataclass(slots=True)
class _Key:
    text: str
    mark: Mark
    end: Mark


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    node: MappingNode | SequenceNode
    anchor: str | None
    size: int = 1
    key: _Key | None = None
    merged: list[tuple[Mark, Node]] = field(default_factory=list)


class TreeBuilder:
    """Told of each parse event in turn; `problems` is what was refused, `root` the finished tree."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._aliased = 0

    def document(self, mark: Mark) -> None:
        """A document begins; one is all there may be. Raises ConfigRefused for a second."""
        if self.root is not None:
            self._stop(mark, "a second document begins here; a configuration is one document")

    def tagged(self, mark: Mark) -> None:
        """A node carries a tag."""
        self._refuse(mark, "tags are not allowed; quote a value that begins with '!'")

    def begin(self, node: MappingNode | SequenceNode, anchor: str | None) -> None:
        """A mapping or list begins. Raises ConfigRefused where it is nested too deep."""
        if len(self._open) >= MAX_DEPTH:
            self._stop(node.mark, f"is nested more than {MAX_DEPTH} levels deep")
        self._open.append(_Open(node, anchor))

    def end(self) -> None:
        """The innermost mapping or list ends."""
        done = self._open.pop()
        if isinstance(done.node, MappingNode):
            self._merge(done.node, done.merged)
        self._place(done.node, done.size, done.anchor, end=done.node.mark)

    def scalar(self, node: ScalarNode, anchor: str | None, end: Mark) -> None:
        """A single value, or a key."""
        self._place(node, 1, anchor, end=end)

    def alias(self, name: str, mark: Mark) -> None:
        """A reference to an anchor. Raises ConfigRefused for a bomb."""
        if any(name == frame.anchor for frame in self._open):
            self._stop(mark, "an anchor that holds itself")
        if name not in self._anchors:
            self._refuse(mark, "there is no such anchor; quote a value that begins with '*'")
        node, size = self._anchors.get(name, (MappingNode(mark, {}), 1))
        self._aliased += size
        if self._aliased > MAX_ALIASED_NODES:
            self._stop(mark, f"aliases stand for more than {MAX_ALIASED_NODES} values")
        self._place(node, size, None, end=mark)

    def _place(self, node: Node, size: int, anchor: str | None, *, end: Mark) -> None:
        if anchor:
            if anchor in self._anchors:
                self._refuse(node.mark, f'the anchor "{anchor}" is defined twice')
            self._anchors[anchor] = (node, size)
        if not self._open:
            self.root = node
            return
        frame = self._open[-1]
        frame.size += size
        if isinstance(frame.node, SequenceNode):
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = self._key(node, end)
        else:
            self._value(frame, frame.node, frame.key, node)

    def _key(self, node: Node, end: Mark) -> _Key:
        if isinstance(node, ScalarNode) and node.text and not node.is_null:
            return _Key("\0<<" if node.text == "<<" and node.plain else node.text, node.mark, end)
        self._refuse(node.mark, "a key must be a plain text")
        return _Key("", node.mark, end)

    def _value(self, frame: _Open, mapping: MappingNode, key: _Key, node: Node) -> None:
        frame.key = None
        if not key.text:
            return
        bare = mapping.flow and isinstance(node, ScalarNode) and node.is_null and node.mark == key.end
        if key.text == "\0<<" and not frame.merged:
            frame.merged.append((key.mark, node))
        elif key.text == "\0<<":
            self._refuse(key.mark, "is written twice; merge several mappings with << : [*one, *two]")
        elif key.text not in mapping.entries:
            mapping.entries[key.text] = Entry(key.mark, node, bare=bare)
        elif not bare:
            line = mapping.entries[key.text].mark.line
            self.problems.append(
                problem_at(key.mark, (*self._where(), key.text), f"is written twice, first on line {line}")
            )

    def _merge(self, mapping: MappingNode, merged: list[tuple[Mark, Node]]) -> None:
        """Merged keys stand behind the written ones, and earlier mappings of a list before later ones."""
        for mark, node in merged:
            for source in node.items if isinstance(node, SequenceNode) else [node]:
                if not isinstance(source, MappingNode):
                    self._refuse(mark, "<< takes a mapping or a list of mappings")
                    continue
                for key, entry in source.entries.items():
                    mapping.entries.setdefault(key, entry)

    def _where(self) -> Location:
        steps: list[str | int] = []
        for frame in self._open:
            if isinstance(frame.node, SequenceNode):
                steps.append(len(frame.node.items))
            elif frame.key:
                steps.append(frame.key.text.removeprefix("\0"))
        return tuple(steps)

    def _refuse(self, mark: Mark, message: str) -> None:
        self.problems.append(problem_at(mark, self._where(), message))

    def _stop(self, mark: Mark, message: str) -> None:
        self._refuse(mark, message)
        raise ConfigRefused(self.problems)
