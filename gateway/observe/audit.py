"""The audit log: who logged in, refreshed, revoked or reloaded, one JSON line each in a stream of its own."""

from collections.abc import Callable

from gateway.model import Clock
from gateway.observe.log_writer import stamped
from gateway.observe.redaction import redact_field


class Audit:
    """`audit("login", user="…", result="…")`: called by whoever decides; names and ids, never a credential."""

    __slots__ = ("_clock", "_write")

    def __init__(self, write: Callable[[bytes], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one line: `ts`, `event`, then the fields as given. Empty ones are left out."""
        kept = {name: redact_field(name, value) for name, value in fields.items() if value not in ("", None)}
        self._write(stamped(self._clock(), {"event": event, **kept}))
