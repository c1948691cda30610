"""The only place that decides 401: which credential counts on a route, and whose it is."""

from collections.abc import Collection
from dataclasses import replace
from enum import Enum
from math import inf
from typing import Final, Literal

from gateway.authn.api_keys import ApiKeys
from gateway.authn.sources import SOURCES
from gateway.authn.sources.base import Presented
from gateway.errors import CredentialsMissing, CredentialsRejected, Forbidden, Reason, SeveralCredentials
from gateway.model import ANONYMOUS
from gateway.tokens.cache import Verified, VerifiedTokens
from gateway.tokens.verifier import TokenVerifier


class _Cold(Enum):
    COLD = "cold"


COLD: Final = _Cold.COLD
"""The token must be looked up in the store: ask `identify_cold`."""
NOBODY: Final = Verified(ANONYMOUS, inf, "")
"""An anonymous caller. It has no headers of its own and never borrows a credential."""
FOREIGN: Final = Verified(ANONYMOUS, inf, "")
"""A credential that is not of our making, on a route that hands it to the ERP to judge."""


class Authenticator:
    """The credential rules of one route (design: credential, steps 4 and 5)."""

    def __init__(
        self,
        *,
        route: str,
        credentials: Collection[str],
        logins: Collection[str] | None,
        tokens: VerifiedTokens,
        verifier: TokenVerifier,
        keys: ApiKeys,
        passes_foreign: bool = False,
    ) -> None:
        """`logins`: whose tokens are accepted, None for all of them."""
        self._route = route
        self._logins = None if logins is None else frozenset(logins)
        self._tokens = tokens
        self._verifier = verifier
        self._keys = keys
        self._passes_foreign = passes_foreign
        self._takes_keys = "api_key" in credentials
        self.takes_url_tokens = "access_token" in credentials
        explicit = [source for name in credentials if (source := SOURCES[name]).explicit]
        if self._takes_keys and "bearer" not in credentials:
            explicit.append(SOURCES["bearer"])  # an API key may come as Bearer wherever API keys count
        self._takes_tokens = {"bearer": "bearer" in credentials, "access_token": self.takes_url_tokens}
        self._sources = tuple((source.find, source.method) for source in explicit)

    def identify(self, request: Presented, *, anonymous: bool) -> Verified | Literal[_Cold.COLD]:
        """Who is calling, without suspending; COLD if only the store can tell.

        Raises SeveralCredentials, CredentialsMissing, CredentialsRejected or Forbidden.
        """
        token, method = self._find(request)
        if token is None:
            if self._passes_foreign and self._leaves_a_credential(request):
                return FOREIGN
            if anonymous:
                return NOBODY
            other = request.authorization is not None
            raise CredentialsMissing("no credential", reason=Reason.MISSING_SCHEME if other else Reason.ABSENT)
        if method != "api_key":
            verified = self._tokens.get(token)
            if verified is not None and self._takes_tokens[method]:
                return self._accept(verified, method)
        return self._not_cached(request, token, method)

    async def identify_cold(self, request: Presented) -> Verified:
        """Ask the store about the token that `identify` called COLD.

        Raises CredentialsRejected, Forbidden, or StoreUnavailable: never a 401 because the store is away.
        """
        token, method = self._find(request)
        assert token is not None
        verified = await self._verifier.verify(token)
        if isinstance(verified, Reason):
            reason = Reason.BAD_HEADER if b" " in token else verified
            raise CredentialsRejected(f"{method}: no token that opens routes: {reason.value}", reason=reason)
        return self._accept(verified, method)

    def foreign(self, request: Presented) -> Verified:
        """For a public route: nothing is judged, what is ours is taken away, what is not passes."""
        if request.api_key is not None and self.is_ours(request.api_key):
            request.api_key = None
        words = (request.authorization or b"").split()
        if words and self.is_ours(words[-1]):  # whatever scheme it came with
            request.authorization = None
        return FOREIGN

    def is_ours(self, token: bytes) -> bool:
        """Whether the gateway made this value, or it is a declared API key; valid or not."""
        # A token that was verified before need not have its signature checked again.
        return self._tokens.get(token) is not None or self._verifier.is_ours(token) or self._keys.declares(token)

    def _find(self, request: Presented) -> tuple[bytes | None, str]:
        found, by = None, ""
        for find, method in self._sources:
            token = find(request)
            if token is not None:
                if found is not None:
                    raise SeveralCredentials(f"{by} and {method} in one request")
                found, by = token, method
        return found, by

    def _leaves_a_credential(self, request: Presented) -> bool:
        self.foreign(request)
        return any(value is not None for value in (request.authorization, request.api_key, request.cookie))

    def _not_cached(self, request: Presented, token: bytes, method: str) -> Verified | Literal[_Cold.COLD]:
        if self._takes_keys and method != "access_token":
            key = self._keys.find(token)
            if key is not None:
                allowed = key.identity.key_routes
                if allowed and self._route not in allowed:
                    raise Forbidden("the API key is limited to other routes")
                return key
        if self._passes_foreign and method != "access_token" and not self.is_ours(token):
            return self.foreign(request)  # something of ours may stand in a header that the route does not read
        if method == "api_key" or not self._takes_tokens[method]:
            raise CredentialsRejected(f"{method}: no such API key", reason=Reason.UNKNOWN_KEY)
        return COLD

    def _accept(self, verified: Verified, method: str) -> Verified:
        identity = verified.identity
        if self._logins is not None and identity.login not in self._logins:
            detail = f"a token of login {identity.login}, which the route does not accept"
            raise CredentialsRejected(detail, reason=Reason.OTHER_LOGIN)
        if method == "bearer":
            return verified
        presented = verified.headers.get(method)
        if presented is None:  # kept with the entry, so that it dies with it
            identity = replace(identity, method=method)
            presented = Verified(identity, verified.expires_at, verified.session_id, verified.token_hash)
            verified.headers[method] = presented
        assert isinstance(presented, Verified)
        return presented
