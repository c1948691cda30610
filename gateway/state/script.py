"""The steps that the store runs as a whole, read from the Lua files beside this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from gateway.state.link import Command

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Script:
    """A step that the server runs as a whole. Every one of them touches the keys of one slot."""

    source: str
    sha: str

    @classmethod
    def load(cls, name: str) -> "Script":
        """Read `name`.lua from beside this file, with the functions that all scripts share in front.

        A first line `#!lua flags=…` stays the first: what ends something is `allow-oom`, and done in a full store, too.
        """
        own = (_HERE / f"{name}.lua").read_text()
        flags, newline, rest = own.partition("\n") if own.startswith("#!lua") else ("", "", own)
        return cls.of(flags + newline + (_HERE / "shared.lua").read_text() + rest)

    @classmethod
    def of(cls, source: str) -> "Script":
        """The script with that text."""
        return cls(source, sha1(source.encode(), usedforsecurity=False).hexdigest())

    def on(self, keys: Sequence[str], *args: str | bytes | int) -> Command:
        """Write the command that runs this script."""
        return ("EVALSHA", self.sha, len(keys), *keys, *args)
