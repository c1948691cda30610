"""What a browser posts: believed only from one of our own pages."""

import hmac
from collections.abc import Sequence
from urllib.parse import parse_qs

from aiohttp import web

from gateway.admin.bodies import read_body
from gateway.admin.console.sign_ins import SignIn
from gateway.errors import BadRequest, Forbidden, UnsupportedMediaType

FORM_TOKEN = "form_token"  # noqa: S105 - a field's name
_MOST_FIELDS = 200


class Form:
    """The fields of one form; what was not sent is empty."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """One field, without white space around it. Raises BadRequest where it is sent twice."""
        values = self._fields.get(name, [""])
        if len(values) > 1:
            raise BadRequest(f"{name} was sent twice")
        return values[0].strip()

    def all(self, name: str) -> tuple[str, ...]:
        """The boxes of that name that were ticked."""
        return tuple(self._fields.get(name, ()))

    def lines(self, name: str) -> tuple[str, ...]:
        """One item on each line; empty lines do not count."""
        return tuple(line.strip() for line in self.text(name).splitlines() if line.strip())


async def read_form(request: web.Request, sign_in: SignIn | None) -> Form:
    """The form that was sent. Raises Forbidden for another site's, BadRequest, UnsupportedMediaType.

    Without a sign-in there is no token of the form to compare: such a form can do nothing but sign in.
    """
    if not is_ours(request):
        raise Forbidden("this form was not sent from the console's own page")
    if request.content_type != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("not a form")
    try:
        sent = (await read_body(request)).decode()
        fields = parse_qs(sent, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadRequest("the form cannot be read") from None
    form = Form(fields)
    if sign_in is not None and not hmac.compare_digest(form.text(FORM_TOKEN).encode(), sign_in.form_token.encode()):
        raise Forbidden("this form is of an earlier sign-in: open the page again")
    return form


def is_ours(request: web.Request) -> bool:
    """Whether a page of this very origin has sent it, by what the browser says and a page cannot change."""
    site, origin = request.headers.getall("Sec-Fetch-Site", []), request.headers.getall("Origin", [])
    if site and site != ["same-origin"]:
        return False
    # By either scheme: a proxy that ends TLS in front of us keeps the Host, and the Host is one that the guard knows.
    return bool(site) if not origin else _is_origin(origin, request.host, told=bool(site))


def _is_origin(origin: Sequence[str], host: str, *, told: bool) -> bool:
    if [*origin] == ["null"]:
        return told  # a policy of the browser's own keeps it back, and Sec-Fetch-Site has said it
    return [*origin] in ([f"http://{host}"], [f"https://{host}"])
