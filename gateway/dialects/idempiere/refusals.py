"""How iDempiere spells refusals: problems in JSON with the text in `title` or `detail`, or no body at all."""

import json
from base64 import urlsafe_b64decode
from http import HTTPStatus
from typing import Any, Final

from gateway.dialects.replies import NO_STORE, json_reply, what_to_do
from gateway.errors import (
    AccountLocked,
    BadRequest,
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    GatewayError,
    LoginRejected,
    MalformedBody,
    NotFound,
    Reason,
)
from gateway.model import Headers, Reply

AUTHENTICATE_ERROR: Final = "Authenticate error"
FAILED_LOGIN: Final = "Invalid User ID or Password"
LOCKED: Final = "User account is locked, please contact the system administrator"
INVALID_REFRESH_TOKEN: Final = "Invalid refresh token"  # noqa: S105 - a text, no token
NULL_TOKEN: Final = "The token is null."  # noqa: S105 - a text, no token
BAD_SIGNATURE: Final = "The Token's Signature resulted invalid when verified using the Algorithm: HmacSHA512"
EXPIRED: Final = "Token has expired"
REVOKED: Final = "Token is revoked"
NO_SESSION: Final = "AD_Session_ID not found"
_TITLES: Final = {
    Reason.EXPIRED: EXPIRED,
    Reason.REVOKED: REVOKED,
    Reason.USER_GONE: "User is inactive",
    Reason.TENANT_GONE: "Client is inactive",
    Reason.CHOICE_GONE: "Role is inactive",
    Reason.KEY_EXPIRED: EXPIRED,
    Reason.KEY_BLOCKED: "Token is blocked",
}
_PARTS: Final = "The token was expected to have 3 parts, but got {}."


class Declined(GatewayError):
    """An auth endpoint says no, and what for; the text is one of iDempiere's and reflects nothing."""

    status = 401
    code = "declined"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SessionMissing(NotFound):
    """A token that has no session: of the first step of a login, or a refresh token."""


class ClientUnknown(BadRequest):
    """The language of a client was asked for that there is not."""


def refused(error: GatewayError, now: float) -> Reply:
    """The answer; `now` in epoch seconds, since a stale token is told as such whoever signed it."""
    if isinstance(error, CredentialsMissing | Forbidden):
        # What a role may not do is a 401 as well, and says nothing.
        title = _title(error, now) if isinstance(error, CredentialsRejected) else ""
        return _problem(401, title) if title else _empty(401)
    if isinstance(error, Declined | LoginRejected):
        return _problem(401, AUTHENTICATE_ERROR, _detail(error), (*NO_STORE, *what_to_do(error)))
    if isinstance(error, SessionMissing):
        return _problem(404, NO_SESSION)
    if isinstance(error, MalformedBody):
        return Reply(400, error.explanation.encode(), ((b"Content-Type", b"text/plain"), *NO_STORE))
    if isinstance(error, ClientUnknown) or error.status in {499, 500}:
        return _empty(error.status)
    return _problem(error.status, HTTPStatus(error.status).phrase, error.public, (*NO_STORE, *what_to_do(error)))


def token_text(reason: str, token: str) -> str:
    """What java-jwt says of a token that it does not take; empty where the reason is none of its."""
    if reason == Reason.MALFORMED.value and parts_of(token) != 3:
        return _PARTS.format(parts_of(token))
    return BAD_SIGNATURE if reason in {Reason.MALFORMED.value, Reason.BAD_SIGNATURE.value} else ""


def parts_of(token: str) -> int:
    """How many parts java-jwt sees: empty ones at the end do not count, but for a signature."""
    parts = token.split(".")
    if len(parts) == 3 and parts[0] and parts[1] and not parts[2]:
        return 3
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return len(parts)


def _detail(error: Declined | LoginRejected) -> str:
    if isinstance(error, Declined):
        return error.detail
    return LOCKED if isinstance(error, AccountLocked) else FAILED_LOGIN


def _title(error: CredentialsRejected, now: float) -> str:
    if error.reason is Reason.BAD_SIGNATURE and _says_it_expired(error.presented, now):
        return EXPIRED
    return _TITLES.get(error.reason) or token_text(error.reason.value, error.presented)


def _says_it_expired(token: str, now: float) -> bool:
    """The ERP looks at `exp` first, to find out whose the token is. Only the text of a refusal hangs on it."""
    try:
        payload = token.split(".")[1]
        claims: Any = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return bool(claims["exp"] <= now)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def _problem(status: int, title: str, detail: str = "", headers: Headers = NO_STORE) -> Reply:
    members: dict[str, Any] = {"title": title, "status": status}
    return json_reply(status, {**members, "detail": detail} if detail else members, headers)


def _empty(status: int) -> Reply:
    return Reply(status, b"", NO_STORE)
