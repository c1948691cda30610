"""What every dialect implements, and what it may ask of the core: the broker it is handed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from gateway.errors import GatewayError
from gateway.model import (
    ACCOUNTS_OWN,
    PLAIN_REFRESH,
    Account,
    Call,
    Choice,
    Clock,
    CookieRule,
    CredentialReading,
    Handler,
    Identity,
    OAuthClient,
    RefreshRules,
    Reply,
    Session,
    TokenKind,
    TokenPair,
)
from gateway.tokens.cache import Verified
from gateway.tokens.format import TokenFormat
from gateway.tokens.issuer import Introspection
from gateway.tokens.keys import KeyRing
from gateway.tokens.live import LiveToken
from gateway.tokens.policy import TokenPolicy

Endpoints = Mapping[tuple[str, str], Handler]
"""(method, path) to handler. A path that ends in `/{id}` stands for one more segment, which the handler reads off."""


class Broker(Protocol):
    """The core as dialects see it. Every method raises StoreUnavailable when the store is away."""

    async def login(
        self,
        username: str,
        password: str,
        call: Call,
        client: OAuthClient | None = None,
        scopes: Sequence[str] | None = None,
    ) -> TokenPair:
        """Open a session. Raises LoginRejected, ScopeRejected, TooManyRequests (Banned), Unavailable."""
        ...

    async def verify_password(
        self, username: str, password: str, call: Call, client: OAuthClient | None = None
    ) -> Account:
        """The account, nothing opened yet. Raises LoginRejected, TooManyRequests (Banned), Unavailable."""
        ...

    async def open(
        self,
        account: Account,
        call: Call,
        choice: Choice = ACCOUNTS_OWN,
        client: OAuthClient | None = None,
        *,
        refresh: bool = True,
    ) -> TokenPair:
        """Open a session for an account whose password was right. Raises ScopeRejected."""
        ...

    async def open_preauth(self, account: Account, call: Call, context: Mapping[str, Any] | None = None) -> str:
        """A token that opens no route, for a user who has still to choose."""
        ...

    async def finalize(self, live: LiveToken, account: Account, call: Call, choice: Choice) -> TokenPair:
        """Open the session that the holder of a live token chose, for the account that `account_of` gave of it."""
        ...

    async def client_login(
        self,
        client: OAuthClient,
        call: Call,
        scopes: Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
        *,
        refresh: bool = False,
    ) -> TokenPair:
        """Open a session for the client itself. Raises ScopeRejected."""
        ...

    async def application_token(self, live: LiveToken, call: Call) -> str:
        """A token without an end. Raises Forbidden unless the token's user is of type `application`."""
        ...

    async def refresh(
        self,
        token: str,
        call: Call,
        client: OAuthClient | None = None,
        scopes: Sequence[str] | None = None,
        rules: RefreshRules = PLAIN_REFRESH,
    ) -> TokenPair:
        """Hand out successors. Raises RefreshRejected, and ScopeRejected for more than was granted at login."""
        ...

    async def live(self, token: bytes, *kinds: TokenKind) -> LiveToken:
        """A live token of this login and of one of these kinds. Raises CredentialsRejected, which says why."""
        ...

    async def authenticate(self, token: bytes) -> Verified:
        """What an access or application token of this login stands for. Raises CredentialsRejected."""
        ...

    async def authenticate_client(self, readings: Sequence[tuple[str, str]], call: Call) -> OAuthClient:
        """The client that one of these ids and secrets belongs to. Raises ClientRejected, Banned, Unavailable."""
        ...

    async def account_of(self, session: Session) -> Account:
        """The session's user as listed now. Raises CredentialsRejected if it was removed."""
        ...

    async def slide(self, verified: Verified) -> float:
        """Let an access token live on from its use, where the policy says so; its end, in epoch seconds."""
        ...

    async def logout(self, verified: Verified, call: Call) -> None:
        """End the token's session."""
        ...

    async def logout_by_token(self, token: bytes, call: Call) -> bool:
        """End the session of an access token, expired or not; False: it was over. Raises CredentialsRejected."""
        ...

    async def revoke(self, token: str, client: OAuthClient, call: Call) -> None:
        """End a token of this client; of others and unknown ones nothing is said (RFC 7009, section 2.2)."""
        ...

    async def revoke_any(self, token: str, client: OAuthClient, call: Call) -> None:
        """End the session of a token of this client, whichever of its tokens it is."""
        ...

    async def introspect(self, token: str, client: OAuthClient) -> Introspection | None:
        """What a live token of this client stands for."""
        ...

    async def sessions(self, identity: Identity) -> Sequence[Session]:
        """The user's own live sessions, oldest first."""
        ...

    async def end_session(self, identity: Identity, public: str, call: Call) -> bool:
        """End one of the user's own sessions; False if there is none of that public id."""
        ...

    async def end_all(self, identity: Identity, call: Call) -> None:
        """End all sessions of the user, this one included."""
        ...


@dataclass(frozen=True, slots=True)
class DialectTools:
    """What every dialect is handed."""

    broker: Broker
    clock: Clock
    issuer: str
    """public_url and the login's path."""
    path: str
    """The login's path."""
    jwks: Mapping[str, Any]
    tokens: TokenFormat
    """What the dialect's own `token_format` gave."""
    policy: TokenPolicy
    """The login's, its own keys over the dialect's defaults."""
    scopes: Sequence[str] = ()
    """Scopes worth telling clients about."""


class Dialect(Protocol):
    """How one ERP spells login, refresh, logout and errors: bytes in, Reply out, no sockets."""

    @property
    def reading(self) -> CredentialReading:
        """How the routes behind the login read a credential."""
        ...

    @property
    def cookie(self) -> CookieRule | None:
        """The session cookie that the login hands out; None for none."""
        ...

    def endpoints(self) -> Endpoints:
        """Below the login's path: `/token` is `<path>/token`."""
        ...

    def well_known(self) -> Endpoints:
        """Absolute paths that belong to the login without being below it."""
        ...

    def refuse(self, error: GatewayError, body: bytes | None = None, request_id: str = "") -> Reply:
        """How a refusal of a route is spelled; pure."""
        ...


@runtime_checkable
class SpellsByRequest(Protocol):
    """A dialect whose refusals on routes hang on the refused request: on its id in the body, or on its content type."""

    def refuse_call(self, error: GatewayError, call: Call | None, /) -> Reply:
        """How a refusal of a route is spelled; pure. At most 64 KiB of a body are read for it, else it is empty.

        None: nothing is known of the request.
        """
        ...


@runtime_checkable
class RemembersChoices(Protocol):
    """The class of a dialect whose sessions keep more of a choice than a tenant: a role within it, for instance."""

    def as_listed_now(self, session: Session, account: Account, /) -> Session | None:
        """The session with what its choice is worth today; None where it is not to be had any more."""
        ...


class DialectClass(Protocol):
    """What the registry holds: the class of a dialect."""

    @property
    def Options(self) -> type[BaseModel]:  # noqa: N802 - it is a class, named as one
        """The login's keys beyond those that all logins share."""
        ...

    def policy(self, issuer: str, audience: str, options: Any, /) -> TokenPolicy:
        """The dialect's defaults, which the login's own keys overrule."""
        ...

    def token_format(self, ring: KeyRing, policy: TokenPolicy, options: Any, /) -> TokenFormat:
        """How the login's tokens are written; `LoginTokens.of` where the ERP has no form of its own."""
        ...

    def __call__(self, options: Any, tools: DialectTools, /) -> Dialect:
        """A login's dialect; `options` is an instance of Options."""
        ...
