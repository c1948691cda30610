"""Credential source: `Authorization: Bearer …` (RFC 6750, section 2.1)."""

import re

from gateway.authn.sources.base import Presented
from gateway.errors import CredentialsRejected

_B64TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")


class Bearer:
    """The scheme is case-insensitive (RFC 9110, section 11.1); one space; nothing around the token."""

    method = "bearer"
    explicit = True

    def find(self, request: Presented) -> bytes | None:
        value = request.authorization
        if value is None:
            return None
        if value[:7] != b"Bearer " and value[:6].lower() != b"bearer":
            return None  # another scheme is none of ours
        token = value[7:]
        # One reading only: tabs, lists and parameters are how lax parsers were told apart (GHSA-gv94-wp4h-vv8p).
        if value[6:7] != b" " or _B64TOKEN.fullmatch(token) is None:
            raise CredentialsRejected("a Bearer credential that is not one token")
        return token
