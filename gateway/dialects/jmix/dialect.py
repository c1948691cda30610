"""The class behind `dialect: jmix`: picks the generation, and with it lifetimes, tokens, endpoints and refusals."""

from math import inf
from typing import Final

from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.jmix.generation_1 import Generation1
from gateway.dialects.jmix.generation_2 import Generation2
from gateway.dialects.jmix.options import JmixOptions
from gateway.dialects.jmix.tokens import JmixTokens
from gateway.errors import GatewayError
from gateway.model import CookieRule, CredentialReading, Reply
from gateway.tokens.format import TokenFormat
from gateway.tokens.keys import KeyRing
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.policy import TokenPolicy

_ACCESS_TTL: Final = {1: 12 * 3600.0, 2: 300.0}
_REFRESH_TTL: Final = {1: 365 * 86400.0, 2: 3600.0}


class Jmix:
    """A refresh answers a new access token, the same refresh token, and ends what access tokens there were."""

    Options = JmixOptions
    cookie: CookieRule | None = None

    def __init__(self, options: JmixOptions, tools: DialectTools) -> None:
        self._spoken = Generation1(options, tools) if options.generation == 1 else Generation2(tools)

    @staticmethod
    def policy(issuer: str, audience: str, options: JmixOptions) -> TokenPolicy:
        """12 h and 365 d, or 5 min and 1 h; a session has no end of its own."""
        return TokenPolicy(
            issuer,
            audience,
            format="opaque",
            access_ttl=_ACCESS_TTL[options.generation],
            refresh_ttl=_REFRESH_TTL[options.generation] if options.support_refresh_token else 0.0,
            absolute_ttl=inf,
            rotate=not options.reuse_refresh_token,
            revoke_access=True,
        )

    @staticmethod
    def token_format(ring: KeyRing, policy: TokenPolicy, options: JmixOptions) -> TokenFormat:
        """Jmix's opaque tokens, unless the login wants JWTs."""
        if policy.format == "jwt":
            return LoginTokens.of(ring, policy)
        if options.generation == 2:
            return JmixTokens.of_generation_2(ring)
        return JmixTokens.of_generation_1(ring, url_safe=options.url_safe_tokens)

    @property
    def reading(self) -> CredentialReading:
        """Generation 1 reads a token wherever a client may put it, generation 2 in the header alone."""
        return self._spoken.reading

    def endpoints(self) -> Endpoints:
        """Relative to the login's path."""
        return self._spoken.endpoints()

    def well_known(self) -> Endpoints:
        """Beside the login's path."""
        return self._spoken.well_known()

    def refuse(self, error: GatewayError, _: bytes | None = None, __: str = "") -> Reply:
        """On a route."""
        return self._spoken.refuse(error)
