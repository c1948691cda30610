"""Credential source: `Authorization: Bearer …` (RFC 6750, section 2.1)."""

from gateway.authn.sources.base import Presented
from gateway.errors import CredentialsRejected, Reason


class Bearer:
    """The scheme is case-insensitive (RFC 9110, section 11.1); one space; nothing around the token."""

    method = "bearer"
    explicit = True

    def find(self, request: Presented) -> bytes | None:
        value = request.authorization
        if value is None:
            return None
        if value[:7] == b"Bearer ":
            return value[7:]  # whatever else is in there makes it no token that we know
        return _other_spelling(value)


def _other_spelling(value: bytes) -> bytes | None:
    if value[:6].lower() != b"bearer" or value[6:7].isalnum():
        return None  # another scheme is none of ours
    # One reading only: tabs, lists and parameters are how lax parsers were told apart (GHSA-gv94-wp4h-vv8p).
    if value[6:7] != b" ":
        raise CredentialsRejected("a Bearer credential that is not one token", reason=Reason.BAD_HEADER)
    return value[7:]
