"""The section `store`: where token state lives."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, model_validator

from gateway.config.addresses import is_loopback
from gateway.config.secret import Secret
from gateway.config.section import Section, fault
from gateway.config.server import TOKEN_LENGTH
from gateway.config.store_url import StoreUrl, parse
from gateway.config.values import AnyLine, Duration, OptionalFilePath, Whole

EMBEDDED = "embedded://"
_EMBEDDED_TIMEOUT = "2s"


def _key_prefix(prefix: str) -> str:
    # Braces would move the hash tag that keeps a session's keys in one slot.
    if not re.fullmatch(r"[A-Za-z0-9:._-]{1,64}", prefix):
        raise ValueError("must be 1 to 64 letters, digits, ':', '.', '_' or '-'")
    return prefix


def _store_url(url: str) -> str:
    parse(url)
    return url


def _long_or_empty(secret: Secret) -> Secret:
    if secret and len(secret.reveal()) < TOKEN_LENGTH:
        raise ValueError(f"must be {TOKEN_LENGTH} characters or more")
    return secret


class StoreConfig(Section):
    """Where token state lives. `url` never holds a user or password: they are moved to their own keys at load."""

    url: Annotated[AnyLine, AfterValidator(_store_url)] = "embedded://state"
    username: AnyLine = ""
    password: Secret = Secret()
    tls_ca_file: OptionalFilePath = ""
    sentinel_username: AnyLine = ""
    sentinel_password: Secret = Secret()
    key_prefix: Annotated[AnyLine, AfterValidator(_key_prefix)] = "gw:"
    timeout: Duration = 0.5
    encryption_key: Annotated[Secret, AfterValidator(_long_or_empty)] = Secret()
    min_replicas: Whole = 0
    when_down: Literal["deny", "verify_signed"] = "deny"
    max_staleness: Duration = 60.0

    @property
    def staleness(self) -> float:
        """Seconds for which tokens that a worker had verified outlive its feed while the store is away; 0: none."""
        return self.max_staleness if self.when_down == "verify_signed" else 0.0

    @property
    def is_embedded(self) -> bool:
        """The store is a private child of the gateway."""
        return self.url.startswith(EMBEDDED)

    @property
    def crosses_network_in_clear(self) -> bool:
        """Tokens' hashes and sessions travel to another machine without TLS."""
        where = self.where
        return not where.tls and not all(is_loopback(host) for host, _ in where.hosts)

    @property
    def where(self) -> StoreUrl:
        """What the URL means."""
        return parse(self.url)

    @model_validator(mode="before")
    @classmethod
    def _lift_userinfo(cls, data: Any) -> Any:
        """A password inside the URL would be printed with it, so it moves to the key made for it."""
        url = data.get("url") if isinstance(data, dict) else None
        scheme, found, rest = url.partition("://") if isinstance(url, str) else ("", "", "")
        authority, slash, path = rest.partition("/")
        userinfo, at, host = authority.rpartition("@")
        if not found or not at:
            return data
        if "+" in scheme and "@" in userinfo:
            raise fault("url", "names a user more than once; write it once, before the first host")
        username, _, password = userinfo.partition(":")
        lifted = {"username": unquote(username), "password": unquote(password)}
        if any(data.get(key) or data.get(f"{key}_file") for key, value in lifted.items() if value):
            raise fault("url", "names a user or password that is written beside it, too")
        return (
            data | {"url": f"{scheme}://{host}{slash}{path}"} | {key: value for key, value in lifted.items() if value}
        )

    @model_validator(mode="before")
    @classmethod
    def _be_patient_with_a_disk(cls, data: Any) -> Any:
        """The embedded store answers a write when it is on the disk, and no other server could take over meanwhile."""
        if isinstance(data, dict) and str(data.get("url", EMBEDDED)).startswith(EMBEDDED):
            return {"timeout": _EMBEDDED_TIMEOUT} | data
        return data

    @model_validator(mode="after")
    def _consistent(self) -> "StoreConfig":
        if self.tls_ca_file and not self.where.tls:
            raise fault("tls_ca_file", "is only used with a rediss:// url")
        if self.min_replicas and self.is_embedded:
            raise fault("min_replicas", "needs a Redis url: the embedded store has no replicas")
        if (self.sentinel_username or self.sentinel_password) and self.where.kind != "sentinel":
            key = "sentinel_username" if self.sentinel_username else "sentinel_password"
            raise fault(key, "is only used with a redis+sentinel:// url")
        return self
