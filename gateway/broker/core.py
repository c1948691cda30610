"""What all parts of a broker share: the login's issuer, its users, and one way to tell what happened."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from gateway.broker.accounts import CLIENTS_PROVIDER, CurrentSessions
from gateway.broker.clients import OAuthClients
from gateway.broker.erp_sessions import ErpSessions
from gateway.broker.protection import Audit, Check, Protection, Who, network_of
from gateway.errors import (
    AccountLocked,
    ClientRejected,
    CredentialsRejected,
    LoginRejected,
    Reason,
    SelectionNeeded,
    TooManyRequests,
)
from gateway.model import Account, Call, Identity, OAuthClient, PasswordVerifier, Session, TokenKind
from gateway.state.attempts import Limits
from gateway.tokens.cache import Verified
from gateway.tokens.issuer import Issuer
from gateway.tokens.live import LiveToken
from gateway.tokens.session_id import public_id
from gateway.tokens.verifier import TokenVerifier

DEFAULT_LIMITS: Final = Limits()
_RESULTS: Final = {AccountLocked: "locked", SelectionNeeded: "selection_needed"}
"""What the audit log calls refusals that are not for a wrong password."""


@dataclass(frozen=True, slots=True)
class BrokerTools:
    """What all brokers of a gateway share."""

    verifier: TokenVerifier
    clients: OAuthClients
    protection: Protection
    current: CurrentSessions
    audit: Audit
    erp_sessions: ErpSessions | None = None
    """None where no identity provider signs in to an ERP."""


class BrokerCore:
    """Reads tokens and clients, and tells of what was done. Every method raises StoreUnavailable."""

    def __init__(
        self, issuer: Issuer, provider: PasswordVerifier, tools: BrokerTools, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """`limits`: the login's protection against guessing; always on."""
        self._issuer = issuer
        self._store = issuer.store
        self._provider = provider
        self._verifier = tools.verifier
        self._clients = tools.clients
        self._protection = tools.protection
        self._limits = limits
        self._current = tools.current
        self._audit = tools.audit
        self._erp_sessions = tools.erp_sessions

    async def live(self, token: bytes, *kinds: TokenKind) -> LiveToken:
        """A live token of this login and of one of these kinds. Raises CredentialsRejected, which says why."""
        found = await self._verifier.judge(token, kinds, self._issuer.login)
        if isinstance(found, Reason):
            raise CredentialsRejected(f"not a live token of this login: {found.value}", reason=found)
        return found

    async def authenticate(self, token: bytes) -> Verified:
        """What an access or application token of this login stands for. Raises CredentialsRejected."""
        verified = await self._verifier.verify(token)
        if not isinstance(verified, Reason) and verified.identity.login == self._issuer.login:
            return verified
        reason = verified if isinstance(verified, Reason) else Reason.OTHER_LOGIN
        raise CredentialsRejected(f"not a live access token of this login: {reason.value}", reason=reason)

    async def authenticate_client(self, readings: Sequence[tuple[str, str]], call: Call) -> OAuthClient:
        """The OAuth2 client that one of these ids and secrets belongs to: readings of the same header count once.

        Raises ClientRejected, Banned, TooManyRequests, Unavailable.
        """
        place = network_of(call.client_address)
        client = self._clients.remembered(readings, place)
        if client is None and readings:

            async def check() -> OAuthClient | None:
                for reading in readings:
                    if (found := await self._clients.authenticate(*reading)) is not None:
                        self._clients.remember(*reading, place)
                        return found
                return None

            client = await self._judged(CLIENTS_PROVIDER, readings[0][0], call, check)
        if client is None or self._clients.listed(client.id, self._issuer.login) is None:
            self._tell("login", call, result="client_rejected")
            raise ClientRejected("unknown client, wrong secret, or not a client of this login")
        return client

    async def account_of(self, session: Session) -> Account:
        """The session's user as the identity provider lists it now. Raises CredentialsRejected if it was removed."""
        account = await self._look_up(session)
        if account is None:
            raise CredentialsRejected("the user was removed or locked", reason=Reason.USER_GONE)
        return account

    async def _judged(
        self, provider: str, username: str, call: Call, check: Check[Who], *, client_id: str = ""
    ) -> Who | None:
        """What `check` says of a password, under the login's protection; what is not None is told by the caller."""
        with self._telling_refusals(call, client_id=client_id):
            try:
                return await self._protection.judge(provider, username, call, self._limits, check)
            except TooManyRequests:
                self._tell("login", call, result="banned", client_id=client_id)
                raise

    @contextmanager
    def _telling_refusals(self, call: Call, **who: str) -> Iterator[None]:
        """Whoever is refused in here is told in the audit log, with the reason."""
        try:
            yield
        except LoginRejected as refused:
            self._tell("login", call, result=_RESULTS.get(type(refused), "rejected"), **who)
            raise

    async def _look_up(self, session: Session) -> Account | None:
        account = await self._provider.lookup(session.user_id, session)
        if account is None or self._erp_sessions is None:
            return account
        return await self._erp_sessions.complete(account, session)

    async def _end(self, session: Session, cause: str, call: Call) -> bool:
        ended = await self._store.revoke_session(session.id, cause)
        if ended:
            self._tell("session_revoked", call, session, cause=cause)
        return ended

    def _tell(self, event: str, call: Call, session: Session | None = None, /, **fields: str) -> None:
        if session is not None:
            who = {"provider": session.provider, "user_id": session.user_id, "user": session.user}
            fields = {**who, "client_id": session.client_id, "session": public_id(session.id), **fields}
        self._audit(event, login=self._issuer.login, client=call.client_address, request_id=call.request_id, **fields)

    def _tell_of(self, event: str, call: Call, identity: Identity, session_id: str) -> None:
        who = {"provider": identity.provider, "user_id": identity.user_id, "user": identity.user}
        named = {"session": public_id(session_id)} if session_id else {}
        self._tell(event, call, None, **who, **named)
