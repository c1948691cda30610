"""The ERP sessions of this gateway's sessions: kept, used, renewed by one worker at a time, destroyed in the ERP."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from secrets import token_hex
from time import monotonic
from typing import Any, Final

from gateway.broker.erp_seal import ErpSeal
from gateway.errors import CredentialsRejected, NoErpSession, Reason, StoreUnavailable, Unavailable
from gateway.model import Account, Clock, ErpProvider, ErpSession, Session, spawn
from gateway.state.erp_records import Claimed, ErpRecord, ErpRecords
from gateway.state.feed import Invalidation
from gateway.state.store import Store
from gateway.upstream.erp_credential import Credential

log = logging.getLogger("gateway.erp")

RENEWAL: Final = 60
"""Seconds that one renewal may take before another worker may try: longer than any call to an ERP."""
_WAIT: Final = 0.1
"""Seconds between two looks while another worker renews."""
_PATIENCE: Final = 15.0
"""Seconds that a request waits for another worker's renewal."""
_MOST: Final = 50_000
"""Credentials in memory; beyond it the oldest eighth is forgotten, and read again."""
_UNWRITTEN: Final = 50.0
"""Seconds for which a renewed session is written again to a store that fails: the old one may be dead in the ERP."""


class ErpSessions:
    """All ERP sessions of one configuration. Passwords never come here."""

    def __init__(self, store: Store, seal: ErpSeal, providers: Mapping[str, ErpProvider], clock: Clock) -> None:
        """`providers`: those that sign in to an ERP, by name."""
        self._store = store
        self._records = ErpRecords(store, clock)
        self._seal = seal
        self._providers = providers
        self._clock = clock
        self._unclaimed: dict[int, ErpSession] = {}
        self._held: dict[str, Credential] = {}
        self._adopting: dict[str, asyncio.Task[None]] = {}
        self._renewing: dict[str, asyncio.Task[Credential]] = {}

    # -- a login -------------------------------------------------------------------------------------------------

    async def keep(self, session: Session, erp: ErpSession) -> None:
        """Keep what a login got, before its tokens are handed out. Raises StoreUnavailable, or CredentialsRejected."""
        record = ErpRecord(token_hex(8), self._seal.seal(session, erp))
        if not await self._records.put(session, record):
            raise CredentialsRejected("the session ended while it was opened", reason=Reason.REVOKED)
        self._hold(session.id, erp, record.version)

    async def settle(self, provider: str, erp: ErpSession, choice: Mapping[str, str]) -> ErpSession:
        """What the ERP gives for what the user chose. Raises LoginRejected, SelectionNeeded, Unavailable."""
        return await self._providers[provider].settle(erp, choice)

    async def endless(self, provider: str, erp: ErpSession) -> ErpSession | None:
        """An ERP session without an end, None where this user may have none. Raises Unavailable."""
        return await self._providers[provider].endless(erp)

    async def complete(self, account: Account, session: Session) -> Account:
        """The account with what its ERP said at login: its tenants and the ERP session. Raises StoreUnavailable."""
        provider = self._providers.get(session.provider)
        record = await self._records.read(session.id) if provider is not None else None
        erp = self._seal.unseal(session, record.sealed) if record is not None else None
        if provider is None or erp is None:
            return account
        return replace(account, tenants=provider.tenants(erp) or account.tenants, erp_session=erp)

    def expect(self, provider: str, erp: ErpSession, login: "asyncio.Task[Any] | None") -> None:
        """A password was right: the ERP session is destroyed if the task `login` ends before somebody claims it.

        A dialect may have more to refuse, and a client may leave, between a password and a session of ours.
        """
        if login is not None:
            self._unclaimed[id(erp)] = erp
            login.add_done_callback(lambda _: self._broken_off(provider, erp))

    def claim(self, erp: ErpSession) -> None:
        """Whoever opens a session with it answers for it now."""
        self._unclaimed.pop(id(erp), None)

    def discard(self, provider: str, erp: ErpSession) -> None:
        """Nothing came of the login: its ERP session is not wanted any more."""
        spawn(self._destroy(provider, erp), name="ERP logout")

    # -- a request -----------------------------------------------------------------------------------------------

    def held(self, session_id: str) -> Credential | None:
        """What is in memory, without suspending; it may be due for renewal."""
        return self._held.get(session_id)

    async def get(self, session_id: str) -> Credential:
        """A credential to be used now, renewed where it is time.

        Raises CredentialsRejected where the ERP ended the session (ours is over then, too), NoErpSession where it never
        had one, Unavailable where nobody can tell now.
        """
        held = self._held.get(session_id) or await self._read(session_id)
        return held if held.is_fresh else await self.renew(session_id, held)

    async def renew(self, session_id: str, used: Credential) -> Credential:
        """Another credential than `used`, which the ERP does not take any more or soon will not. Raises as `get`.

        All callers share one renewal, over all workers; a caller that leaves does not end it for the others.
        """
        held = self._held.get(session_id)
        if held is not None and held.version != used.version and held.is_fresh:
            return held
        task = self._renewing.get(session_id)
        if task is None:
            task = spawn(self._renew(session_id, used), name="ERP renewal")
            self._renewing[session_id] = task
            task.add_done_callback(lambda done: self._renewed(session_id, done))
        return await asyncio.shield(task)

    def adopt(self, session_id: str, used: Credential, cookies: Mapping[str, str]) -> None:
        """The ERP has answered a request with another cookie: it takes the place of the one that was used.

        If it turns out to be another user's, since the ERP's own login was called through a route, ours is over.
        """
        erp = used.erp
        changed = {**dict(erp.cookies), **cookies}
        if changed != dict(erp.cookies):
            renewed = ErpSession(erp.headers, tuple(changed.items()), erp.renew_at, erp.secrets, erp.facts)
            version = token_hex(8)
            if (held := self._held.get(session_id)) is not None and held.version == used.version:
                self._hold(session_id, renewed, version)  # at once: the next request must not carry the dead cookie
            before = self._adopting.get(session_id)
            task = spawn(self._adopt(session_id, used.version, renewed, version, before), name="ERP cookie")
            self._adopting[session_id] = task
            task.add_done_callback(lambda done: self._adopted(session_id, done))

    # -- the end -------------------------------------------------------------------------------------------------

    def invalidate(self, event: Invalidation) -> None:
        """Sessions have ended: what they had in the ERP is destroyed by whichever worker takes it first."""
        match event.kind:
            case "session":
                self._held.pop(event.session_id, None)
                if self._providers:
                    spawn(self._end(event.session_id), name="ERP logout")
            case "all" | "reconnect":
                self._held.clear()
                if self._providers:
                    spawn(self._end_listed(), name="ERP logouts")
            case "user" | "tenant":
                self._held.clear()  # a "session" follows for each

    # -- inside --------------------------------------------------------------------------------------------------

    def _broken_off(self, provider: str, erp: ErpSession) -> None:
        if self._unclaimed.pop(id(erp), None) is not None:
            self.discard(provider, erp)

    def _hold(self, session_id: str, erp: ErpSession, version: str, after: Credential | None = None) -> Credential:
        if len(self._held) >= _MOST:
            for oldest in list(self._held)[: _MOST // 8]:
                del self._held[oldest]
        credential = Credential(erp, version, fresh_for=erp.renew_at - self._clock(), after=after)
        self._held[session_id] = credential
        return credential

    async def _session(self, session_id: str) -> Session:
        session = await self._store.session(session_id)
        if session is None:
            raise CredentialsRejected("the session is over", reason=Reason.REVOKED)
        return session

    async def _read(self, session_id: str) -> Credential:
        session = await self._session(session_id)
        record = await self._records.read(session_id)
        if record is None:
            raise NoErpSession("the session has no ERP session")
        return await self._open(session, record)

    async def _open(self, session: Session, record: ErpRecord) -> Credential:
        erp = self._seal.unseal(session, record.sealed)
        if erp is None:
            log.warning("an ERP session was sealed under another encryption key; its user has to log in again")
            await self._store.revoke_session(session.id, "ERP session unreadable")
            raise CredentialsRejected("the ERP session cannot be unsealed", reason=Reason.REVOKED)
        return self._hold(session.id, erp, record.version)

    async def _renew(self, session_id: str, used: Credential) -> Credential:
        session = await self._session(session_id)
        renewal = token_hex(8)
        until = monotonic() + _PATIENCE
        while True:
            claimed = await self._records.claim(session_id, used.version, renewal, RENEWAL)
            if isinstance(claimed, ErpRecord):
                return await self._open(session, claimed)
            if claimed is Claimed.GONE:
                raise CredentialsRejected("the session has no ERP session any more", reason=Reason.REVOKED)
            if claimed is Claimed.CLAIMED:
                return await self._renew_alone(session, used, renewal)
            if monotonic() > until:
                raise Unavailable("another worker takes too long to renew the ERP session", retry_after=2)
            await asyncio.sleep(_WAIT)

    async def _renew_alone(self, session: Session, used: Credential, renewal: str) -> Credential:
        try:
            erp = await self._provider(session).renew(used.erp)
        except Unavailable:
            await self._records.release(session.id, renewal)
            raise
        if erp is None:
            await self._store.revoke_session(session.id, "ended by the ERP")
            raise CredentialsRejected("the ERP has ended its session", reason=Reason.REVOKED)
        record = ErpRecord(token_hex(8), self._seal.seal(session, erp))
        credential = self._hold(session.id, erp, record.version, used)
        await self._write(session, record, used.version, renewal)
        return credential

    async def _write(self, session: Session, record: ErpRecord, replaces: str, renewal: str) -> None:
        """Keep a renewed session. A store that fails is asked again for a while: the old one may be dead in the ERP."""
        try:
            await self._records.put(session, record, replaces=replaces, renewal=renewal)
        except StoreUnavailable:
            spawn(self._write_again(session, record, replaces, renewal), name="ERP session")

    async def _write_again(self, session: Session, record: ErpRecord, replaces: str, renewal: str) -> None:
        until = monotonic() + _UNWRITTEN
        while monotonic() < until:
            await asyncio.sleep(_WAIT)
            try:
                await self._records.put(session, record, replaces=replaces, renewal=renewal)
            except StoreUnavailable:
                continue
            return
        log.warning("a renewed ERP session could not be written; its user may have to log in again")

    def _renewed(self, session_id: str, done: "asyncio.Task[Credential]") -> None:
        del self._renewing[session_id]
        if not done.cancelled() and isinstance(done.exception(), CredentialsRejected):
            self._held.pop(session_id, None)

    async def _adopt(
        self, session_id: str, replaces: str, erp: ErpSession, version: str, before: "asyncio.Task[None] | None"
    ) -> None:
        """Keep a rotated session in the store, after the rotations `before` it."""
        if before is not None:
            await asyncio.wait([before])
        try:
            session = await self._session(session_id)
            theirs = await self._provider(session).is_theirs(erp)
            record = ErpRecord(version, self._seal.seal(session, erp))
            if theirs and await self._records.put(session, record, replaces=replaces):
                return
            held = self._held.pop(session_id, None)  # another worker was first: what it kept counts
            if held is not None and held.version != version:
                self._held[session_id] = held  # it has been changed again since
            elif not theirs:
                log.warning("an ERP session became another user's, or nobody's: ours is over")
                await self._store.revoke_session(session_id, "another user in the ERP")
        except (Unavailable, CredentialsRejected) as error:
            log.info("a rotated ERP session was not kept: %s", error)

    def _adopted(self, session_id: str, done: "asyncio.Task[None]") -> None:
        if self._adopting.get(session_id) is done:
            del self._adopting[session_id]

    async def _end(self, session_id: str, *, living: bool = False) -> None:
        try:
            taken = await self._records.take(session_id, living=living)
        except StoreUnavailable as error:
            log.warning("an ERP session is left to expire by itself: %s", error)
            return
        if taken is None:
            return
        session, sealed = taken
        erp = self._seal.unseal(session, sealed)
        if erp is not None:
            await self._destroy(session.provider, erp)

    async def _end_listed(self) -> None:
        """After what was not told session by session, or not heard: look at each of them."""
        try:
            for session_id in await self._records.listed():
                if await self._store.session(session_id) is None:
                    await self._end(session_id, living=True)
        except StoreUnavailable as error:
            log.warning("ERP sessions may be left to expire by themselves: %s", error)

    async def _destroy(self, name: str, erp: ErpSession) -> None:
        try:
            if name in self._providers:  # else it was configured once
                await self._providers[name].destroy(erp)
        except Unavailable as error:
            log.warning("an ERP session of %s is left to expire by itself: %s", name, error)

    def _provider(self, session: Session) -> ErpProvider:
        provider = self._providers.get(session.provider)
        if provider is None:
            raise CredentialsRejected("the identity provider is not configured any more", reason=Reason.REVOKED)
        return provider
