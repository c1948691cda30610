"""Credential source: `Authorization: Bearer …` (RFC 6750, section 2.1), as the clients of a route's ERP write it."""

from gateway.authn.sources.base import Presented
from gateway.errors import CredentialsRejected, Reason
from gateway.model import CredentialReading

_SPACE = b" \t"
PLAIN = CredentialReading()


class Bearer:
    """By default the scheme is case-insensitive (RFC 9110, section 11.1); one space; nothing around the token."""

    method = "bearer"
    explicit = True

    def __init__(self, reading: CredentialReading = PLAIN) -> None:
        self._reading = reading
        self._other_spelling = _other_spelling if reading.bearer_is_strict else self._lax
        self._cuts = reading.comma_cut or not reading.bearer_is_strict

    def find(self, request: Presented) -> bytes | None:
        value = request.authorization
        if value is None:
            return None
        if value[:7] == b"Bearer ":
            # Whatever else is in there makes it no token that we know.
            return self._cut(value[7:]) if self._cuts else value[7:]
        if self._reading.scheme_case_sensitive and value[:6] != b"Bearer":
            return None
        found = self._other_spelling(value)
        return self._cut(found) if self._cuts and found is not None else found

    def _cut(self, token: bytes) -> bytes:
        if not self._reading.bearer_is_strict:
            token = token.strip(_SPACE)
        comma = token.find(b",") if self._reading.comma_cut else -1
        return token[:comma] if comma > 0 else token

    @staticmethod
    def _lax(value: bytes) -> bytes | None:
        """White space of any length, or none where there is no token either."""
        if value[:6].lower() != b"bearer" or value[6:7] not in {b"", b" ", b"\t"}:
            return None
        return value[6:]


def _other_spelling(value: bytes) -> bytes | None:
    if value[:6].lower() != b"bearer" or value[6:7].isalnum():
        return None  # another scheme is none of ours
    # One reading only: tabs, lists and parameters are how lax parsers were told apart (GHSA-gv94-wp4h-vv8p).
    if value[6:7] != b" ":
        raise CredentialsRejected("a Bearer credential that is not one token", reason=Reason.BAD_HEADER)
    return value[7:]
