"""What a session is worth now: its user and client as they are listed at this moment, not as they were at login."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from gateway.broker.clients import OAuthClients
from gateway.broker.scopes import allowed_scopes, kept_scopes, kept_tenant
from gateway.errors import Reason
from gateway.model import Account, OAuthClient, PasswordVerifier, Session
from gateway.tokens.made_keys import PROVIDER as API_KEYS

CLIENTS_PROVIDER: Final = "@clients"
"""Provider of sessions that belong to an OAuth2 client itself; `@` keeps it apart from every configured name."""


PASSWORD_MARK: Final = "mark"  # noqa: S105 - a key of Session.context
"""Under which a session keeps `Account.password_mark` of its login; one without an end keeps none."""

Worth = Callable[[Session, Account], Session | None]
"""What a choice that a session was opened for is worth today; None: it is not to be had any more."""


@runtime_checkable
class Lists(Protocol):
    """An identity provider that can tell without asking anybody."""

    def listed(self, user_id: str) -> Account | None:
        """The account as it is listed now; None if it was removed or locked."""
        ...

    def id_of(self, username: str) -> str:
        """The id of the user of that name, locked or not; empty if there is none."""
        ...


class CurrentSessions:
    """Asked at every cold read of a token: what a configuration changed counts with the first request after it.

    Providers that would have to ask an ERP are asked at the next refresh instead.
    """

    def __init__(
        self,
        providers: Mapping[str, PasswordVerifier],
        clients: OAuthClients,
        choices: Mapping[str, Worth] | None = None,
    ) -> None:
        """`choices`: by its name, for a login whose sessions keep more of a choice than a tenant."""
        self._providers = dict(providers)
        self._clients = clients
        self._choices = dict(choices or {})

    def __call__(self, session: Session) -> Session | Reason:
        """The session with the name, roles and scopes of now, or why it is worth nothing any more."""
        client = None
        if session.client_id:
            client = self._clients.listed(session.client_id, session.login)
            if client is None:
                return Reason.REVOKED
        if session.provider == API_KEYS:
            return session  # nothing of it is configured
        if session.provider == CLIENTS_PROVIDER:
            return as_it_is_now(session, account_of_client(client), client) if client else Reason.REVOKED
        provider = self._providers.get(session.provider)
        if not isinstance(provider, Lists):
            return session if provider is not None else Reason.REVOKED
        account = provider.listed(session.user_id)
        if account is None:
            return Reason.USER_GONE
        return self._for(session, account, client)

    def _for(self, session: Session, account: Account, client: OAuthClient | None) -> Session | Reason:
        if session.tenant and kept_tenant(account, session.tenant) != session.tenant:
            return Reason.TENANT_GONE  # a token never moves to another tenant than the one it was issued for
        if not has_same_password(session, account):
            return Reason.REVOKED
        now = replace(as_it_is_now(session, account, client), tenant=session.tenant)
        worth = self._choices.get(session.login)
        found = worth(now, account) if worth else now
        return Reason.CHOICE_GONE if found is None else found


def has_same_password(session: Session, account: Account) -> bool:
    """False: the user has got another password since the session was opened, which ends it."""
    known = session.context.get(PASSWORD_MARK)
    return not known or not account.password_mark or known == account.password_mark


def as_it_is_now(session: Session, account: Account, client: OAuthClient | None) -> Session:
    """The session with what the account has today, within what was chosen at login."""
    chosen = session.context.get("roles")
    return replace(
        session,
        user=account.name,
        roles=account.roles if chosen is None else tuple(chosen),
        scopes=kept_scopes(allowed_scopes(account, client), session.context.get("scopes")),
        tenant=kept_tenant(account, session.tenant),
    )


def account_of_client(client: OAuthClient) -> Account:
    """The client as the user of its own sessions (client_credentials)."""
    return Account(CLIENTS_PROVIDER, client.id, client.id, "client", client.roles, client.scopes)
