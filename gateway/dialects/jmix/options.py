"""The switches of a jmix login, named after Jmix's own properties; the defaults are as documented."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

from gateway.config.section import Section
from gateway.config.values import Flag


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value in {"1", "2"} else value


class JmixOptions(Section):
    """The dialect's keys of a login. Lifetimes are the keys that all logins have."""

    generation: Annotated[Literal[1, 2], BeforeValidator(_number)] = 1
    """1: `/oauth/token` of Jmix 1.x; 2: `/oauth2/token` of Jmix 2.x and 3.x."""
    reuse_refresh_token: Flag = True
    """jmix.security.oauth2.reuse-refresh-token: a refresh answers the refresh token that it was asked with."""
    support_refresh_token: Flag = True
    """jmix.security.oauth2.support-refresh-token: refresh tokens are issued, to clients that have the grant."""
    parameters_in_query: Flag = False
    """The endpoints of generation 1 read parameters of the query, too, as a servlet does; logs never show them."""
    scope: Literal["rest-api", "api"] = "rest-api"
    """What a token answer of generation 1 tells; Jmix's code says `api` since 1.2."""
    url_safe_tokens: Flag = False
    """Tokens of generation 1 in unpadded base64url, as newer releases of its libraries write them."""
