"""The section `store`: where token state lives."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, model_validator

from gateway.config.addresses import is_loopback
from gateway.config.problems import did_you_mean
from gateway.config.secret import Secret
from gateway.config.section import Section, fault
from gateway.config.server import TOKEN_LENGTH
from gateway.config.values import AnyLine, Duration, OptionalFilePath, Whole


def _key_prefix(prefix: str) -> str:
    # Braces would move the hash tag that keeps a session's keys in one slot.
    if not re.fullmatch(r"[A-Za-z0-9:._-]{1,64}", prefix):
        raise ValueError("must be 1 to 64 letters, digits, ':', '.', '_' or '-'")
    return prefix


def _store_url(url: str) -> str:
    if refusal := _refuse_store_url(url):
        raise ValueError(refusal)
    return url


def _refuse_store_url(url: str) -> str:
    """Why this store cannot be used; empty where it can."""
    scheme, found, rest = url.partition("://")
    schemes = ["embedded", "redis", "rediss", "unix", "redis+sentinel", "redis+cluster"]
    if not found or scheme not in schemes:
        return f"must begin with embedded://, redis://, rediss:// or unix://{did_you_mean(scheme, schemes)}"
    if scheme in {"redis+sentinel", "redis+cluster"}:
        return f"{scheme}:// is not supported yet"
    if not rest or (scheme == "unix" and not rest.startswith("/")):
        return {"embedded": "names no directory", "unix": "names no absolute path"}.get(scheme, "names no host")
    if scheme in {"redis", "rediss"}:
        return _refuse_redis_url(url)
    return ""


def _refuse_redis_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is not a well-formed URL"
    if not host or port == 0:
        return "names no host" if not host else "names port 0"
    if parts.query or parts.fragment or not re.fullmatch(r"(/[0-9]{0,4})?", parts.path):
        return "may hold host, port and database number only, such as redis://10.0.0.5:6379/0"
    return ""


def _long_or_empty(secret: Secret) -> Secret:
    if secret and len(secret.reveal()) < TOKEN_LENGTH:
        raise ValueError(f"must be {TOKEN_LENGTH} characters or more")
    return secret


def _no_replicas(replicas: int) -> int:
    if replicas:
        raise ValueError("a value above 0 is not supported yet")
    return replicas


class StoreConfig(Section):
    """Where token state lives. `url` never holds a user or password: they are moved to their own keys at load."""

    url: Annotated[AnyLine, AfterValidator(_store_url)] = "embedded://state"
    username: AnyLine = ""
    password: Secret = Secret()
    tls_ca_file: OptionalFilePath = ""
    key_prefix: Annotated[AnyLine, AfterValidator(_key_prefix)] = "gw:"
    timeout: Duration = 0.5
    encryption_key: Annotated[Secret, AfterValidator(_long_or_empty)] = Secret()
    min_replicas: Annotated[Whole, AfterValidator(_no_replicas)] = 0
    when_down: Literal["deny", "verify_signed"] = "deny"
    max_staleness: Duration = 60.0

    @property
    def staleness(self) -> float:
        """Seconds for which tokens that a worker had verified outlive its feed while the store is away; 0: none."""
        return self.max_staleness if self.when_down == "verify_signed" else 0.0

    @property
    def is_embedded(self) -> bool:
        """The store is a private child of the gateway."""
        return self.url.startswith("embedded://")

    @property
    def crosses_network_in_clear(self) -> bool:
        """Tokens' hashes and sessions travel to another machine without TLS."""
        return self.url.startswith("redis://") and not is_loopback(urlsplit(self.url).hostname or "")

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
        username, _, password = userinfo.partition(":")
        lifted = {"username": unquote(username), "password": unquote(password)}
        if any(data.get(key) or data.get(f"{key}_file") for key, value in lifted.items() if value):
            raise fault("url", "names a user or password that is written beside it, too")
        return (
            data | {"url": f"{scheme}://{host}{slash}{path}"} | {key: value for key, value in lifted.items() if value}
        )

    @model_validator(mode="after")
    def _consistent(self) -> "StoreConfig":
        if self.tls_ca_file and not self.url.startswith("rediss://"):
            raise fault("tls_ca_file", "is only used with a rediss:// url")
        return self
