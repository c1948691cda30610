"""What an ERP session puts on a request, ready-made, and until when it can be used unasked."""

from math import inf
from time import monotonic
from typing import Final

from gateway.model import ErpSession

TRUSTED: Final = 60.0
"""Seconds for which an ERP that has just confirmed a session is not asked again: its 401s mean something else."""


class Credential:
    """One version of an ERP session, in memory. Its repr shows nothing of it."""

    __slots__ = ("_ends_once", "_fresh_until", "_recent_until", "_trusted_until", "cookie", "erp", "lines", "version")

    def __init__(
        self,
        erp: ErpSession,
        version: str,
        *,
        fresh_for: float = inf,
        doubted: bool = False,
        after: "Credential | None" = None,
    ) -> None:
        """`fresh_for` in seconds; `doubted`: it is as good as it gets. `after`: so is what a renewal made of that."""
        now = monotonic()
        self.erp = erp
        self.version = version
        self.lines = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in erp.headers)
        """Whole header lines."""
        self.cookie = "; ".join(f"{name}={value}" for name, value in erp.cookies).encode("latin-1")
        """The value of a Cookie header, or a part of one."""
        self._fresh_until = now + fresh_for
        self._recent_until = now + TRUSTED if doubted or after is not None else 0.0
        self._trusted_until = self._recent_until
        self._ends_once = after is not None and now >= after._recent_until  # noqa: SLF001 - another one of these

    @property
    def is_fresh(self) -> bool:
        """May be used without a renewal."""
        return monotonic() < self._fresh_until

    @property
    def is_trusted(self) -> bool:
        """The ERP has confirmed it a moment ago."""
        return monotonic() < self._trusted_until

    def taken(self) -> None:
        """The ERP has answered to it as to one that counts: if it says now that it has ended, so it has.

        That is believed of one renewal a minute: a role that may not do something is a 401 in some ERPs.
        """
        if self._ends_once:
            self._trusted_until = 0.0

    def __repr__(self) -> str:
        return f"Credential(version={self.version})"
