"""The sections about the gateway itself: `server`, `admin` and `logs`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema, model_validator

from gateway.config.addresses import Address, Host, Listen, PublicUrl, TrustedNetwork
from gateway.config.problems import did_you_mean
from gateway.config.secret import Secret
from gateway.config.section import Section, fault
from gateway.config.values import (
    Duration,
    FilePath,
    Flag,
    Size,
    Whole,
    distinct,
    read_line,
    read_whole,
)

FAILURE_STATUSES = (503, 403)
"""What a verdict that is not to be had may be told as: nginx takes no other refusals than 401 and 403."""
TOKEN_LENGTH = 32
"""Characters of an admin token and of an encryption key: 128 bits even where they are hexadecimal digits."""


MOST_WORKERS = 256
"""More than the cores of any one machine that a gateway was ever put on: a larger number is a typing mistake."""


def _read_workers(value: object) -> int | str:
    if value == "auto":
        return "auto"
    try:
        number = read_whole(value)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_WORKERS:
        raise ValueError(f"must be 1 to {MOST_WORKERS}, or auto")
    return number


def _read_log_target(value: object) -> str:
    word = read_line(value)
    if word in {"stdout", "stderr", "off"} or "/" in word:
        return word
    hint = did_you_mean(word, ("stdout", "stderr", "off"))
    raise ValueError(f"must be stdout, stderr, off, or a file name with a slash in it{hint}")


def _head_size(size: int) -> int:
    if not 1024 <= size <= 2**20:
        raise ValueError("must be between 1KiB and 1MiB")
    return size


class ServerTls(Section):
    """TLS on the public listener; the files are read again when they change."""

    certificate_file: FilePath
    private_key_file: FilePath


class ServerTimeouts(Section):
    """Seconds. `header`: the whole head; `body`: between two reads; `idle`: keep-alive; `drain`: at the end."""

    header: Duration = 10.0
    body: Duration = 60.0
    idle: Duration = 75.0
    drain: Duration = 30.0


class ServerLimits(Section):
    """Per worker; 0 is no limit, except for the head."""

    header_bytes: Annotated[Size, AfterValidator(_head_size)] = 32 * 1024
    body_bytes: Size = 100 * 1024 * 1024
    connections: Whole = 10_000
    connections_per_address: Whole = 0
    verified_tokens: Whole = 50_000


def _read_failure_status(value: object) -> int:
    status = read_whole(value)
    if status not in FAILURE_STATUSES:
        raise ValueError("must be 503 or 403")
    return status


class ForwardAuthConfig(Section):
    """Verdicts for other proxies, which keep the traffic: `GET /_gateway/verify`."""

    failure_status: Annotated[
        int, BeforeValidator(_read_failure_status), WithJsonSchema({"type": "integer", "enum": list(FAILURE_STATUSES)})
    ] = 503
    injected_credential: Flag = False
    rewritten_uri: Flag = True


class ServerConfig(Section):
    """The public listener."""

    listen: Listen = Address("127.0.0.1", 8080)
    public_url: PublicUrl = ""
    workers: Annotated[
        int | Literal["auto"],
        BeforeValidator(_read_workers),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_WORKERS}, {"const": "auto"}]}),
    ] = 1
    """Processes that serve clients; `auto`: one for each core that this process may use."""
    trusted_proxies: Annotated[tuple[TrustedNetwork, ...], AfterValidator(distinct)] = ()
    tls: ServerTls | None = None
    timeouts: ServerTimeouts = ServerTimeouts()
    limits: ServerLimits = ServerLimits()
    forward_auth: ForwardAuthConfig | None = None

    @model_validator(mode="after")
    def _told_to_few(self) -> "ServerConfig":
        tells = self.forward_auth is not None and self.forward_auth.injected_credential
        if tells and any(not network.prefixlen for network in self.trusted_proxies):
            raise fault("forward_auth", "would tell everyone the ERP's credential: trusted_proxies is everyone")
        return self

    @property
    def origin(self) -> str:
        """`public_url`, or what the listen address makes of it; no trailing slash."""
        return self.public_url or f"{'https' if self.tls else 'http'}://{self.listen}"

    @property
    def site(self) -> str:
        """The same without its path: what a browser calls the gateway (RFC 6454, section 6.1)."""
        scheme, _, rest = self.origin.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"


class AdminConfig(Section):
    """The second listener: health, metrics, admin API, console."""

    listen: Listen = Address("127.0.0.1", 8081)
    token: Secret = Secret()
    hosts: Annotated[tuple[Host, ...], AfterValidator(distinct)] = ()

    @model_validator(mode="after")
    def _guarded(self) -> "AdminConfig":
        if not self.listen.is_loopback and len(self.token.reveal()) < TOKEN_LENGTH:
            message = f"an admin listener on {self.listen} needs an explicit token of {TOKEN_LENGTH} characters or more"
            raise fault("token", message)
        return self


class LogsConfig(Section):
    """Where the access and audit logs go (stdout, stderr, off, or a file), and how much the process log says."""

    access: Annotated[str, BeforeValidator(_read_log_target)] = "stdout"
    audit: Annotated[str, BeforeValidator(_read_log_target)] = "stdout"
    level: Literal["debug", "info", "warning", "error"] = "info"
