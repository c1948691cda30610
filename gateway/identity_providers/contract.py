"""What every identity provider is handed, and what all those share which sign in to an ERP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Annotated, Any

from pydantic import AfterValidator

from gateway.config.section import Section
from gateway.config.values import Duration, Line, Name, Names
from gateway.errors import Unavailable
from gateway.identity_providers.erp_answers import JSON_HEADERS, bearer
from gateway.identity_providers.passwords import PasswordChecks
from gateway.model import Account, Clock, ErpAnswer, ErpClient, ErpSession, Session


def no_client(upstream: str) -> ErpClient:
    """What stands where there are no upstreams to ask. Raises Unavailable."""
    raise Unavailable(f"no client for upstream {upstream}")


@dataclass(frozen=True, slots=True)
class ProviderTools:
    """What every identity provider is handed."""

    name: str
    checks: PasswordChecks
    erp_client: Callable[[str], ErpClient] = field(default=no_client, repr=False)
    """The client for an upstream of that name."""
    clock: Clock = time


def plain_path(path: str) -> str:
    """A path that others can be appended to. Raises ValueError."""
    if not path.startswith("/") or path.endswith("/") or not path.isascii() or not path.isprintable():
        raise ValueError("must begin with '/' and not end with one")
    if set(path) & set(" ?#%\\"):
        raise ValueError("must be a plain path: no query, fragment, escape or blank")
    return path


Path = Annotated[Line, AfterValidator(plain_path)]


class ErpOptions(Section):
    """The keys of every identity provider that signs in to an ERP."""

    upstream: Name
    roles: Names = ()
    """What every user of this provider holds; an ERP does not tell its roles at login."""
    scopes: Names = ()
    timeout: Duration = 10.0
    """Seconds for one whole call to the ERP."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The tenant of a session, as `lookup` tells it again without asking the ERP."""

    name: str


class ErpAccounts:
    """Accounts of users whom an ERP knows and the gateway does not list; the base of every ErpProvider."""

    def __init__(self, options: ErpOptions, tools: ProviderTools) -> None:
        self.name = tools.name
        self.upstream = options.upstream
        self._roles = options.roles
        self._scopes = options.scopes
        self._timeout = options.timeout
        self._client = tools.erp_client(options.upstream)
        self._clock = tools.clock

    async def lookup(self, user_id: str, session: Session | None = None) -> Account | None:
        """The account as the session knows it, with the roles configured now.

        No ERP answers this without a password: whether the user still exists shows when the ERP session is renewed,
        and one that cannot be renewed ends ours.
        """
        if session is None:
            return None
        tenants = (Remembered(session.tenant),) if session.tenant else ()
        return Account(self.name, user_id, session.user, "user", self._roles, self._scopes, tenants)

    async def endless(self, erp: ErpSession) -> ErpSession | None:  # noqa: ARG002 - the contract's; most ERPs have none
        """None: most ERPs' sessions have an end."""
        return None

    async def is_theirs(self, erp: ErpSession) -> bool:  # noqa: ARG002 - the contract's; most ERPs change no session
        """Always: what is not a cookie is not changed by an answer."""
        return True

    def tenants(self, erp: ErpSession) -> tuple[Any, ...]:  # noqa: ARG002 - the contract's; most ERPs know no tenants
        """None."""
        return ()

    async def settle(self, erp: ErpSession, choice: Mapping[str, str]) -> ErpSession:  # noqa: ARG002 - the contract's
        """The same: most ERPs leave nothing to choose."""
        return erp

    def says_expired(self, status: int, headers: Mapping[bytes, bytes], start: bytes | None) -> bool | None:  # noqa: ARG002 - the contract's
        """A 401. It may mean what this user may not do: `renew` succeeds then, and the second 401 is passed on."""
        return status == 401

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        token: str = "",
        headers: Mapping[str, str] = JSON_HEADERS,
        address: str = "",
    ) -> ErpAnswer:
        """One call, with `token` as its Bearer. Raises ErpDown, ErpSlow, ErpNonsense."""
        return await self._client.ask(
            method,
            path,
            body=body,
            headers={**headers, **(bearer(token) if token else {})},
            address=address,
            timeout=self._timeout,
        )

    def _account(self, user_id: str, name: str, erp: ErpSession) -> Account:
        return Account(self.name, user_id, name, "user", self._roles, self._scopes, erp_session=erp)
