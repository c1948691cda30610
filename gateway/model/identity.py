"""Who calls, and what was issued to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any


class TokenKind(Enum):
    """What a token may be used for; a refresh or pre-auth token never opens a route."""

    ACCESS = "access"
    REFRESH = "refresh"
    PREAUTH = "preauth"
    APPLICATION = "application"
    URL = "url"
    API_KEY = "api_key"
    """An API key that was made while the gateway ran; declared ones are no tokens."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the caller is, and by which method that was proved. A user is (provider, user_id), never the bare name."""

    provider: str
    user_id: str
    user: str
    method: str
    """bearer, api_key, access_token, cookie, jsonrpc, xmlrpc, or anonymous."""
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
    password_mark: str = field(default="", repr=False, compare=False)
    """Another one for each password, of which it says nothing; empty where the provider cannot tell."""
    erp_session: ErpSession | None = field(default=None, compare=False)
    """What the provider's ERP gave for this login; None where no ERP was signed in to."""

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
    """Whole seconds left of the access token; 0 where it has no end."""
    refresh_token: str = field(default="", repr=False)
    """Empty where none was issued."""
