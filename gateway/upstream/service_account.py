"""A declared account of an ERP: what API keys and OAuth2 clients go there as, signed in once and again when it ends."""

import asyncio
import logging
from time import monotonic
from typing import Final

from gateway.errors import LoginRejected, Unavailable
from gateway.model import Call, Clock, ErpProvider, ErpSession, spawn
from gateway.upstream.erp_credential import Credential

log = logging.getLogger("gateway.erp")

_PAUSE: Final = 60.0
"""Seconds between two tries of a password that was refused: the ERP would lock the account."""
_NOBODYS: Final = Call("POST", "", "", {}, b"")


class ServiceAccount:
    """One account in memory; every worker signs in by itself. The password comes from the configuration each time.

    Its session in the ERP outlives a reload that changes nothing of it, and is destroyed when nobody needs it any more.
    """

    def __init__(self, provider: ErpProvider, username: str, password: str, clock: Clock) -> None:
        self._provider = provider
        self._username = username
        self._password = password
        self._clock = clock
        self._credential: Credential | None = None
        self._signing_in: asyncio.Task[Credential] | None = None
        self._signed_in = 0
        self._refused_until = 0.0
        self._successor: ServiceAccount | None = None
        self._ended = False

    def held(self) -> Credential | None:
        """What is in memory, without suspending."""
        return self._successor.held() if self._successor is not None else self._credential

    async def get(self) -> Credential:
        """A credential to be used now. Raises Unavailable, also for a password that the ERP refuses: never a 401."""
        held = self.held()
        return held if held is not None and held.is_fresh else await self.renew(held)

    async def renew(self, used: Credential | None) -> Credential:
        """Another credential than `used`; all callers share one sign-in."""
        if self._successor is not None:
            return await self._successor.renew(used)
        held = self._credential
        if held is not None and held is not used and held.is_fresh:
            return held
        if self._signing_in is None:
            self._signing_in = spawn(self._renew(used), name="service account")
            self._signing_in.add_done_callback(self._done)
        return await asyncio.shield(self._signing_in)

    def adopt(self, used: Credential, erp: ErpSession) -> None:
        """The ERP has changed the session while it was used: the change counts once it is known whose it is now.

        One of those who share the account may have called the ERP's own login through a route.
        """
        if self.held() is used and dict(erp.cookies) != dict(used.erp.cookies):
            spawn(self._adopt(used, erp), name="service account")

    async def _adopt(self, used: Credential, erp: ErpSession) -> None:
        try:
            if await self._provider.is_theirs(erp) and self.held() is used:
                self.hold(erp)
        except Unavailable as error:
            log.info("a changed session of %s was not kept: %s", self._provider.name, error)

    def signs_in_with(self, username: str, password: str) -> bool:
        """Whether this is the account of that name and password."""
        return (self._username, self._password) == (username, password)

    def same_as(self, other: "ServiceAccount") -> bool:
        """Whether both sign in with the same name and password."""
        return other.signs_in_with(self._username, self._password)

    def hand_over(self, successor: "ServiceAccount") -> None:
        """Another configuration is in force: `successor` goes on with the session, for requests under way here, too."""
        self._successor = successor
        if self._credential is not None:
            successor.go_on_with(self._credential)

    def go_on_with(self, credential: Credential) -> None:
        """Hold what another account of the same name and password was given."""
        self._credential = credential
        self._signed_in += 1

    async def end(self) -> None:
        """Destroy the session in the ERP: nobody needs it any more."""
        self._ended = True
        held, self._credential = self._credential, None
        if held is None:
            return
        try:
            await self._provider.destroy(held.erp)
        except Unavailable as error:
            log.warning("a service account's session of %s is left to expire by itself: %s", self._provider.name, error)

    def _done(self, task: "asyncio.Task[Credential]") -> None:
        self._signing_in = None
        if not task.cancelled():
            task.exception()  # told to whoever still waits

    async def _renew(self, used: Credential | None) -> Credential:
        if self._ended:
            raise Unavailable("another configuration is in force", retry_after=1)
        renewed = await self._provider.renew(used.erp) if used is not None else None
        return self.hold(renewed if renewed is not None else await self._sign_in())

    async def _sign_in(self) -> ErpSession:
        if monotonic() < self._refused_until:
            raise Unavailable("the ERP refused the service account a moment ago", retry_after=int(_PAUSE))
        try:
            account = await self._provider.verify(self._username, self._password, _NOBODYS)
            erp = None if account is None or account.erp_session is None else account.erp_session
            if erp is not None:
                return await self._provider.settle(erp, {})
            reason = "name or password is wrong"
        except LoginRejected as error:
            reason = str(error)
        self._refused_until = monotonic() + _PAUSE
        log.error("the service account of %s cannot sign in: %s", self._provider.name, reason)
        raise Unavailable("the ERP refuses the service account", retry_after=int(_PAUSE))

    def hold(self, erp: ErpSession) -> Credential:
        """Use this session from now on."""
        if self._successor is not None:
            return self._successor.hold(erp)
        self._signed_in += 1
        fresh_for = erp.renew_at - self._clock()
        self._credential = Credential(erp, str(self._signed_in), fresh_for=fresh_for, doubted=self._signed_in > 1)
        return self._credential
