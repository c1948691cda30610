"""The core of one login: opens, refreshes and ends sessions for whichever dialect asks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from gateway.broker.clients import OAuthClients
from gateway.broker.scopes import allowed_scopes, granted_scopes, kept_scopes, kept_tenant
from gateway.errors import ClientRejected, LoginRejected, RefreshRejected, ScopeRejected
from gateway.model import Account, Call, Identity, OAuthClient, PasswordVerifier, Session, TokenKind, TokenPair
from gateway.state.records import FoundRefresh, Outcome, Standing
from gateway.tokens.cache import Verified
from gateway.tokens.issuer import Introspection, Issuer
from gateway.tokens.session_id import public_id
from gateway.tokens.verifier import TokenVerifier

CLIENTS_PROVIDER: Final = "@clients"
"""Provider of sessions that belong to an OAuth2 client itself; `@` keeps it apart from every configured name."""


class Audit(Protocol):
    """Writes one audit event."""

    def __call__(self, event: str, /, **fields: Any) -> None:
        """`event` and what belongs to it; never a token or a password."""
        ...


@dataclass(frozen=True, slots=True)
class BrokerTools:
    """What all brokers of a gateway share."""

    verifier: TokenVerifier
    clients: OAuthClients
    audit: Audit


class Broker:
    """Login, refresh and logout of one login. Every method raises StoreUnavailable when the store is away."""

    def __init__(self, issuer: Issuer, provider: PasswordVerifier, tools: BrokerTools) -> None:
        self._issuer = issuer
        self._store = issuer.store
        self._provider = provider
        self._verifier = tools.verifier
        self._clients = tools.clients
        self._audit = tools.audit

    async def login(
        self,
        username: str,
        password: str,
        call: Call,
        client: OAuthClient | None = None,
        scopes: Sequence[str] | None = None,
    ) -> TokenPair:
        """Open a session for a user. Raises LoginRejected, ScopeRejected, Unavailable."""
        account = await self._provider.verify(username, password, call)
        if account is None:
            self._tell("login", call, result="rejected", client_id=client.id if client else "")
            raise LoginRejected
        session = self._issuer.new_session(
            provider=account.provider,
            user_id=account.id,
            user=account.name,
            roles=account.roles,
            scopes=granted_scopes(allowed_scopes(account, client), scopes),
            tenant=account.default_tenant,
            client_id=client.id if client else "",
            context={} if scopes is None else {"scopes": list(scopes)},
        )
        pair = await self._issuer.open(session, refresh=client is None or "refresh_token" in client.grants)
        self._tell("login", call, pair.session, result="accepted")
        return pair

    async def client_login(self, client: OAuthClient, call: Call, scopes: Sequence[str] | None = None) -> TokenPair:
        """Open a session for the client itself, without a refresh token (RFC 6749, section 4.4.3)."""
        session = self._issuer.new_session(
            provider=CLIENTS_PROVIDER,
            user_id=client.id,
            user=client.id,
            roles=client.roles,
            scopes=granted_scopes(client.scopes, scopes),
            client_id=client.id,
        )
        pair = await self._issuer.open(session, refresh=False)
        self._tell("login", call, pair.session, result="accepted")
        return pair

    async def refresh(
        self,
        token: str,
        call: Call,
        client: OAuthClient | None = None,
        scopes: Sequence[str] | None = None,
    ) -> TokenPair:
        """Successors for a refresh token. Raises RefreshRejected, ScopeRejected.

        The account is looked up anew, so that removed users and roles are noticed. Narrower `scopes` are checked and
        then ignored, as RFC 6749, section 3.3 allows: a session has one set of scopes, and the answer tells it.
        """
        found = await self._issuer.find_refresh(token)
        if found is None or found.session.client_id != (client.id if client else ""):
            # Another client's token stays untouched: its owner must not suffer from who else has seen it.
            raise self._refused("unknown", call, found)
        if found.standing in {Standing.REVOKED, Standing.EXPIRED}:
            raise self._refused(found.standing.value, call, found)
        if set(scopes or ()) - set(found.session.scopes):
            raise ScopeRejected("more than was granted at login")
        session = await self._as_it_is_now(found.session, client)
        if session is None:
            await self._end(found.session, "user removed", call)
            raise self._refused("removed", call, found)
        refreshed = await self._issuer.rotate(token, session)
        if refreshed.pair is None:
            if refreshed.outcome is Outcome.REUSED:
                self._tell("session_revoked", call, found.session, cause="refresh token reused")
            raise self._refused(refreshed.outcome.value, call, found)
        self._tell("refresh", call, session, result=refreshed.outcome.value)
        return refreshed.pair

    async def authenticate(self, token: bytes) -> Verified | None:
        """What an access token of this login stands for, as the store says now."""
        verified = await self._verifier.verify(token)
        return verified if verified is not None and verified.identity.login == self._issuer.login else None

    async def authenticate_client(self, client_id: str, secret: str) -> OAuthClient:
        """The OAuth2 client. Raises ClientRejected, Unavailable."""
        client = await self._clients.authenticate(client_id, secret)
        if client is None or (client.logins and self._issuer.login not in client.logins):
            raise ClientRejected("unknown client, wrong secret, or not a client of this login")
        return client

    async def logout(self, verified: Verified, call: Call) -> None:
        """End the token's session, and with it everything issued from it."""
        if await self._store.revoke_session(verified.session_id, "logout"):
            self._tell_of("logout", call, verified.identity, verified.session_id)

    async def revoke(self, token: str, client: OAuthClient, call: Call) -> None:
        """End one of this client's access tokens, or with a refresh token its session (RFC 7009, section 2.1)."""
        refresh = await self._issuer.find_refresh(token)
        if refresh is not None:
            if refresh.session.client_id == client.id:
                await self._end(refresh.session, "revoked by client", call)
            return
        known = await self._issuer.introspect(token)
        if known is not None and known.session.client_id == client.id and known.kind is TokenKind.ACCESS:
            await self._issuer.revoke_access(token)
            self._tell("token_revoked", call, known.session)

    async def introspect(self, token: str, client: OAuthClient) -> Introspection | None:
        """What a live token of this client stands for; None for all others (RFC 7662, section 4)."""
        known = await self._issuer.introspect(token)
        return known if known is not None and known.session.client_id == client.id else None

    async def sessions(self, identity: Identity) -> Sequence[Session]:
        """The user's live sessions in all logins of the identity provider, oldest first."""
        listed = await self._store.sessions_of(identity.provider, identity.user_id)
        return sorted(listed, key=lambda session: session.created)

    async def end_session(self, identity: Identity, public: str, call: Call) -> bool:
        """End one of the user's own sessions; False if there is none of that public id."""
        for session in await self._store.sessions_of(identity.provider, identity.user_id):
            if public_id(session.id) == public:
                await self._end(session, "ended by user", call)
                return True
        return False

    async def end_all(self, identity: Identity, call: Call) -> None:
        """End all sessions of the user, this one included."""
        await self._store.revoke_user(identity.provider, identity.user_id, "all ended by user")
        self._tell_of("sessions_ended", call, identity, "")

    async def _as_it_is_now(self, session: Session, client: OAuthClient | None) -> Session | None:
        account: Account | None = await self._provider.lookup(session.user_id)
        if account is None:
            return None
        return replace(
            session,
            user=account.name,
            roles=account.roles,
            scopes=kept_scopes(allowed_scopes(account, client), session.context.get("scopes")),
            tenant=kept_tenant(account, session.tenant),
        )

    async def _end(self, session: Session, cause: str, call: Call) -> None:
        if await self._store.revoke_session(session.id, cause):
            self._tell("session_revoked", call, session, cause=cause)

    def _refused(self, reason: str, call: Call, found: FoundRefresh | None) -> RefreshRejected:
        self._tell("refresh", call, found.session if found else None, result=reason)
        return RefreshRejected(reason)

    def _tell(self, event: str, call: Call, session: Session | None = None, /, **fields: str) -> None:
        if session is not None:
            who = {"provider": session.provider, "user_id": session.user_id, "user": session.user}
            fields = {**who, "client_id": session.client_id, "session": public_id(session.id), **fields}
        self._audit(event, login=self._issuer.login, client=call.client_address, request_id=call.request_id, **fields)

    def _tell_of(self, event: str, call: Call, identity: Identity, session_id: str) -> None:
        who = {"provider": identity.provider, "user_id": identity.user_id, "user": identity.user}
        named = {"session": public_id(session_id)} if session_id else {}
        self._tell(event, call, None, **who, **named)
