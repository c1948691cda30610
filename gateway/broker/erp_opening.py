"""A login and its ERP session: settled before ours is opened, kept before its tokens are handed out, or destroyed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from gateway.broker.erp_sessions import ErpSessions
from gateway.model import Account, Choice, ErpSession, Session

CHOICES: Final = ("tenant", "role", "organization", "warehouse", "language")
"""Keys of a session's context that an ERP has to know of, too."""
TOLD: Final = ("user", "menu_tree", "language")
"""Facts of an ERP session that its dialect's clients are told."""


class ErpLogin:
    """One login under way."""

    def __init__(self, erp_sessions: ErpSessions | None, erp: ErpSession | None) -> None:
        self._erp_sessions = erp_sessions
        self._erp = erp

    def told(self, choice: Choice) -> Choice:
        """The choice, with what the ERP tells of it: the user's number there, a menu, what it settled on by itself."""
        facts = self._erp.facts if self._erp is not None else {}
        known = {what: facts[what] for what in TOLD if facts.get(what) is not None}
        known |= {what: str(facts[what]) for what in choice.left_open if facts.get(what) is not None}
        return replace(choice, context={**choice.context, **known}) if known else choice

    async def keep(self, session: Session) -> None:
        """The session is in the store: its ERP session goes there, too. Raises StoreUnavailable."""
        if self._erp is not None and self._erp_sessions is not None:
            await self._erp_sessions.keep(session, self._erp)


@asynccontextmanager
async def opening(
    erp_sessions: ErpSessions | None, account: Account, chosen: Choice | None, *, fresh: bool = True
) -> AsyncIterator[ErpLogin]:
    """Settle what the user chose with the ERP; `chosen` is None where the choice is still to come.

    Where the login fails, what the ERP gave for it is destroyed there; with `fresh` False, what it had given before
    stays. Raises LoginRejected, SelectionNeeded, Unavailable.
    """
    first = account.erp_session
    if first is None or erp_sessions is None:
        yield ErpLogin(None, None)
        return
    erp = first
    erp_sessions.claim(first)
    try:
        if chosen is not None:
            asked = {what: value for what, value in chosen.context.items() if what not in chosen.left_open}
            choice = {what: str(asked[what]) for what in CHOICES if asked.get(what)}
            erp = await erp_sessions.settle(account.provider, first, choice)
        yield ErpLogin(erp_sessions, erp)
    except BaseException:
        if fresh or erp is not first:
            erp_sessions.discard(account.provider, erp)
        raise
