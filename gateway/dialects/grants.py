"""What a token endpoint of OAuth2 is sent: the form, how the client authenticates, the scopes asked for (RFC 6749)."""

import re
from collections.abc import Mapping
from typing import Final

from gateway.dialects.requests import MAX_NAME, MAX_SECRET, basic, parse_form, read_form, text
from gateway.errors import ClientRejected, MalformedBody, ScopeRejected
from gateway.model import Call

_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*")
"""scope = scope-token *( SP scope-token ) (RFC 6749, section 3.3)."""
_NEVER_IN_A_URI: Final = frozenset(
    ("client_secret", "password", "refresh_token", "token", "username", "grant_type", "client_id", "scope")
)


def read_grant_form(call: Call) -> dict[str, str]:
    """The form in the body. Raises MalformedBody, also for parameters in the URI, where logs would keep them."""
    form = read_form(call)
    if call.query and _NEVER_IN_A_URI & parse_form(call.query.encode()).keys():
        raise MalformedBody("Parameters of this endpoint belong in the body, never in the URI.")
    return form


def client_credentials(call: Call, form: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Basic or body, never both (RFC 6749, section 2.3). Raises ClientRejected, MalformedBody."""
    readings = basic(call)
    if not readings:
        if "client_id" not in form or "client_secret" not in form:
            raise ClientRejected("no client authentication")
        return ((text(form, "client_id", MAX_NAME), text(form, "client_secret", MAX_SECRET)),)
    if "client_secret" in form:
        raise MalformedBody("The client authenticates in two ways at once.")
    if "client_id" in form and form["client_id"] not in {client_id for client_id, _ in readings}:
        raise MalformedBody("The client_id of the body is not the one that authenticates.")
    return readings


def asked_scopes(form: Mapping[str, str]) -> tuple[str, ...] | None:
    """The scopes asked for, each once; None where nothing was said. Raises ScopeRejected."""
    value = form.get("scope")
    if value is None:
        return None
    if len(value) > MAX_SECRET or _SCOPE.fullmatch(value) is None:
        raise ScopeRejected("malformed scope")
    return tuple(dict.fromkeys(value.split(" ")))
