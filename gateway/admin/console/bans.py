"""Bans: who may not log in for now, and letting them in again."""

from gateway.admin.console.visit import Mistake, Page, Visit
from gateway.admin.control import Control, Lifting
from gateway.admin.replies import Plain
from gateway.errors import BadRequest


def pages(control: Control) -> list[tuple[str, str, Page]]:
    """The list, and what lifts bans."""
    bans = Bans(control)
    return [("GET", "/bans", bans.show), ("POST", "/bans/lift", bans.lift)]


class Bans:
    """As `gateway bans`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def show(self, visit: Visit) -> Plain:
        """All that are in force."""
        return await self._page(visit, Mistake())

    async def lift(self, visit: Visit) -> Plain:
        """Lift those that the form names."""
        try:
            lifted = await self._control.lift_bans(_which(visit))
        except BadRequest as error:
            return await self._page(visit, Mistake("lift", str(error), visit.form), error.status)
        if not lifted:
            return visit.done("/bans", "No such ban was in force.", failed=True)
        return visit.done("/bans", f"{lifted} lifted.")

    async def _page(self, visit: Visit, mistake: Mistake, status: int = 200) -> Plain:
        found = await self._control.bans()
        providers = (await self._control.snapshot()).providers
        return visit.show("bans.html", status=status, found=found, providers=providers, mistake=mistake)


def _which(visit: Visit) -> Lifting:
    """Raises BadRequest for a form that names nobody: that would be everybody."""
    user, provider, address = (visit.form.text(name) for name in ("user", "provider", "address"))
    if visit.form.text("all"):
        if user or address:
            raise BadRequest("either every ban, or those of a user or an address")
        return Lifting()
    if not user and not address:
        raise BadRequest("name a user or an address")
    if not user and visit.form.text("provider"):
        raise BadRequest("an identity provider goes with a user")
    return Lifting(user=user, provider=provider, address=address)
