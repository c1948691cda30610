"""The core of one login, whole: sessions begin, go on and end here for whichever dialect asks."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.broker.opening import Opening
from gateway.broker.refreshing import Refreshing
from gateway.errors import CredentialsRejected, Reason
from gateway.model import Call, Identity, OAuthClient, Session
from gateway.state.records import FoundToken
from gateway.tokens.cache import Verified
from gateway.tokens.format import Recognised
from gateway.tokens.issuer import Introspection
from gateway.tokens.opaque import token_hash
from gateway.tokens.session_id import public_id
from gateway.tokens.verifier import OPENS_ROUTES, wrong_kind


class Broker(Opening, Refreshing):
    """Login, refresh and logout of one login. Every method raises StoreUnavailable when the store is away."""

    async def slide(self, verified: Verified) -> float:
        """Let an access token live on from its use, where the policy says so; its end, in epoch seconds.

        Written at most once per hundredth of a lifetime by each worker.
        """
        policy, now = self._issuer.policy, self._issuer.now()
        if not policy.sliding_access or now + 0.99 * policy.access_ttl < verified.expires_at:
            return verified.expires_at
        session = await self._store.session(verified.session_id)
        if session is None:
            return verified.expires_at
        end = min(now + policy.access_ttl, session.absolute_expiry)
        if await self._store.extend_token(session.id, verified.token_hash, end):
            verified.expires_at = end
        return verified.expires_at

    async def logout(self, verified: Verified, call: Call) -> None:
        """End the token's session, and with it everything issued from it."""
        if await self._store.revoke_session(verified.session_id, "logout"):
            self._tell_of("logout", call, verified.identity, verified.session_id)

    async def logout_by_token(self, token: bytes, call: Call) -> bool:
        """End the session of an access token, also of one that has expired; False: it was over.

        Raises CredentialsRejected for what is no access token of this login.
        """
        recognised = self._issuer.recognise(token)
        if isinstance(recognised, Reason):
            raise CredentialsRejected("not a token of this login", reason=recognised)
        if recognised.kind not in OPENS_ROUTES:
            raise CredentialsRejected("not an access token", reason=wrong_kind(recognised.kind))
        session = await self._session_of(token, recognised)
        if session is None or not await self._store.revoke_session(session.id, "logout"):
            return False
        self._tell("logout", call, session)
        return True

    async def revoke(self, token: str, client: OAuthClient, call: Call) -> None:
        """End one of this client's access tokens, or with a refresh token its session (RFC 7009, section 2.1)."""
        if await self._revoke_refresh(token, client, call):
            return
        known = await self._issuer.introspect(token)
        if known is not None and known.session.client_id == client.id and known.kind in OPENS_ROUTES:
            await self._issuer.revoke_access(token)
            self._tell("token_revoked", call, known.session)

    async def revoke_any(self, token: str, client: OAuthClient, call: Call) -> None:
        """End the session of one of this client's tokens, whichever it is; nothing is said of others."""
        if await self._revoke_refresh(token, client, call):
            return
        known = await self._issuer.introspect(token)
        if known is not None and known.session.client_id == client.id:
            await self._end(known.session, "revoked by client", call)

    async def introspect(self, token: str, client: OAuthClient) -> Introspection | None:
        """What a live token of this client stands for; None for all others (RFC 7662, section 4)."""
        known = await self._issuer.introspect(token)
        if known is None or known.session.client_id != client.id:
            return None
        session = self._current(known.session)
        return None if isinstance(session, Reason) else replace(known, session=session)

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

    async def _revoke_refresh(self, token: str, client: OAuthClient, call: Call) -> bool:
        """End the session of a refresh token, if it is this client's; False: it is no refresh token."""
        refresh = await self._issuer.find_refresh(token)
        if isinstance(refresh, Reason):
            return False
        if refresh.session.client_id == client.id:
            await self._end(refresh.session, "revoked by client", call)
        return True

    async def _session_of(self, token: bytes, recognised: Recognised) -> Session | None:
        """By the token's record; where that is gone with its time, by what the token tells."""
        found = await self._store.find_token(token_hash(token))
        if isinstance(found, FoundToken):
            return found.session if self._issuer.knows(recognised, found) else None
        if not recognised.user_id:
            return None
        listed = await self._store.sessions_of(self._provider.name, recognised.user_id)
        return next((session for session in listed if self._issuer.tells(recognised, session)), None)
