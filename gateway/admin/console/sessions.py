"""Sessions: those of one user, and the ways to end one, some or all."""

from urllib.parse import urlencode

from gateway.admin.console.visit import Mistake, Page, Visit
from gateway.admin.control import Control, SessionView
from gateway.admin.replies import Plain
from gateway.errors import BadRequest, NotFound

PAGE_SIZE = 50
CONFIRMATION = "end all sessions"
"""What has to be typed to end every session there is."""


def pages(control: Control) -> list[tuple[str, str, Page]]:
    """The list, and what ends sessions."""
    sessions = Sessions(control)
    return [("GET", "/sessions", sessions.show), ("POST", "/sessions/end", sessions.end)]


class Sessions:
    """As `gateway sessions`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def show(self, visit: Visit) -> Plain:
        """The page; which user's sessions stands in the address."""
        return await self._page(visit, Mistake())

    async def end(self, visit: Visit) -> Plain:
        """Carry out one of the forms."""
        which = visit.form.text("which")
        try:
            return visit.done(_place(visit), await self._end(visit, which))
        except (BadRequest, NotFound) as error:
            return await self._page(visit, Mistake(which, str(error), visit.form), error.status)

    async def _end(self, visit: Visit, which: str) -> str:
        form, control = visit.form, self._control
        match which:
            case "one":
                if not await control.revoke_session(_given(visit, "id", "a session")):
                    return "That session was over already."
                return "The session is ended: its tokens are dead on every gateway."
            case "listed":
                await control.revoke_user(_given(visit, "provider", "an identity provider"), _given(visit, "user_id"))
            case "user":
                await control.revoke_named(_given(visit, "user"), form.text("of"))
            case "tenant":
                await control.revoke_tenant(_given(visit, "of_tenant", "a tenant"))
            case "all":
                if form.text("confirmation") != CONFIRMATION:
                    raise BadRequest(f'type "{CONFIRMATION}" if you mean it; nothing was ended')
                await control.revoke_all()
            case _:
                raise BadRequest("no such form")
        return {
            "listed": "All sessions of this user are ended.",
            "user": f"All sessions of {form.text('user')} are ended.",
            "tenant": f"All sessions in tenant {form.text('of_tenant')} are ended.",
            "all": "Every session is ended.",
        }[which]

    async def _page(self, visit: Visit, mistake: Mistake, status: int = 200) -> Plain:
        providers = (await self._control.snapshot()).providers
        chosen = _chosen(visit)
        if not chosen["provider"] and len(providers) == 1:
            chosen["provider"] = providers[0]
        if not mistake.form and chosen["user_id"] and not chosen["provider"]:
            mistake, status = Mistake("list", "choose the identity provider that knows the user"), 400
        found: list[SessionView] = []
        if chosen["user_id"] and chosen["provider"]:
            found = [
                one
                for one in await self._control.sessions(chosen["provider"], chosen["user_id"])
                if chosen["tenant"] in ("", one.tenant)
            ]
        number = _number(visit.query("page"), last=max(1, -(-len(found) // PAGE_SIZE)))
        return visit.show(
            "sessions.html",
            status=status,
            providers=providers,
            chosen=chosen,
            found=found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE],
            total=len(found),
            number=number,
            earlier=f"/sessions?{urlencode(chosen | {'page': number - 1})}" if number > 1 else "",
            later=f"/sessions?{urlencode(chosen | {'page': number + 1})}" if number * PAGE_SIZE < len(found) else "",
            confirmation=CONFIRMATION,
            mistake=mistake,
        )


def _chosen(visit: Visit) -> dict[str, str]:
    """Which sessions are listed: by the address, or as a form of the list has kept it."""
    names = ("provider", "user_id", "tenant")
    return {name: visit.form.text(name) or visit.query(name) for name in names}


def _place(visit: Visit) -> str:
    kept = {name: value for name, value in _chosen(visit).items() if value}
    return f"/sessions?{urlencode(kept)}" if "user_id" in kept else "/sessions"


def _given(visit: Visit, name: str, what: str = "a user") -> str:
    value = visit.form.text(name)
    if not value:
        raise BadRequest(f"name {what}")
    return value


def _number(text: str, last: int) -> int:
    """Which page of a list; what is no such number is the nearest one."""
    return min(max(int(text), 1), last) if text.isdecimal() and len(text) < 9 else 1
