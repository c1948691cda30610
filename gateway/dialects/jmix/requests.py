"""What both generations of Jmix read alike: a form, and a client that authenticates by HTTP Basic and nothing else."""

import re
from collections.abc import Mapping
from typing import Final

from gateway.dialects.contract import Broker
from gateway.dialects.requests import basic, media_type, parse_form, read_form
from gateway.errors import ClientRejected, MalformedBody
from gateway.model import Call, OAuthClient

_UNESCAPED: Final = re.compile(r"[A-Za-z0-9+/ ]{27}=")
"""A token of generation 1 in a form; its `+` is a space there, unless it was escaped."""


async def read_client(broker: Broker, call: Call) -> OAuthClient:
    """The client of a Basic header; one in the body does not count. Raises ClientRejected, Banned, Unavailable."""
    readings = basic(call)
    if not readings:
        raise ClientRejected("no client authentication by HTTP Basic")
    return await broker.authenticate_client(readings, call)


def read_parameters(call: Call, *, in_query: bool = False) -> Mapping[str, str]:
    """The form in the body; any other content has no parameters, as for a servlet. Raises MalformedBody, BodyTooLarge.

    The query is looked at only where the login says so: passwords and tokens do not belong in an address.
    """
    form = read_form(call) if media_type(call) == "application/x-www-form-urlencoded" else {}
    if not in_query:
        return form
    query = parse_form(call.query.encode("latin-1"))
    if form.keys() & query.keys():
        raise MalformedBody("A parameter appears more than once.")
    return query | form


def read_token(form: Mapping[str, str], name: str) -> str | None:
    """A token as it was issued, if there is one. Shell clients paste it into a form as it is; no token has a space."""
    token = form.get(name)
    return token.replace(" ", "+") if token is not None and _UNESCAPED.fullmatch(token) else token
