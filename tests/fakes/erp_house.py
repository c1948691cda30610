"""ERP sessions on a real store in front of a fake ERP, as one worker and as another one see them."""

from dataclasses import dataclass
from typing import Any

from fakes.erp_rig import CHOICE, asking, provider
from fakes.records import access

from gateway.broker.erp_seal import ErpSeal
from gateway.broker.erp_sessions import ErpSessions
from gateway.model import Session
from gateway.tokens.session_id import new_session_id

SECRET = "0123456789abcdef0123456789abcdef"


@dataclass
class House:
    """A provider, a store, and workers that share both."""

    erp: Any
    store: Any
    clock: Any
    provider: Any

    def worker(self, secret=SECRET, **providers):
        known = providers or {self.provider.name: self.provider}
        return ErpSessions(self.store, ErpSeal(secret), known, self.clock)

    async def sign_in(self, worker, user="ada"):
        """A session with what the ERP gave."""
        from fakes.token_rig import call

        account = await self.provider.verify(user, "correct horse", call())
        erp = await self.provider.settle(account.erp_session, CHOICE if user == "ada" else {})
        session = Session(new_session_id(), "native", self.provider.name, account.id, user, created=self.clock())
        await self.store.open_session(session, [access(session.id, self.clock, life=86400)])
        await worker.keep(session, erp)
        return session


async def house(kind, erp, store, clock, checks, **options):
    """An async generator for a fixture."""
    async with asking(erp.port) as client:
        yield House(erp, store, clock, provider(kind, client, clock, checks, **options))
