"""The seam of injectors: how an upstream request gets the credential that the ERP expects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.model import Clock, ErpProvider, Identity
from gateway.upstream.erp_credential import Credential


class Injector(Protocol):
    """Built once from the upstream's options and `InjectorTools`."""

    owns: frozenset[bytes]
    """Lower-case names of the headers it writes; no client's header of that name passes."""
    owns_cookies: frozenset[bytes]
    """Names of the cookies it writes; none of that name passes, in either direction."""

    def headers_for(self, identity: Identity) -> bytes | None:
        """Whole header lines, ready at once; None if they must be fetched first. Never for an anonymous caller."""


class ErpSource(Protocol):
    """What injectors need of the broker: the ERP sessions of the gateway's own."""

    def held(self, session_id: str) -> Credential | None:
        """What is in memory, without suspending."""
        ...

    async def get(self, session_id: str) -> Credential:
        """A credential to be used now. Raises CredentialsRejected, NoErpSession, Unavailable."""
        ...

    async def renew(self, session_id: str, used: Credential) -> Credential:
        """Another one than `used`. Raises as `get`."""
        ...

    def adopt(self, session_id: str, used: Credential, cookies: Mapping[str, str]) -> None:
        """The ERP has set these cookies in an answer to a request that carried `used`."""
        ...


@dataclass(frozen=True, slots=True)
class InjectorTools:
    """What every injector is handed."""

    upstream: str
    """Name of the upstream it is for."""
    clock: Clock
    erp_providers: Mapping[str, ErpProvider]
    erp_sessions: ErpSource
