"""Reads what clients send to endpoints: JSON objects, forms, Bearer and Basic headers; strict, one reading only."""

import json
import re
from base64 import b64decode
from codecs import BOM_UTF8
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

from gateway.errors import BodyTooLarge, ClientRejected, CredentialsMissing, MalformedBody, Reason, UnsupportedMediaType
from gateway.model import Call

MAX_BODY: Final = 65536
MAX_NAME: Final = 256
MAX_SECRET: Final = 8192
"""Characters of a password or a token: longer ones are not looked at."""

_BEARER: Final = re.compile(r"bearer ([\x21-\x2b\x2d-\x7e]+)", re.IGNORECASE)
_BASIC: Final = re.compile(r"basic ([A-Za-z0-9+/]*={0,2})", re.IGNORECASE)
_UTF_8: Final = frozenset(("utf-8", "utf8", ""))
_LIKE_ASCII: Final = frozenset(("us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-15", "windows-1252"))
"""Charsets in which ASCII is what it is in UTF-8: older clients name one of them by default."""
_HIGH_ESCAPE: Final = re.compile(rb"%[89A-Fa-f]")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def read_json(call: Call) -> dict[str, Any]:
    """The JSON object in the body. Raises UnsupportedMediaType (415), MalformedBody (400), BodyTooLarge."""
    _check_size(call)
    if media_type(call) != "application/json":
        raise UnsupportedMediaType("application/json is read here")
    value = parse_json(call.body)
    if not isinstance(value, dict):
        raise MalformedBody("The body is not a JSON object.")
    return value


def parse_json(raw: bytes, *, bom: bool = True) -> Any:
    """A JSON value in one reading only: no member twice, no NaN. Raises MalformedBody.

    `bom`: a byte order mark before it is passed over, as most parsers do (RFC 8259, section 8.1).
    """
    try:
        return json.loads(
            raw.removeprefix(BOM_UTF8 if bom else b"").decode(),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except DuplicateMemberError:
        raise MalformedBody("A member of the JSON object appears more than once.") from None
    except ValueError:
        raise MalformedBody("The body is not valid JSON.") from None


def text(members: Mapping[str, Any], name: str, limit: int) -> str:
    """A required string of at most `limit` characters. `name` is ours, so that it can be told. Raises MalformedBody."""
    value = members.get(name)
    if value is None or value == "":
        raise MalformedBody(f"The {name} is missing.")
    if not isinstance(value, str):
        raise MalformedBody(f"The {name} is not a string.")
    if len(value) > limit:
        raise MalformedBody(f"The {name} is longer than {limit} characters.")
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        # A lone surrogate is valid JSON and no Unicode text: it cannot be encoded, hashed or compared.
        raise MalformedBody(f"The {name} contains characters that are no text.")
    return value


def read_form(call: Call) -> dict[str, str]:
    """The form in the body; empty values count as left out, repeated ones are refused (RFC 6749, section 3.2).

    Raises MalformedBody (400, also for another content type: RFC 6749 knows no 415) and BodyTooLarge.
    """
    _check_size(call)
    if media_type(call) != "application/x-www-form-urlencoded":
        raise MalformedBody("The content type is not application/x-www-form-urlencoded.")
    return parse_form(call.body)


def parse_form(raw: bytes) -> dict[str, str]:
    """`application/x-www-form-urlencoded` in one reading only. Raises MalformedBody."""
    form: dict[str, str] = {}
    for pair in raw.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            decoded = form_decoded(name)
            if decoded in form:
                raise MalformedBody("A parameter appears more than once.")
            form[decoded] = form_decoded(value)
    return {name: value for name, value in form.items() if value}


def form_decoded(raw: bytes) -> str:
    """One percent-encoded name or value. Raises MalformedBody."""
    if _BAD_ESCAPE.search(raw):
        raise MalformedBody("A percent escape of the form is incomplete.")
    try:
        value = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise MalformedBody("The form is not UTF-8.") from None
    if "\0" in value:
        raise MalformedBody("The form contains a NUL character.")
    return value


def bearer(call: Call) -> bytes:
    """The Bearer token (RFC 6750, section 2.1: one space, no tab). Raises CredentialsMissing, which says why."""
    header = call.headers.get("authorization", "")
    if header[:6].lower() != "bearer" or header[6:7].isalnum():
        reason = Reason.MISSING_SCHEME if header else Reason.ABSENT
        raise CredentialsMissing("no Bearer token", reason=reason)
    match = _BEARER.fullmatch(header)
    if match is None:
        raise CredentialsMissing("a Bearer credential that is not one token", reason=Reason.BAD_HEADER)
    return match[1].encode()


def basic(call: Call) -> tuple[tuple[str, str], ...]:
    """Client ids and secrets that an HTTP Basic header may mean; none without such a header.

    Form-decoded, as RFC 6749, section 2.3.1 says; then, where that differs, as they stand: Authlib and requests encode
    nothing, and half of all random secrets in base64 contain a `+`. Padding may be left out, as in Spring's reading.
    Raises ClientRejected for an unreadable header.
    """
    header = call.headers.get("authorization", "")
    if header[:5].lower() != "basic":
        return ()
    match = _BASIC.fullmatch(header)
    try:
        raw = b64decode(_padded(match[1]), validate=True) if match else b""
        plain = raw.decode()
    except ValueError:
        raise ClientRejected("unreadable Basic credentials") from None
    name, colon, secret = plain.partition(":")
    if not colon or "\0" in plain or len(plain) > MAX_NAME + MAX_SECRET:
        raise ClientRejected("unreadable Basic credentials")
    readings = [(name, secret)]
    with suppress(MalformedBody):
        readings.insert(0, (form_decoded(name.encode()), form_decoded(secret.encode())))
    meant = tuple(each for each in dict.fromkeys(readings) if len(each[0]) <= MAX_NAME)
    if not meant:
        raise ClientRejected("a client id of unusual length")
    return meant


def _padded(base64: str) -> str:
    return base64 if base64.endswith("=") else base64 + "=" * (-len(base64) % 4)


def media_type(call: Call) -> str:
    """The content type in lower case; empty if there is none, or the body is in another charset than UTF-8."""
    kind, _, parameters = call.headers.get("content-type", "").lower().partition(";")
    charsets = set()
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            charsets.add(value.strip().strip("\"'"))
    # Each is tried on the body once, and few are known: a header has room for thousands.
    return kind.strip() if all(_reads_as_utf_8(call.body, charset) for charset in charsets) else ""


def _reads_as_utf_8(body: bytes, charset: str) -> bool:
    """Whether the body is the same text in UTF-8; escapes of a form count, too."""
    if charset in _UTF_8:
        return True
    return charset in _LIKE_ASCII and body.isascii() and _HIGH_ESCAPE.search(body) is None


def _check_size(call: Call) -> None:
    if len(call.body) > MAX_BODY:
        raise BodyTooLarge("endpoints read 64 KiB")


class DuplicateMemberError(ValueError):
    """A JSON object says something twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMemberError
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
