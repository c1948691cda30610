"""How sessions begin: a password or a client's secret was right, and what the session is opened for was chosen."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from gateway.broker.accounts import PASSWORD_MARK, account_of_client
from gateway.broker.core import BrokerCore
from gateway.broker.erp_opening import ErpLogin, opening
from gateway.broker.scopes import allowed_scopes, granted_scopes, kept_scopes, kept_tenant
from gateway.errors import CredentialsRejected, Forbidden, LoginRejected
from gateway.model import ACCOUNTS_OWN, Account, Call, Choice, ErpSession, OAuthClient, Session, TokenKind, TokenPair
from gateway.tokens.live import LiveToken


class Opening(BrokerCore):
    """Every method raises StoreUnavailable when the store is away."""

    async def login(
        self,
        username: str,
        password: str,
        call: Call,
        client: OAuthClient | None = None,
        scopes: Sequence[str] | None = None,
    ) -> TokenPair:
        """Open a session for a user. Raises LoginRejected, ScopeRejected, Unavailable."""
        account = await self.verify_password(username, password, call, client)
        choice = Choice(scopes=None if scopes is None else tuple(scopes))
        refresh = client is None or "refresh_token" in client.grants
        return await self.open(account, call, choice, client, refresh=refresh)

    async def verify_password(
        self, username: str, password: str, call: Call, client: OAuthClient | None = None
    ) -> Account:
        """The account, nothing opened yet. Raises LoginRejected, Banned, TooManyRequests, Unavailable."""
        login = asyncio.current_task()

        async def check() -> Account | None:
            account = await self._provider.verify(username, password, call)
            if account is not None and account.erp_session is not None and self._erp_sessions is not None:
                self._erp_sessions.expect(account.provider, account.erp_session, login)
            return account

        client_id = client.id if client else ""
        account = await self._judged(self._provider.name, username, call, check, client_id=client_id)
        if account is None:
            self._tell("login", call, result="rejected", client_id=client_id)
            raise LoginRejected
        return account

    async def open(
        self,
        account: Account,
        call: Call,
        choice: Choice = ACCOUNTS_OWN,
        client: OAuthClient | None = None,
        *,
        refresh: bool = True,
    ) -> TokenPair:
        """Open a session for an account whose password was right. Raises ScopeRejected, LoginRejected, Unavailable."""
        with self._telling_refusals(call, client_id=client.id if client else "", **_named(account)):
            async with opening(self._erp_sessions, account, choice) as erp:
                pair = await self._open(account, erp, choice, client, refresh=refresh)
        self._tell("login", call, pair.session, result="accepted")
        return pair

    async def open_preauth(self, account: Account, call: Call, context: Mapping[str, Any] | None = None) -> str:
        """A token that opens no route, for a user who has still to choose; it lives as long as an access token."""
        session = self._session(account, Choice(tenant="", roles=(), scopes=(), context=context or {}), None)
        end = min(session.absolute_expiry, session.created + self._issuer.policy.access_ttl)
        session = replace(session, absolute_expiry=end)
        async with opening(self._erp_sessions, account, None) as erp:
            token = await self._issuer.open_with(session, TokenKind.PREAUTH)
            await erp.keep(session)
        self._tell("login", call, session, result="preauth")
        return token

    async def finalize(self, live: LiveToken, account: Account, call: Call, choice: Choice) -> TokenPair:
        """Open the session that the holder of a live token chose; the token stays what it was until it ends.

        `account` is the one that `account_of` gave for the token's session. Raises CredentialsRejected otherwise.
        """
        if (account.provider, account.id) != (live.session.provider, live.session.user_id):
            raise CredentialsRejected("the account is not the one that the token was issued to")
        with self._telling_refusals(call, **_named(account)):
            async with opening(self._erp_sessions, account, choice, fresh=False) as erp:
                pair = await self._open(account, erp, choice, None, refresh=True)
        self._tell("login", call, pair.session, result="accepted")
        return pair

    async def client_login(
        self,
        client: OAuthClient,
        call: Call,
        scopes: Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
        *,
        refresh: bool = False,
    ) -> TokenPair:
        """Open a session for the client itself; RFC 6749, section 4.4.3 gives it no refresh token."""
        choice = Choice(scopes=None if scopes is None else tuple(scopes), context=context or {})
        return await self.open(account_of_client(client), call, choice, client, refresh=refresh)

    async def application_token(self, live: LiveToken, call: Call) -> str:
        """A token without an end, in a session of its own, for the user of a live token.

        An ERP that is signed in to says itself whether the user may hold one, and gives a session without an end.
        Raises Forbidden unless the account is of type `application`, CredentialsRejected if it was removed.
        """
        account = await self.account_of(live.session)
        endless = await self._endless(account)
        if endless is None and account.type != "application":
            raise Forbidden("only accounts of type application hold tokens without an end")
        session = replace(
            self._session(account, chosen_before(live.session, account), None),
            scopes=tuple(scope for scope in account.scopes if scope in live.session.scopes),
            client_id=live.session.client_id,
            absolute_expiry=inf,
        )
        session = replace(session, context={k: v for k, v in session.context.items() if k != PASSWORD_MARK})
        token = await self._issuer.open_with(session, TokenKind.APPLICATION)
        await ErpLogin(self._erp_sessions, endless).keep(session)
        self._tell("application_token", call, session)
        return token

    async def _endless(self, account: Account) -> ErpSession | None:
        if self._erp_sessions is None or account.erp_session is None:
            return None
        return await self._erp_sessions.endless(account.provider, account.erp_session)

    async def _open(
        self,
        account: Account,
        erp: ErpLogin,
        choice: Choice,
        client: OAuthClient | None,
        *,
        refresh: bool,
    ) -> TokenPair:
        session = self._session(account, erp.told(choice), client)
        pair = await self._issuer.open(session, refresh=refresh)
        await erp.keep(pair.session)
        return pair

    def _session(self, account: Account, choice: Choice, client: OAuthClient | None) -> Session:
        chosen: dict[str, Any] = {}
        if choice.scopes is not None:
            chosen["scopes"] = list(choice.scopes)
        if choice.roles is not None:
            chosen["roles"] = list(choice.roles)
        if account.password_mark:
            chosen[PASSWORD_MARK] = account.password_mark
        return self._issuer.new_session(
            provider=account.provider,
            user_id=account.id,
            user=account.name,
            roles=account.roles if choice.roles is None else choice.roles,
            scopes=granted_scopes(allowed_scopes(account, client), choice.scopes),
            tenant=account.default_tenant if choice.tenant is None else choice.tenant,
            client_id=client.id if client else "",
            context={**choice.context, **chosen},
        )


def _named(account: Account) -> dict[str, str]:
    """Whose password was right, for the audit log."""
    return {"provider": account.provider, "user_id": account.id, "user": account.name}


def chosen_before(session: Session, account: Account) -> Choice:
    """What an earlier session was opened for, as far as the account still has it."""
    roles, scopes = session.context.get("roles"), session.context.get("scopes")
    return Choice(
        tenant=kept_tenant(account, session.tenant),
        roles=None if roles is None else tuple(roles),
        scopes=None if scopes is None else kept_scopes(account.scopes, scopes),
        context=session.context,
    )
