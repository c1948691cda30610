"""The section `cors` of a route or a login: which pages of other origins may call it from a browser, and how."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema, model_validator

from gateway.config.addresses import read_origin
from gateway.config.headers import HeaderName
from gateway.config.section import Section, fault
from gateway.config.values import DurationOrZero, Flag, Method, distinct

EVERYONE = "*"


def _cors_origin(value: object) -> str:
    return EVERYONE if value == EVERYONE else str(read_origin(value))


def _named(name: str) -> str:
    if name == EVERYONE:  # with credentials browsers take it for a header of that name
        raise ValueError("is no header name; leave `headers` out to allow all")
    return name


def _alone(origins: tuple[str, ...]) -> tuple[str, ...]:
    if EVERYONE in origins and len(origins) > 1:
        raise ValueError(f'holds "{EVERYONE}", which is everyone, and others')
    return origins


CorsOrigin = Annotated[str, BeforeValidator(_cors_origin), WithJsonSchema({"type": "string"})]


class CorsConfig(Section):
    """Off unless written. What is not listed is allowed to those origins; no origin is allowed unless it is listed."""

    origins: Annotated[tuple[CorsOrigin, ...], AfterValidator(distinct), AfterValidator(_alone)] = ()
    """`scheme://host[:port]` as browsers spell it, without the scheme's own port; or `*` alone."""
    methods: Annotated[tuple[Method, ...], AfterValidator(distinct)] = ()
    headers: Annotated[tuple[Annotated[HeaderName, AfterValidator(_named)], ...], AfterValidator(distinct)] = ()
    credentials: Flag = False
    """Pages may send cookies."""
    max_age: DurationOrZero = 600.0
    """Seconds a browser may remember a preflight."""

    @model_validator(mode="after")
    def _never_everyone_with_credentials(self) -> "CorsConfig":
        if self.credentials and EVERYONE in self.origins:
            raise fault("credentials", f'cannot be true for everyone: list the origins instead of "{EVERYONE}"')
        return self
