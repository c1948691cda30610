"""The section `rate_limit` of a route: how many requests it takes from one caller."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from gateway.config.section import Section
from gateway.config.values import Duration, Whole


def _some(requests: int) -> int:
    if not requests:
        raise ValueError("must be 1 or more; to close a route, remove it")
    return requests


class RateLimitConfig(Section):
    """Off unless written. `requests` in `per`, all of them at once if need be."""

    requests: Annotated[Whole, AfterValidator(_some)]
    per: Duration = 1.0
    """Seconds."""
    by: Literal["identity", "address", "route"] = "identity"
    """Each user or API key by itself, each client address, or everyone together. The anonymous go by address."""
