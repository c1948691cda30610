"""The section `upstreams`: the ERPs, how they are reached and what they are told of the caller."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from gateway.config.addresses import Server
from gateway.config.headers import HeaderName, fold
from gateway.config.problems import did_you_mean
from gateway.config.section import OpenOptions, Options, Section, fault
from gateway.config.values import AnyLine, Duration, Flag, Line, OptionalFilePath, distinct, some

INJECTORS = ("basic", "bearer", "header", "erp_session")


def _probe_path(path: str) -> str:
    if not path.startswith("/") or not path.isascii() or " " in path or "#" in path:
        raise ValueError("must be a path that begins with '/'")
    return path


class HealthCheck(Section):
    """An active probe; any status below 500 is up. Seconds."""

    path: Annotated[Line, AfterValidator(_probe_path)]
    interval: Duration = 5.0


class UpstreamTimeouts(Section):
    """Seconds. `response`: to the answer's head; `idle`: between two reads after it."""

    connect: Duration = 2.0
    response: Duration = 60.0
    idle: Duration = 60.0


class UpstreamTls(Section):
    """For https servers. `server_name` is checked and sent instead of the host; the certificate is the client's own."""

    ca_file: OptionalFilePath = ""
    verify: Flag = True
    server_name: AnyLine = ""
    certificate_file: OptionalFilePath = ""
    private_key_file: OptionalFilePath = ""

    @model_validator(mode="after")
    def _paired(self) -> "UpstreamTls":
        if bool(self.certificate_file) != bool(self.private_key_file):
            missing = "private_key_file" if self.certificate_file else "certificate_file"
            raise fault(missing, "is missing: a client certificate needs both files")
        return self


class IdentityHeaders(Section):
    """The names under which the upstream is told who calls."""

    user: HeaderName = "X-Auth-User"
    user_id: HeaderName = "X-Auth-User-Id"
    roles: HeaderName = "X-Auth-Roles"
    scopes: HeaderName = "X-Auth-Scopes"
    tenant: HeaderName = "X-Auth-Tenant"
    login: HeaderName = "X-Auth-Login"
    method: HeaderName = "X-Auth-Method"

    @property
    def names(self) -> tuple[str, ...]:
        """All seven, in the order above."""
        return tuple(getattr(self, field) for field in type(self).model_fields)

    @model_validator(mode="after")
    def _apart(self) -> "IdentityHeaders":
        seen: set[str] = set()
        for field, name in zip(type(self).model_fields, self.names, strict=True):
            if fold(name) in seen:
                raise fault(field, f'"{name}" is the same header as another one here')
            seen.add(fold(name))
        return self


class AssertionConfig(Section):
    """A short JWT about the caller, which the ERP verifies by our JWKS; an empty audience is the upstream's name."""

    header: HeaderName = "X-Gateway-Assertion"
    audience: AnyLine = ""
    ttl: Duration = 60.0


class InjectorConfig(Section):
    """How an upstream request gets the credential that the ERP expects: `none`, or one kind with its options."""

    type: Literal["none", "basic", "bearer", "header", "erp_session"] = "none"
    options: OpenOptions = Field(default_factory=Options)


def _read_injector(value: object) -> object:
    if value == "none":
        return InjectorConfig()
    if isinstance(value, InjectorConfig):
        return value
    if isinstance(value, str):
        raise ValueError(f"must be none, or one of {', '.join(INJECTORS)} with its options")  # noqa: TRY004
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"must name exactly one of {', '.join(INJECTORS)}")
    (kind, options), *_ = value.items()
    if kind not in INJECTORS:
        raise ValueError(f'there is no injector "{kind}"{did_you_mean(kind, INJECTORS)}')
    if not isinstance(options, dict):
        raise ValueError(f"{kind} must be a mapping")  # noqa: TRY004
    return InjectorConfig(type=kind, options=Options(options))


def _spell_injector(injector: InjectorConfig) -> str | dict[str, list[str]]:
    """Names only: the values are credentials."""
    return "none" if injector.type == "none" else {injector.type: list(injector.options)}


Injector = Annotated[
    InjectorConfig,
    BeforeValidator(_read_injector),
    PlainSerializer(_spell_injector, when_used="json"),
    WithJsonSchema(
        {
            "oneOf": [
                {"const": "none"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "properties": {kind: {"type": "object"} for kind in INJECTORS},
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class UpstreamConfig(Section):
    """An ERP: one or more servers that are alike."""

    servers: Annotated[tuple[Server, ...], AfterValidator(some), AfterValidator(distinct)]
    balance: Literal["round_robin", "least_connections"] = "round_robin"
    health_check: HealthCheck | None = None
    timeouts: UpstreamTimeouts = UpstreamTimeouts()
    preserve_host: Flag = True
    tls: UpstreamTls = UpstreamTls()
    identity_headers: IdentityHeaders = IdentityHeaders()
    assertion: AssertionConfig | None = None
    injector: Injector = InjectorConfig()

    @model_validator(mode="after")
    def _assertion_apart(self) -> "UpstreamConfig":
        names: Any = map(fold, self.identity_headers.names)
        if self.assertion and fold(self.assertion.header) in names:
            raise fault("assertion", f'"{self.assertion.header}" is one of the identity headers')
        return self
