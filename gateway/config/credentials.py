"""The sections about keys and machine callers: `signing_keys`, `clients` and `api_keys`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from gateway.config.secret import RequiredSecret, Secret
from gateway.config.section import Section, fault
from gateway.config.values import NEVER, Flag, Line, Moment, Name, Names, distinct, some

HMAC_SECRET_BYTES = 32
"""RFC 7518, section 3.2: an HS256 key has at least the size of the hash output."""

_ARGON2 = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,9}),t=([0-9]{1,6}),p=[0-9]{1,3}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}"
)
# OWASP password storage cheat sheet: pairs of memory (KiB) and passes that cost an attacker about the same.
_ENOUGH = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))


def _argon2(secret: Secret) -> Secret:
    if not _ARGON2.fullmatch(secret.reveal()):
        raise ValueError("must be an argon2id hash, as `gateway hash-password` prints it")
    return secret


def is_weak_hash(secret: Secret) -> bool:
    """The argon2id parameters are below what OWASP advises."""
    parts = _ARGON2.fullmatch(secret.reveal())
    assert parts is not None, "hashes are checked at load"
    memory, passes = int(parts[1]), int(parts[2])
    return not any(memory >= enough and passes >= least for enough, least in _ENOUGH)


def _sha256(text: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise ValueError('must be "sha256:" and the 64 lower-case hexadecimal digits of the key\'s SHA-256')
    return text


PasswordHash = Annotated[RequiredSecret, AfterValidator(_argon2)]

Algorithm = Literal["HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"]


class SigningKey(Section):
    """A key of the ring; the first one signs, all verify. An HMAC key has `secret`, the others `private_key_file`."""

    kid: Name
    algorithm: Algorithm
    secret: Secret = Secret()
    private_key: Secret = Secret()
    """PEM, PKCS 8; written as `private_key_file`."""

    @property
    def is_hmac(self) -> bool:
        """Signs with a shared secret."""
        return self.algorithm.startswith("HS")

    @model_validator(mode="after")
    def _fits(self) -> "SigningKey":
        if self.is_hmac and self.private_key:
            raise fault("private_key_file", f"does not go with {self.algorithm}, which signs with `secret`")
        if not self.is_hmac and self.secret:
            raise fault("secret", f"does not go with {self.algorithm}, which signs with `private_key_file`")
        if not self.is_hmac and not self.private_key:
            raise fault("private_key_file", f"is missing: {self.algorithm} signs with a private key")
        if self.secret and len(self.secret.reveal().encode()) < HMAC_SECRET_BYTES:
            raise fault("secret", f"must be {HMAC_SECRET_BYTES} bytes or more")
        return self


Grant = Literal["client_credentials", "password", "refresh_token"]


class ClientConfig(Section):
    """An OAuth 2.0 client. `logins` names where it may come in; empty for every login that asks for a client."""

    id: Line
    secret_hash: PasswordHash
    grants: Annotated[tuple[Grant, ...], AfterValidator(some), AfterValidator(distinct)] = (
        "client_credentials",
        "password",
        "refresh_token",
    )
    roles: Names = ()
    scopes: Names = ()
    logins: Names = ()


class ApiKeyConfig(Section):
    """A declared API key: only its SHA-256 is written. `user` is a name and need not be listed anywhere."""

    id: Name
    hash: Annotated[str, BeforeValidator(lambda value: value), AfterValidator(_sha256)]
    user: Line
    roles: Names = ()
    scopes: Names = ()
    routes: Names = ()
    expires: Annotated[
        Moment,
        PlainSerializer(lambda moment: None if moment == NEVER else moment, when_used="json"),
        WithJsonSchema({"type": "string"}),
    ] = NEVER
    """Seconds since the epoch; `inf` where the key does not expire."""
    blocked: Flag = False
    """Refused, and told as such where the ERP does so; the entry and its id stay taken."""
