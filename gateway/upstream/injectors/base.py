"""The seam of injectors: how an upstream request gets the credential that the ERP expects."""

from typing import Protocol

from gateway.model import Identity


class Injector(Protocol):
    """Built once from the upstream's options."""

    owns: frozenset[bytes]
    """Lower-case names of the headers it writes; no client's header of that name passes."""

    def headers_for(self, identity: Identity) -> bytes | None:
        """Whole header lines, ready at once; None if they must be fetched first. Never for an anonymous caller."""
