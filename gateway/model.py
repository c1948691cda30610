"""The shared nouns: who calls (Identity), what was issued (Session, TokenPair), what an endpoint reads and answers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, Protocol

Clock = Callable[[], float]
"""Seconds since the epoch. Handed in, so that tests own the time."""

Headers = tuple[tuple[bytes, bytes], ...]

_running: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start a task and keep a reference until it ends: the event loop alone keeps only a weak one."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


class TokenKind(Enum):
    """What a token may be used for; a refresh or pre-auth token never opens a route."""

    ACCESS = "access"
    REFRESH = "refresh"
    PREAUTH = "preauth"
    APPLICATION = "application"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the caller is, and by which method that was proved. A user is (provider, user_id), never the bare name."""

    provider: str
    user_id: str
    user: str
    method: str
    """bearer, api_key, access_token, cookie, or anonymous."""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    tenant: str = ""
    login: str = ""
    """Name of the login that issued the token; empty for API keys."""
    client_id: str = ""
    session_id: str = ""
    key_id: str = ""
    """Id of the API key, where that is the method."""
    key_routes: frozenset[str] = frozenset()
    """Names of the routes an API key is limited to; empty for all."""


ANONYMOUS = Identity(provider="", user_id="", user="", method="anonymous")


@dataclass(frozen=True, slots=True)
class Session:
    """One login and everything issued from it; revoking it kills all of them. Times are seconds since the epoch."""

    id: str
    login: str
    provider: str
    user_id: str
    user: str
    created: float
    absolute_expiry: float = inf
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tenant: str = ""
    client_id: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What the dialect needs again at the next refresh (role, organisation, warehouse, language …); JSON values."""


@dataclass(frozen=True, slots=True)
class Account:
    """What an identity provider says of a user whose password was right."""

    provider: str
    id: str
    name: str
    type: str = "user"
    """user, or application: may hold non-expiring application tokens."""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tenants: tuple[Any, ...] = ()
    """The tenants the user may choose from, as the provider's own model lists them (id, name, language, roles …)."""

    @property
    def default_tenant(self) -> str:
        """The name of the only tenant, or none: with several, the client has to choose."""
        return str(self.tenants[0].name) if len(self.tenants) == 1 else ""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A machine or application registered under `clients`; it authenticates with a secret of its own (RFC 6749, 2)."""

    id: str
    secret_hash: str = field(repr=False)
    grants: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    """What the client itself may do (client_credentials)."""
    scopes: tuple[str, ...] = ()
    """Those of the client itself; where listed, also a cap on the users' who log in through it."""
    logins: frozenset[str] = frozenset()
    """Names of the logins it may use; empty for all."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login or a refresh hands to the client. Never logged: its repr shows no token."""

    session: Session
    access_token: str = field(repr=False)
    expires_in: int
    """Whole seconds left of the access token."""
    refresh_token: str = field(default="", repr=False)
    """Empty where none was issued."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an endpoint: bytes in. `body` is complete and at most 64 KiB; it may hold a password (no repr)."""

    method: str
    path: str
    """The canonical path."""
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; the first value of each."""
    body: bytes = field(repr=False)
    client_address: str = ""
    address_is_shared: bool = False
    """The address is a proxy's that is not trusted (it sends X-Forwarded-For): it stands for nobody knows how many."""
    secure: bool = False
    """The client's own connection (or what a trusted proxy says of it) is TLS."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in a dialect's bytes. Framing headers (Content-Length, Connection, Date) are added by the proxy."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Headers = field(default=(), repr=False)
    """Name and value pairs in wire order, Content-Type included where there is one."""


Handler = Callable[[Call], Awaitable[Reply]]
"""An endpoint of a login."""


class PasswordVerifier(Protocol):
    """What the broker needs of an identity provider."""

    name: str

    async def verify(self, username: str, password: str, call: Call) -> Account | None:
        """The account, or None for a wrong name or password (equal cost for both). Raises Unavailable when it cannot
        be known now."""  # noqa: D205, D209

    async def lookup(self, user_id: str) -> Account | None:
        """The account as it is now, for refresh and cold reads; None if it was removed or locked."""
