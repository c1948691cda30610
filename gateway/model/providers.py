"""What identity providers and the client of an ERP have to offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.model.identity import Account, ErpSession, Session
from gateway.model.messages import Call


class PasswordVerifier(Protocol):
    """What the broker needs of an identity provider."""

    name: str

    async def verify(self, username: str, password: str, call: Call) -> Account | None:
        """The account, or None for a wrong name or password (equal cost for both). Raises Unavailable when it cannot
        be known now."""  # noqa: D205, D209

    async def lookup(self, user_id: str, session: Session | None = None) -> Account | None:
        """The account as it is now, for refresh and cold reads; None if it was removed or locked.

        `session` is the one that asks: a provider that keeps no list of users has only that to answer from.
        """


@dataclass(frozen=True, slots=True)
class ErpAnswer:
    """A whole answer of an ERP to a call of the gateway's own."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; the first value of each."""
    cookies: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class ErpClient(Protocol):
    """Calls one upstream for an identity provider. Follows no redirect."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        address: str = "",
        timeout: float,  # noqa: ASYNC109 - an option of the provider, kept by the client
    ) -> ErpAnswer:
        """The answer, whatever its status below 500; `address` is the client's, `timeout` in seconds for all of it.

        Raises ErpDown (refused, broken, 5xx), ErpSlow, or ErpNonsense (no HTTP, over 1 MiB).
        """
        ...


class ErpProvider(PasswordVerifier, Protocol):
    """An identity provider that signs in to an ERP: its accounts carry an ErpSession."""

    upstream: str
    """Name of the upstream whose sessions these are; they are put on requests to no other."""
    headers: frozenset[str]
    """Lower-case names of the headers that carry a session of this ERP."""
    cookies: frozenset[str]
    """Names of the cookies that carry one."""

    async def settle(self, erp: ErpSession, choice: Mapping[str, str]) -> ErpSession:
        """The session for what the user chose (tenant, role, organization, warehouse, language; ids or names).

        Raises LoginRejected for what the ERP does not let the user choose, SelectionNeeded where it is left open.
        """
        ...

    def tenants(self, erp: ErpSession) -> tuple[Any, ...]:
        """The tenants that the ERP listed at login; empty where it knows none."""
        ...

    async def renew(self, erp: ErpSession) -> ErpSession | None:
        """A session that the ERP takes from now on; None: the ERP will not have it any more. Raises Unavailable."""
        ...

    async def endless(self, erp: ErpSession) -> ErpSession | None:
        """A session without an end, for an application token; None where the ERP lets this user have none.

        Raises Unavailable.
        """
        ...

    async def is_theirs(self, erp: ErpSession) -> bool:
        """Whether a session that the ERP changed on a request of the user's is still theirs. Raises Unavailable.

        A login at the ERP itself, sent through a route, makes it somebody else's.
        """
        ...

    async def destroy(self, erp: ErpSession) -> None:
        """End the session in the ERP. Raises Unavailable."""
        ...

    def says_expired(self, status: int, headers: Mapping[bytes, bytes], start: bytes | None) -> bool | None:
        """Whether an answer says that the session has ended; None: the first bytes of the body are needed, too.

        `headers` has lower-case names. `start` is None where the head has to do, else at most 4 KiB.
        """
        ...
