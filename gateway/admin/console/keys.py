"""API keys: the declared ones to look at, the made ones to make and end."""

import time

from gateway.admin.console.forms import Form
from gateway.admin.console.visit import Mistake, Page, Visit
from gateway.admin.control import Control, KeyView
from gateway.admin.replies import Plain
from gateway.config.values import read_end
from gateway.errors import BadRequest


def pages(control: Control) -> list[tuple[str, str, Page]]:
    """The list, and what makes and ends keys."""
    keys = Keys(control)
    return [("GET", "/keys", keys.show), ("POST", "/keys/make", keys.make), ("POST", "/keys/end", keys.end)]


class Keys:
    """As `gateway keys`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def show(self, visit: Visit) -> Plain:
        """All keys there are."""
        return await self._page(visit, Mistake())

    async def make(self, visit: Visit) -> Plain:
        """Make one, and show it on the very answer: it is kept nowhere that a second look could read it from."""
        try:
            wanted = _wanted(visit.form)
            key = await self._control.make_key(wanted)
        except BadRequest as error:
            return await self._page(visit, Mistake("make", str(error), visit.form), error.status)
        return visit.show("key.html", status=201, key=key, wanted=wanted)

    async def end(self, visit: Visit) -> Plain:
        """End one."""
        key_id = visit.form.text("id")
        if await self._control.revoke_key(key_id):
            return visit.done("/keys", f"The key {key_id} is ended on every gateway. Its id is never used again.")
        return visit.done("/keys", f"There is no live key {key_id} that was made here.", failed=True)

    async def _page(self, visit: Visit, mistake: Mistake, status: int = 200) -> Plain:
        made = await self._control.keys()
        now = await self._control.snapshot()
        limits = [route["name"] for route in now.routes if "api_key" in route["credentials"]]
        return visit.show(
            "keys.html", status=status, made=made, declared=now.declared_keys, routes=limits, mistake=mistake
        )


def _wanted(form: Form) -> KeyView:
    """Raises BadRequest."""
    for name in ("id", "user"):
        if not form.text(name):
            raise BadRequest(f"{name} is missing")
    try:
        expires = read_end(form.text("expires"), time.time()) if form.text("expires") else None
    except ValueError as error:
        raise BadRequest(f"expires {error}") from None
    return KeyView(
        id=form.text("id"),
        user=form.text("user"),
        roles=form.lines("roles"),
        scopes=form.lines("scopes"),
        routes=form.all("route"),
        expires=expires,
    )
