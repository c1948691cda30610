"""What differs between two configurations, by meaning: order of keys, comments and spelled-out defaults aside."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gateway.config.secret import Secret
from gateway.config.section import Options

NEEDS_RESTART = (
    "server.listen",
    "server.workers",
    "server.tls",
    "admin.",
    "logs.",
    "store.",
)
"""Keys read once, when the process starts; with a dot at the end, all keys below. `server.tls` itself changes when TLS
is switched on or off; the files it names are read again."""

_NAMES = ("name", "id", "kid", "username")
_HIDDEN = re.compile(r"(?:^|[._])(?:hash|secret|password|token|set\..+)$")
"""Keys whose values are not shown: credentials, and headers that are set, which may carry one."""
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. Credentials and a variant's own options are never shown, only that they differ."""

    where: str
    before: str
    """Empty where it was added."""
    after: str
    """Empty where it was removed."""

    @property
    def needs_restart(self) -> bool:
        """The running gateway keeps the old value until it is started again."""
        return any(self.where == key or (key.endswith(".") and self.where.startswith(key)) for key in NEEDS_RESTART)

    def __str__(self) -> str:
        if not self.before:
            return f"+ {self.where}: {self.after}"
        if not self.after:
            return f"- {self.where}: {self.before}"
        return f"~ {self.where}: {self.before} -> {self.after}"


def changes(old: BaseModel, new: BaseModel) -> list[Change]:
    """All differences, in the order of the file."""
    return list(_compare("", _Part(old), _Part(new)))


@dataclass(frozen=True, slots=True)
class _Part:
    """A value and, where it is a plain one, how the file spells it (`15m`, `64KiB`)."""

    value: Any
    shown: Any = None

    def __getitem__(self, key: str) -> "_Part":
        if isinstance(self.value, BaseModel):
            shown = self.value.model_dump(mode="json", include={key}).get(key)
            return _Part(getattr(self.value, key), shown)
        return _Part(self.value[key]) if key in self.value else _Part(_ABSENT)

    def keys(self) -> list[str]:
        """The keys of a section or mapping; those of a list are its members' names."""
        return list(type(self.value).model_fields if isinstance(self.value, BaseModel) else self.value)


def _compare(where: str, old: _Part, new: _Part) -> Iterator[Change]:
    if isinstance(old.value, Options) or isinstance(new.value, Options):
        yield from _compare_options(where.removesuffix(".options"), old.value, new.value)
    elif _is_section(old.value) and _is_section(new.value):
        for key in dict.fromkeys((*old.keys(), *new.keys())):
            yield from _compare(f"{where}.{key}" if where else key, old[key], new[key])
    elif _is_list(old.value) and _is_list(new.value):
        yield from _compare_lists(where, _Part(_by_name(old.value)), _Part(_by_name(new.value)))
    elif old.value != new.value:
        before, after = _spell(where, old), _spell(where, new)
        yield Change(where, before, after if after != before else f"{after}, changed")


def _is_section(value: Any) -> bool:
    return isinstance(value, BaseModel | Mapping)


def _is_list(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, BaseModel) for item in value)


def _compare_lists(where: str, old: _Part, new: _Part) -> Iterator[Change]:
    for name in dict.fromkeys((*old.keys(), *new.keys())):
        yield from _compare(f"{where}[{name}]", old[name], new[name])
    before, after = [name for name in old.value if name in new.value], [name for name in new.value if name in old.value]
    if before != after:
        # The first match wins and the first key signs: order is meaning.
        yield Change(f"{where} (order)", ", ".join(before), ", ".join(after))


def _by_name(items: tuple[BaseModel, ...]) -> dict[str, BaseModel]:
    return {_name(item) or str(number): item for number, item in enumerate(items)}


def _name(item: BaseModel) -> str:
    return next((str(getattr(item, key)) for key in _NAMES if getattr(item, key, "")), "")


def _compare_options(where: str, old: Any, new: Any) -> Iterator[Change]:
    """Options are still as written and may hold passwords: which ones differ is said, not how."""
    before, after = (side if isinstance(side, Mapping) else {} for side in (old, new))
    for key in dict.fromkeys((*before, *after)):
        if before.get(key, _ABSENT) != after.get(key, _ABSENT):
            yield Change(f"{where}.{key}", "(set)" if key in before else "", "(set anew)" if key in after else "")


def _spell(where: str, part: _Part) -> str:
    value = part.value
    if value is _ABSENT:
        return ""
    if value is None or value in ("", ()):
        return "(none)"
    if isinstance(value, Secret) or _HIDDEN.search(where):
        return "(hidden)"
    if _is_section(value):
        keys = (
            value
            if isinstance(value, Options)
            else [f"{key}: {_spell(f'{where}.{key}', part[key])}" for key in _told(value)]
        )
        return "{" + ", ".join(keys) + "}"
    if isinstance(value, tuple | frozenset):
        return "[" + ", ".join(_spell(where, _Part(item)) for item in value) + "]"
    shown = value if part.shown is None else part.shown
    return str(shown).lower() if isinstance(shown, bool) else str(shown)


def _told(value: Any) -> list[str]:
    """The keys worth showing: of a section those that are not as by default."""
    if not isinstance(value, BaseModel):
        return list(value)
    fields = type(value).model_fields
    return [key for key, part in value if part != fields[key].get_default(call_default_factory=True)]
