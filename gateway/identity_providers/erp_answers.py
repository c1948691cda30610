"""Reads what ERPs answer and writes what they are asked: what does not fit is ErpNonsense, never a wrong password."""

import binascii
import json
import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from math import inf
from typing import Any, Final
from urllib.parse import urlencode

from gateway.errors import ErpNonsense
from gateway.model import ErpAnswer

_MARGIN: Final = 60.0
"""Seconds before its end at which a credential is renewed; a short-lived one at four fifths of its life."""
_SHORTEST: Final = 30.0
"""Seconds. Less is left only where the ERP's clock and ours disagree: renewing on every request would help nobody."""
_VISIBLE = re.compile(r"[\x21-\x7e]{1,16384}")

JSON_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
FORM_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def json_body(value: Any) -> bytes:
    """A request's body."""
    return json.dumps(value, separators=(",", ":")).encode()


def form_body(**fields: str) -> bytes:
    """A request's body."""
    return urlencode(fields).encode()


def basic(username: str, password: str) -> dict[str, str]:
    """The header of Basic authentication (RFC 7617)."""
    return {"Authorization": "Basic " + b64encode(f"{username}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header of a Bearer token."""
    return {"Authorization": f"Bearer {token}"}


def read_object(answer: ErpAnswer, what: str) -> dict[str, Any]:
    """The answer's JSON object. Raises ErpNonsense."""
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ErpNonsense(f"{what}: status {answer.status} without a JSON object")
    return value


def token_in(value: Mapping[str, Any], key: str, what: str) -> str:
    """A token that can stand in a header. Raises ErpNonsense: a line end in it would begin a header (CWE-113)."""
    token = value.get(key)
    if not isinstance(token, str) or not _VISIBLE.fullmatch(token):
        raise ErpNonsense(f"{what}: no usable {key}")
    return token


def text_in(value: Mapping[str, Any], key: str) -> str:
    """A text, empty where there is none."""
    text = value.get(key)
    return text if isinstance(text, str) else ""


def claims_of(token: str) -> dict[str, Any]:
    """The claims of an ERP's own JWT, unverified: they only tell us when to renew. Empty for what is no JWT."""
    parts = token.split(".")
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def renew_at(now: float, life: object) -> float:
    """The moment to renew what lives `life` seconds from now; inf where no life was told."""
    if isinstance(life, bool) or not isinstance(life, int | float):
        return inf
    return now + max(life - _MARGIN, life * 0.8, _SHORTEST) if life == life else inf  # noqa: PLR0124 - not a NaN


def jwt_renew_at(now: float, token: str) -> float:
    """The same of a JWT: by its own iat where it has one, so that the clocks need not agree."""
    claims = claims_of(token)
    exp, iat = claims.get("exp"), claims.get("iat")
    if isinstance(exp, bool) or not isinstance(exp, int | float):
        return inf
    return renew_at(now, exp - (iat if isinstance(iat, int | float) else now))


def media_type(headers: Mapping[bytes, bytes]) -> bytes:
    """The media type of an answer, lower case, without parameters."""
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
