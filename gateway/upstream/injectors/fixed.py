"""Injectors whose credential is fixed in the configuration: the ERP knows the gateway, not the user."""

import re
from base64 import b64encode

from pydantic import BaseModel, ConfigDict, field_validator

from gateway.config.secret import Secret
from gateway.model import Identity
from gateway.upstream.injectors.base import InjectorTools

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
FRAMING = frozenset({"connection", "content-length", "host", "transfer-encoding", "upgrade", "te", "trailer", "expect"})
"""Headers that say where a message ends or who is asked; no injector may write them."""


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class FixedHeader:
    """The same header lines on every request, built once."""

    owns_cookies: frozenset[bytes] = frozenset()

    def __init__(self, name: str, value: str) -> None:
        self.owns = frozenset({name.lower().encode()})
        self._lines = f"{name}: {value}\r\n".encode("latin-1")

    def headers_for(self, identity: Identity) -> bytes | None:  # noqa: ARG002 - the seam's signature
        return self._lines


class NoCredential:
    """The ERP trusts the identity headers, or asks for nothing."""

    class Options(_Options):
        """Nothing to set."""

    owns: frozenset[bytes] = frozenset()
    owns_cookies: frozenset[bytes] = frozenset()

    def __init__(self, options: Options, _tools: InjectorTools | None = None) -> None:
        """Nothing to build."""

    def headers_for(self, identity: Identity) -> bytes | None:  # noqa: ARG002 - the seam's signature
        return b""


class BasicCredential(FixedHeader):
    """`Authorization: Basic` (RFC 7617, UTF-8)."""

    class Options(_Options):
        """Who the gateway is to the ERP."""

        username: str
        password: Secret

        @field_validator("username")
        @classmethod
        def _no_colon(cls, value: str) -> str:
            if ":" in value or not value.isprintable():
                raise ValueError("a user name of Basic authentication has no colon and no control character (RFC 7617)")
            return value

    def __init__(self, options: Options, _tools: InjectorTools | None = None) -> None:
        pair = f"{options.username}:{options.password.reveal()}".encode()
        super().__init__("Authorization", f"Basic {b64encode(pair).decode()}")


class BearerCredential(FixedHeader):
    """`Authorization: Bearer` with a token of the ERP's."""

    class Options(_Options):
        """The ERP's token."""

        token: Secret

        @field_validator("token")
        @classmethod
        def _one_line(cls, value: Secret) -> Secret:
            return _visible(value)

    def __init__(self, options: Options, _tools: InjectorTools | None = None) -> None:
        super().__init__("Authorization", f"Bearer {options.token.reveal()}")


class HeaderCredential(FixedHeader):
    """One header of any name, such as `X-ERP-Key`."""

    class Options(_Options):
        """Name and value."""

        name: str
        value: Secret

        @field_validator("name")
        @classmethod
        def _token(cls, value: str) -> str:
            if not _TOKEN.fullmatch(value) or value.lower() in FRAMING:
                raise ValueError(f"{value!r} cannot be the name of an injected header")
            return value

        @field_validator("value")
        @classmethod
        def _one_line(cls, value: Secret) -> Secret:
            return _visible(value)

    def __init__(self, options: Options, _tools: InjectorTools | None = None) -> None:
        super().__init__(options.name, options.value.reveal())


def _visible(value: Secret) -> Secret:
    if not _VALUE.fullmatch(value.reveal()):
        raise ValueError("the value must be one line of visible ASCII, without a blank at either end")
    return value
