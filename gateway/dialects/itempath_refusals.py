"""How ItemPath spells refusals: `{"msg": …}` and a newline, in the words of Flask-JWT-Extended and PyJWT."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from gateway.dialects.replies import NO_STORE, what_to_do
from gateway.errors import (
    AccountLocked,
    CredentialsMissing,
    CredentialsRejected,
    GatewayError,
    LoginRejected,
    MalformedBody,
    Reason,
    SelectionNeeded,
)
from gateway.model import Headers, Reply

MISSING_HEADER: Final = "Missing Authorization Header"
_EXPECTED: Final = "Expected 'Authorization: Bearer <JWT>'"
MISSING_TYPE: Final = f"Missing 'Bearer' type in 'Authorization' header. {_EXPECTED}"
BAD_HEADER: Final = f"Bad Authorization header. {_EXPECTED}"
EXPIRED: Final = "Token has expired"
REVOKED: Final = "Token has been revoked"
ONLY_ACCESS: Final = "Only non-refresh tokens are allowed"
ONLY_REFRESH: Final = "Only refresh tokens are allowed"
BAD_SIGNATURE: Final = "Signature verification failed"
MISSING_IDENTITY: Final = "Missing claim: identity"
WRONG_CREDENTIALS: Final = "Bad username or password"
NO_APPLICATION: Final = "Only users of type application can create application tokens"

_UNAUTHORIZED: Final = {
    Reason.ABSENT: MISSING_HEADER,
    Reason.UNKNOWN_KEY: MISSING_HEADER,
    Reason.MISSING_SCHEME: MISSING_TYPE,
    Reason.EXPIRED: EXPIRED,
    **dict.fromkeys(
        (Reason.REVOKED, Reason.USER_GONE, Reason.TENANT_GONE, Reason.CHOICE_GONE, Reason.UNKNOWN), REVOKED
    ),
    Reason.KEY_EXPIRED: EXPIRED,
    Reason.KEY_BLOCKED: REVOKED,
}
"""401. API keys are none of ItemPath's; what is ours and unknown to the store has been ended."""


def answer(status: int, value: Any, headers: Headers = NO_STORE) -> Reply:
    """As Flask's `jsonify` writes it: compact, all that is not ASCII escaped, a newline at the end."""
    body = json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    return Reply(status, body, ((b"Content-Type", b"application/json"), *headers))


def refused(error: GatewayError, *, wants_refresh: bool = False, lacks_identity: bool = False) -> Reply:
    """The answer. `wants_refresh`: where a refresh token is the credential; no challenge, as ItemPath has none."""
    if isinstance(error, CredentialsMissing):
        status, told = _refused_credential(error, ONLY_REFRESH if wants_refresh else ONLY_ACCESS)
        return answer(status, {"msg": MISSING_IDENTITY if lacks_identity else told})
    if isinstance(error, AccountLocked | SelectionNeeded):
        return answer(403, {"msg": error.public})
    if isinstance(error, LoginRejected):
        return answer(404, {"msg": WRONG_CREDENTIALS})
    told = error.explanation if isinstance(error, MalformedBody) else error.public
    return answer(error.status, {"msg": told}, (*NO_STORE, *what_to_do(error)))


def flaw(token: str) -> str:
    """What PyJWT says of a token that was not made with its key."""
    front, dot, signature = token.rpartition(".")
    header, second_dot, payload = front.partition(".")
    if not dot or not second_dot:
        return "Not enough segments"
    members = _members("header", header)
    if isinstance(members, str):
        return members
    for name, segment in (("payload", payload), ("crypto", signature)):
        if _decoded(segment) is None:
            return f"Invalid {name} padding"
    return _unverified(members, payload)


def _unverified(members: Mapping[str, Any], payload: str) -> str:
    """The claims are looked at before the signature."""
    claims = _members("payload", payload)
    if isinstance(claims, str):
        return claims
    if "alg" not in members:
        return "Algorithm not specified"
    return BAD_SIGNATURE if members["alg"] == "HS256" else "The specified alg value is not allowed"


def _members(name: str, segment: str) -> dict[str, Any] | str:
    """What a segment says, or what PyJWT says of it."""
    raw = _decoded(segment)
    if raw is None:
        return f"Invalid {name} padding"
    try:
        members = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return f"Invalid {name} string: {error}"
    return members if isinstance(members, dict) else f"Invalid {name} string: must be a json object"


def _refused_credential(error: CredentialsMissing, wrong_kind: str) -> tuple[int, str]:
    reason = error.reason
    if reason in _UNAUTHORIZED:
        return 401, _UNAUTHORIZED[reason]
    if reason is Reason.BAD_HEADER:
        return 422, BAD_HEADER
    if reason in {Reason.WRONG_KIND, Reason.PREAUTH}:
        return 422, wrong_kind
    # A token of another login is one that another key signed.
    presented = error.presented if isinstance(error, CredentialsRejected) else ""
    return 422, flaw(presented) if presented or reason is Reason.MALFORMED else BAD_SIGNATURE


def _decoded(segment: str) -> bytes | None:
    """None for what is not base64url in its one spelling, padding aside."""
    bare = segment.rstrip("=")
    padding = len(segment) - len(bare)
    if padding > 2 or (padding and len(segment) % 4):
        return None
    try:
        raw = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        return None
    return raw if urlsafe_b64encode(raw).decode().rstrip("=") == bare else None
