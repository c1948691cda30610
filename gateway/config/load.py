"""YAML to schema: every problem at once, with its line and column. The only importer of yaml."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from gateway.config.addresses import Address, Listen
from gateway.config.advice import advise
from gateway.config.builder import TreeBuilder
from gateway.config.checks import check
from gateway.config.document import Document, Loaded
from gateway.config.ours import check_ours, check_written_once
from gateway.config.overrides import override
from gateway.config.problems import ConfigRefused, Mark, Problem
from gateway.config.schema import Config
from gateway.config.section import Section
from gateway.config.server import AdminConfig
from gateway.config.store import StoreConfig
from gateway.config.syntax import says_quote_variable, way_out
from gateway.config.tree import MappingNode, ScalarNode, SequenceNode

MAX_FILE_BYTES = 16 * 1024 * 1024
"""A configuration larger than this was not written by hand; some generator ran away (Cloudflare, 2025-11-18)."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, twenty times faster
_NOT_YAML = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_NO_FLAGS: Mapping[str, str] = MappingProxyType({})


class _AdminPlace(Section):
    """The part of `admin` that a health check has to know."""

    listen: Listen = AdminConfig().listen


def load(path: str | Path, environ: Mapping[str, str], overrides: Mapping[str, str] = _NO_FLAGS) -> Loaded:
    """The configuration in this file, with variables and overrides (flags, as `server.listen`) filled in.

    Raises ConfigRefused with everything that is wrong with it.
    """
    file = str(path)
    text = _read(Path(path), file)
    root, problems, warnings = override(read_tree(text, file), environ, overrides)
    document = Document(root, Path(path).absolute().parent, environ)
    document.problems += problems
    document.warnings += warnings
    config = document.bind(Config, document.data, ())
    check(document)
    document.refuse_if_faulty()
    assert config is not None, "a configuration without problems is bound"
    check_ours(config, document)
    check_written_once(config, document)
    document.refuse_if_faulty()
    if not text.endswith("\n") and not root.flow:
        document.warn((), "the last line does not end: if the file was cut off there, something is missing")
    advise(config, document)
    return Loaded(config, file, document)


def load_place(path: str | Path, environ: Mapping[str, str]) -> tuple[AdminConfig, StoreConfig, Path]:
    """Where the gateway of this file is found: its `admin` and `store`, and the directory that file names start from.

    The rest of the file may be faulty, or need variables that only the gateway has. Raises ConfigRefused.
    """
    file = str(path)
    root, _, _ = override(read_tree(_read(Path(path), file), file), environ, {})
    document = Document(root, Path(path).absolute().parent, environ)
    admin = document.bind(AdminConfig, document.data.get("admin", {}), ("admin",))
    store = document.bind(StoreConfig, document.data.get("store", {}), ("store",))
    if admin is None or store is None:
        raise ConfigRefused(problem for problem in document.problems if problem.where.startswith(("admin", "store")))
    return admin, store, document.base


def load_admin_address(path: str | Path, environ: Mapping[str, str]) -> Address:
    """Where the gateway of this file answers health checks. No secret is looked at: it may be readable to others only.

    Raises ConfigRefused.
    """
    file = str(path)
    root, _, _ = override(read_tree(_read(Path(path), file), file), environ, {})
    document = Document(root, Path(path).absolute().parent, environ)
    section = document.data.get("admin", {})
    listen = {key: value for key, value in section.items() if key == "listen"} if isinstance(section, dict) else section
    place = document.bind(_AdminPlace, listen, ("admin",))
    if place is None:
        raise ConfigRefused(problem for problem in document.problems if problem.where.startswith("admin"))
    return place.listen


def read_tree(text: str, file: str) -> MappingNode:
    """The tree of a whole YAML document. Raises ConfigRefused for what is not one, or not a mapping."""
    if bad := _NOT_YAML.search(text):
        raise _refused(file, text, bad.start(), "holds a character that YAML does not allow")
    builder = TreeBuilder(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            _tell(builder, event, file)
    except yaml.MarkedYAMLError as error:
        raise ConfigRefused([*builder.problems, _syntax_problem(error, text, file)]) from None
    root = builder.root
    if root is None or (isinstance(root, ScalarNode) and root.is_null):
        raise _refused(file, text, 0, "is empty")
    if not isinstance(root, MappingNode):
        raise _refused(file, text, 0, "must be a mapping of sections, such as server, upstreams and routes")
    if builder.problems:
        raise ConfigRefused(builder.problems)
    return root


def _read(path: Path, file: str) -> str:
    try:
        with path.open("rb") as source:
            data = source.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigRefused([Problem(file, 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigRefused([Problem(file, 0, 0, "", f"is larger than {MAX_FILE_BYTES} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ConfigRefused([Problem(file, line, column, "", "is not UTF-8 text")]) from None


def _tell(builder: TreeBuilder, event: yaml.Event, file: str) -> None:
    mark = _mark(event.start_mark, file)
    if getattr(event, "tag", None) is not None:
        builder.tagged(mark)
    match event:
        case yaml.DocumentStartEvent():
            builder.document(mark)
        case yaml.MappingStartEvent():
            builder.begin(MappingNode(mark, {}, flow=bool(event.flow_style)), event.anchor)
        case yaml.SequenceStartEvent():
            builder.begin(SequenceNode(mark, [], flow=bool(event.flow_style)), event.anchor)
        case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
            builder.end()
        case yaml.ScalarEvent():
            node = ScalarNode(event.value, mark, plain=not event.style)
            builder.scalar(node, event.anchor, _mark(event.end_mark, file))
        case yaml.AliasEvent():
            builder.alias(event.anchor or "", mark)


def _mark(mark: Any, file: str) -> Mark:
    """yaml.Mark, or its twin in the C parser."""
    return Mark(file, mark.line + 1, mark.column + 1)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark, begun = error.problem_mark or error.context_mark, error.context_mark
    number, column = (mark.line, mark.column) if mark else (0, 0)
    line = next(iter(text.splitlines()[number : number + 1]), "")
    if says_quote_variable(line, column):
        return Problem(file, number + 1, column, "", 'quote it: between braces or brackets write "${…}" in quotes')
    since = f"(begun on line {begun.line + 1})" if begun and begun.line < number else None
    said = " ".join(filter(None, (error.context, since, error.problem)))
    way = way_out(line, column, error.problem or "")
    return Problem(file, number + 1, column + 1, "", f"is not YAML: {said}{way}")


def _refused(file: str, text: str, offset: int, message: str) -> ConfigRefused:
    line = text.count("\n", 0, offset) + 1
    return ConfigRefused([Problem(file, line, offset - text.rfind("\n", 0, offset), "", message)])
