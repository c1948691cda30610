"""What is decided about requests: the routes in force, and one request explained."""

from dataclasses import asdict

from gateway.admin.console.forms import Form
from gateway.admin.console.visit import Mistake, Page, Visit
from gateway.admin.control import Control
from gateway.admin.explained import spell
from gateway.admin.replies import Plain
from gateway.errors import BadRequest


def pages(control: Control) -> list[tuple[str, str, Page]]:
    """Routes and Explain."""

    async def routes(visit: Visit) -> Plain:
        return visit.show("routes.html", routes=(await control.snapshot()).routes)

    async def ask(visit: Visit) -> Plain:
        return visit.show("explain.html", method="GET", path="", said=[], mistake=Mistake())

    async def explain(visit: Visit) -> Plain:
        """Shows the answer at once: nothing has changed, and the question may hold credentials, which stay nowhere."""
        form = visit.form
        method, target = form.text("method").upper(), form.text("target")
        path = target.partition("?")[0]
        try:
            headers = _headers(form)
            if not method or not target:
                raise BadRequest("name a method and a path")
            said = spell(asdict(await control.explain(method, target, headers)))
        except BadRequest as error:
            mistake = Mistake("explain", str(error))
            return visit.show("explain.html", status=400, method=method, path=path, said=[], mistake=mistake)
        return visit.show("explain.html", method=method, path=path, said=said, mistake=Mistake())

    return [("GET", "/routes", routes), ("GET", "/explain", ask), ("POST", "/explain", explain)]


def _headers(form: Form) -> list[tuple[str, str]]:
    """Raises BadRequest, which says which line is no header, never what stands there."""
    headers = []
    for number, line in enumerate(form.lines("headers"), 1):
        name, colon, value = line.partition(":")
        if not name.strip() or not colon:
            raise BadRequest(f"header {number} is not 'Name: value'")
        headers.append((name.strip(), value.strip()))
    return headers
