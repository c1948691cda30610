"""The section `logins`: what every dialect has in common; a dialect's own switches stay in `options`."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.config.addresses import Host
from gateway.config.cors import CorsConfig
from gateway.config.section import OpenOptions, Options, Section, split_options
from gateway.config.values import Duration, DurationOrZero, Flag, Line, Name, Whole, distinct

_SEGMENTS = re.compile(r"(?:/[A-Za-z0-9_~!$&'()+,=:@-][A-Za-z0-9._~!$&'()+,=:@-]*)+")


_MOST_FAILURES = 100
_LONGEST_WINDOW = 86400.0
"""Seconds; the store remembers no failed login longer."""


def _mount_path(path: str) -> str:
    if not _SEGMENTS.fullmatch(path):
        raise ValueError("must be a plain path such as /auth: no trailing slash, wildcard, escape or dot segment")
    return path


class RefreshConfig(Section):
    """How a login's refresh tokens behave; None is the dialect's own default."""

    rotate: Flag | None = None
    grace: DurationOrZero | None = None
    """Seconds, from the first rotation, in which the spent token answers the same successor."""
    revoke_access: Flag | None = None


def _few(number: int) -> int:
    if not 1 <= number <= _MOST_FAILURES:
        raise ValueError(f"must be 1 to {_MOST_FAILURES}")
    return number


def _within_a_day(seconds: float) -> float:
    if seconds > _LONGEST_WINDOW:
        raise ValueError("must not be longer than a day")
    return seconds


class ProtectionConfig(Section):
    """When password guessing is stopped; there is no switch that turns it off. Times are seconds."""

    max_failures: Annotated[Whole, AfterValidator(_few)] = 5
    """Of one account from one address; an address may fail ten times as often over all accounts."""
    window: Annotated[Duration, AfterValidator(_within_a_day)] = 900.0
    """Failures that are older do not count."""
    ban: Duration = 900.0


class LoginConfig(Section):
    """A mounted set of endpoints. Lifetimes are seconds; None is the dialect's own default."""

    dialect: Name
    """Assembly looks it up: the registry of dialects is the only list of them."""
    path: Annotated[Line, AfterValidator(_mount_path)]
    identity_provider: Name
    hosts: Annotated[tuple[Host, ...], AfterValidator(distinct)] = ()
    token_format: Literal["jwt", "opaque"] | None = None
    access_ttl: Duration | None = None
    refresh_ttl: Duration | None = None
    absolute_ttl: Duration | None = None
    signing_key: Name | None = None
    """The kid of the key that signs for this login; the first of `signing_keys` where it is left out."""
    refresh: RefreshConfig = RefreshConfig()
    protection: ProtectionConfig = ProtectionConfig()
    cors: CorsConfig | None = None
    """For its endpoints; None: pages of other origins cannot read their answers."""
    options: OpenOptions = Field(default_factory=Options)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, data: Any) -> Any:
        return split_options(data, set(cls.model_fields) - {"options"})
