"""How sessions go on: a refresh token is exchanged, and the user looked up anew."""

from collections.abc import Sequence

from gateway.broker.accounts import CLIENTS_PROVIDER, account_of_client, as_it_is_now, has_same_password
from gateway.broker.core import BrokerCore
from gateway.errors import Reason, RefreshRejected, ScopeRejected
from gateway.model import PLAIN_REFRESH, Account, Call, OAuthClient, RefreshRules, Session, TokenPair
from gateway.state.records import FoundRefresh, Outcome, Standing


class Refreshing(BrokerCore):
    """Every method raises StoreUnavailable when the store is away; nothing is consumed then."""

    async def refresh(
        self,
        token: str,
        call: Call,
        client: OAuthClient | None = None,
        scopes: Sequence[str] | None = None,
        rules: RefreshRules = PLAIN_REFRESH,
    ) -> TokenPair:
        """Successors for a refresh token. Raises RefreshRejected, ScopeRejected, and what `rules` raise.

        The account is looked up anew, so that removed users and roles are noticed. Narrower `scopes` are checked and
        then ignored, as RFC 6749, section 3.3 allows: a session has one set of scopes, and the answer tells it.
        """
        found = await self._issuer.find_refresh(token)
        if isinstance(found, Reason):
            raise self._refused(found.value, call, None)
        if found.session.client_id != (client.id if client else ""):
            # Another client's token stays untouched: its owner must not suffer from who else has seen it.
            raise self._refused("another_client", call, found)
        if found.standing in {Standing.REVOKED, Standing.EXPIRED}:
            raise self._refused(found.standing.value, call, found)
        if found.standing is Standing.LIVE:
            self._ask(rules, call, found)
        if set(scopes or ()) - set(found.session.scopes):
            raise ScopeRejected("more than was granted at login")
        session = await self._as_it_is_now(found.session, client, rules)
        if isinstance(session, str):
            await self._end(found.session, session, call)
            raise self._refused("removed", call, found)
        return await self._rotate(token, session, call, found, rules)

    async def _rotate(
        self, token: str, session: Session, call: Call, found: FoundRefresh, rules: RefreshRules
    ) -> TokenPair:
        refreshed = await self._issuer.rotate(token, session)
        if refreshed.pair is None:
            if refreshed.outcome is Outcome.REUSED:
                self._tell("session_revoked", call, found.session, cause="refresh token reused")
            raise self._refused(refreshed.outcome.value, call, found)
        if found.standing is Standing.SPENT:
            self._ask(rules, call, found)  # within the grace: a second use was looked for first
        self._tell("refresh", call, session, result=refreshed.outcome.value)
        return refreshed.pair

    async def _as_it_is_now(self, session: Session, client: OAuthClient | None, rules: RefreshRules) -> Session | str:
        """The session, or the cause of its end."""
        account = await self._account_now(session, client)
        if account is None:
            return "user removed"
        if not has_same_password(session, account):
            return "password changed"
        renewed = as_it_is_now(session, account, client)
        return (rules.renew(renewed, account) or "user removed") if rules.renew else renewed

    async def _account_now(self, session: Session, client: OAuthClient | None) -> Account | None:
        if session.provider == CLIENTS_PROVIDER:
            return account_of_client(client) if client else None
        if session.provider != self._provider.name:
            return None  # the login asks another provider now, whose users of the same id are other people
        return await self._look_up(session)

    def _ask(self, rules: RefreshRules, call: Call, found: FoundRefresh) -> None:
        try:
            rules.before(found.session)
        except RefreshRejected as error:
            raise self._refused(error.reason, call, found) from None

    def _refused(self, reason: str, call: Call, found: FoundRefresh | None) -> RefreshRejected:
        self._tell("refresh", call, found.session if found else None, result=reason)
        return RefreshRejected(reason)
