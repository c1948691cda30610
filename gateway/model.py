"""The shared nouns: who calls (Identity), what was issued (Session, TokenPair), what an endpoint reads and answers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, Final, Protocol

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
class ErpSession:
    """What an ERP gave us for a login: never a password. Kept sealed in the store; its repr shows no credential."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What the ERP wants to see on each request; empty while a choice of the login is still open."""
    cookies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Name and value of the cookies it wants to see."""
    renew_at: float = inf
    """Seconds since the epoch from which it is renewed before the next use; inf where only the ERP can tell."""
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What its provider needs to renew and to destroy it; JSON values."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the ERP said of the user and of this session; JSON values."""


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
    erp_session: ErpSession | None = field(default=None, compare=False)
    """What the provider's ERP gave for this login; None where no ERP was signed in to."""

    @property
    def default_tenant(self) -> str:
        """The name of the only tenant, or none: with several, the client has to choose."""
        return str(self.tenants[0].name) if len(self.tenants) == 1 else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a session is opened for, where a dialect lets the client choose; None is what the account has."""

    tenant: str | None = None
    roles: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    """At most the account's: ScopeRejected otherwise."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Kept in `Session.context`; the keys `roles` and `scopes` are the broker's own."""


ACCOUNTS_OWN: Final = Choice()
"""Nothing was chosen."""


def _nothing_more(_: Session) -> None:
    """No check beyond those of every refresh."""


@dataclass(frozen=True, slots=True)
class RefreshRules:
    """What a dialect adds to a refresh."""

    before: Callable[[Session], None] = _nothing_more
    """Raises to refuse. Asked after a second use was looked for; a live token is not spent by a refusal."""
    renew: Callable[[Session, Account], Session | None] | None = None
    """The session as it is from now on, given the account as it is now; None: what it was opened for is gone."""


PLAIN_REFRESH: Final = RefreshRules()
"""No rules beyond those of every refresh."""


@dataclass(frozen=True, slots=True)
class CredentialReading:
    """How the routes behind a login read a credential, as clients of that login's ERP know it."""

    scheme_case_sensitive: bool = False
    """Only `Bearer` is the scheme; RFC 9110 knows no case."""
    bearer_is_strict: bool = True
    """One space between scheme and token; otherwise any white space around the token."""
    comma_cut: bool = False
    """What follows a comma in the header is dropped."""
    header_wins: bool = False
    """A Bearer beside an `access_token` parameter counts alone; otherwise the two are 400."""
    url_token_methods: frozenset[str] | None = frozenset(("GET", "HEAD"))
    """Methods whose `access_token` parameter counts where a route lists it; None: all."""
    url_token_in_form: bool = False
    """The parameter counts in a form, too."""
    tells_token: bool = False
    """Refusals are made from the refused token's text: `CredentialsRejected.presented` is set."""
    never_open: tuple[tuple[str, str], ...] = ()
    """Path patterns that no whitelist may open to everyone, each with the part of it that may be open (or "")."""


@dataclass(frozen=True, slots=True)
class CookieRule:
    """The session cookie that a login hands out."""

    name: str
    max_age: int
    """Seconds."""
    path: str = "/"
    http_only: bool = True
    secure: bool = False
    same_site: str = ""
    """Empty: the attribute is left out."""


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
    """Whole seconds left of the access token; 0 where it has no end."""
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

    async def renew(self, erp: ErpSession) -> ErpSession | None:
        """A session that the ERP takes from now on; None: the ERP will not have it any more. Raises Unavailable."""
        ...

    async def destroy(self, erp: ErpSession) -> None:
        """End the session in the ERP. Raises Unavailable."""
        ...

    def says_expired(self, status: int, headers: Mapping[bytes, bytes], start: bytes | None) -> bool | None:
        """Whether an answer says that the session has ended; None: the first bytes of the body are needed, too.

        `headers` has lower-case names. `start` is None where the head has to do, else at most 4 KiB.
        """
        ...
