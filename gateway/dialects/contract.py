"""What every dialect implements, and what it may ask of the core: the broker it is handed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from gateway.errors import GatewayError
from gateway.model import Call, Clock, Handler, Identity, OAuthClient, Reply, Session, TokenPair
from gateway.tokens.cache import Verified
from gateway.tokens.issuer import Introspection
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
        """Open a session. Raises LoginRejected, ScopeRejected, Unavailable."""
        ...

    async def client_login(self, client: OAuthClient, call: Call, scopes: Sequence[str] | None = None) -> TokenPair:
        """Open a session for the client itself, without a refresh token. Raises ScopeRejected."""
        ...

    async def refresh(
        self,
        token: str,
        call: Call,
        client: OAuthClient | None = None,
        scopes: Sequence[str] | None = None,
    ) -> TokenPair:
        """Hand out successors. Raises RefreshRejected, and ScopeRejected for more than was granted at login."""
        ...

    async def authenticate(self, token: bytes) -> Verified | None:
        """What an access token of this login stands for."""
        ...

    async def authenticate_client(self, client_id: str, secret: str) -> OAuthClient:
        """Raises ClientRejected."""
        ...

    async def logout(self, verified: Verified, call: Call) -> None:
        """End the token's session."""
        ...

    async def revoke(self, token: str, client: OAuthClient, call: Call) -> None:
        """End a token of this client; of others and unknown ones nothing is said (RFC 7009, section 2.2)."""
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
    scopes: Sequence[str] = ()
    """Scopes worth telling clients about."""


class Dialect(Protocol):
    """How one ERP spells login, refresh, logout and errors: bytes in, Reply out, no sockets."""

    def endpoints(self) -> Endpoints:
        """Below the login's path: `/token` is `<path>/token`."""
        ...

    def well_known(self) -> Endpoints:
        """Absolute paths that belong to the login without being below it."""
        ...

    def refuse(self, error: GatewayError, body: bytes | None = None, request_id: str = "") -> Reply:
        """How a refusal of a route is spelled; pure."""
        ...


class DialectClass(Protocol):
    """What the registry holds: the class of a dialect."""

    @property
    def Options(self) -> type[BaseModel]:  # noqa: N802 - it is a class, named as one
        """The login's keys beyond those that all logins share."""
        ...

    def policy(self, issuer: str, audience: str) -> TokenPolicy:
        """The dialect's defaults, which the login's own keys overrule."""
        ...

    def __call__(self, options: Any, tools: DialectTools, /) -> Dialect:
        """A login's dialect; `options` is an instance of Options."""
        ...
