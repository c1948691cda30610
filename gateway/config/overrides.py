"""Scalars of `server`, `admin` and `store` from the environment and from flags, which beat the file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel

from gateway.config.faults import unwrapped
from gateway.config.problems import Mark, Problem, did_you_mean, problem_at
from gateway.config.schema import Config
from gateway.config.section import secret_fields
from gateway.config.tree import Entry, MappingNode, ScalarNode

SECTIONS = ("server", "admin", "store")
_LIST = "is a list; only single values can be overridden"

Path = tuple[str, ...]


def scalar_paths() -> dict[Path, bool]:
    """Every key below the three sections, `*_file` twins included; False for lists, which cannot be overridden."""
    found: dict[Path, bool] = {}
    for section in SECTIONS:
        found |= dict(_leaves(unwrapped(Config.model_fields[section].annotation), (section,)))
    return found


def _leaves(model: type[BaseModel], above: Path) -> Iterator[tuple[Path, bool]]:
    for name, field in model.model_fields.items():
        kind: Any = unwrapped(field.annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(kind, (*above, name))
        else:
            yield (*above, name), get_origin(kind) is not tuple
    for name in secret_fields(model):
        yield (*above, f"{name}_file"), True


def variable(path: Path) -> str:
    """`GATEWAY_SERVER_LISTEN` for `server.listen`."""
    return "_".join(("GATEWAY", *path)).upper()


def override(
    root: MappingNode, environ: Mapping[str, str], flags: Mapping[str, str]
) -> tuple[MappingNode, list[Problem], list[Problem]]:
    """The tree with the overrides in it, the problems, and the warnings.

    An unknown `GATEWAY_SERVER_…` name is warned of, not refused: Kubernetes sets such names for services on its own.
    """
    paths = scalar_paths()
    problems: list[Problem] = []
    warnings: list[Problem] = []
    by_name = {variable(path): path for path in paths}
    prefixes = tuple(f"{variable((section,))}_" for section in SECTIONS)
    for name in sorted(name for name in environ if name.startswith(prefixes)):
        if not (path := by_name.get(name)):
            warnings.append(problem_at(Mark(name), (), f"sets nothing{_near(name, by_name)}"))
        elif not paths[path]:
            problems.append(problem_at(Mark(name), path, _LIST))
        else:
            root = _set(root, path, ScalarNode(environ[name], Mark(name), literal=True))
    for dotted, text in flags.items():
        path, mark = tuple(dotted.split(".")), Mark(f"flag {dotted}")
        if path not in paths:
            problems.append(problem_at(mark, (), f"sets nothing{did_you_mean(dotted, map('.'.join, paths))}"))
        elif not paths[path]:
            problems.append(problem_at(mark, path, _LIST))
        else:
            root = _set(root, path, ScalarNode(text, mark, literal=True))
    return root, problems, warnings


def _near(name: str, known: Iterable[str]) -> str:
    """Compared without the prefix, which makes all of them look alike."""
    prefix = "_".join(name.split("_")[:2]) + "_"
    keys = [word.removeprefix(prefix).lower() for word in known if word.startswith(prefix)]
    hint = did_you_mean(name.removeprefix(prefix), keys)
    before, quote, word = hint.partition('"')
    return f"{before}{quote}{prefix}{word.upper()}" if hint else ""


def _set(root: MappingNode, path: Path, node: ScalarNode) -> MappingNode:
    """A copy with this value: what an alias shares with other places must not change there."""
    key, *rest = path
    entries = dict(root.entries)
    if not rest:
        twin = key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"
        entries.pop(twin, None)
        entries[key] = Entry(node.mark, node)
    else:
        entry = entries.get(key)
        below = entry.value if entry else MappingNode(node.mark, {})
        if isinstance(below, MappingNode):
            entries[key] = Entry(entry.mark if entry else node.mark, _set(below, tuple(rest), node))
    return MappingNode(root.mark, entries, root.flow)
