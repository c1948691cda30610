"""The only place that decides 401: which credential counts on a route, and whose it is."""

import re
from base64 import b64decode
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from math import inf
from typing import Final, Literal

from gateway.authn.api_keys import ApiKeys
from gateway.authn.session_cookies import NO_COOKIES, CookieUse, refuse_other_sites
from gateway.authn.sources import SOURCES
from gateway.authn.sources.base import Presented
from gateway.authn.sources.bearer import PLAIN, Bearer
from gateway.authn.sources.cookie import Cookie
from gateway.errors import (
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    Reason,
    SeveralCredentials,
    StoreUnavailable,
)
from gateway.model import ANONYMOUS, CredentialReading
from gateway.tokens.cache import Verified, VerifiedTokens
from gateway.tokens.cookies import set_cookie
from gateway.tokens.opaque import api_key_id
from gateway.tokens.verifier import TokenVerifier

_PIECE = re.compile(rb"[^\s,;\"'=]+")
_STANDARD = bytes.maketrans(b"-_", b"+/")
"""From the alphabet of base64url to that of Base64 (RFC 4648)."""
_MOST_PIECES = 64
"""No scheme has nearly as many parts: a value of more is not looked through, and does not pass."""


class _Cold(Enum):
    COLD = "cold"


_NEXT: Final = "next"
"""Key in `Verified.headers`: when the use of a session cookie has to be written next, in epoch seconds."""
COLD: Final = _Cold.COLD
"""The token must be looked up in the store: ask `identify_cold`."""
NOBODY: Final = Verified(ANONYMOUS, inf, "")
"""An anonymous caller. It has no headers of its own and never borrows a credential."""
FOREIGN: Final = Verified(ANONYMOUS, inf, "")
"""A credential that is not of our making, on a route that hands it to the ERP to judge."""


class Authenticator:
    """The credential rules of one route (design: credential, steps 4 and 5)."""

    def __init__(  # noqa: PLR0913 - the rules of a route, each by its name
        self,
        *,
        route: str,
        credentials: Collection[str],
        logins: Collection[str] | None,
        tokens: VerifiedTokens,
        verifier: TokenVerifier,
        keys: ApiKeys,
        passes_foreign: bool = False,
        reading: CredentialReading = PLAIN,
        cookies: CookieUse = NO_COOKIES,
    ) -> None:
        """`logins`: whose tokens are accepted, None for all; `reading`: as clients of the route's ERP know it."""
        self._route = route
        self._logins = None if logins is None else frozenset(logins)
        self._tokens = tokens
        self._verifier = verifier
        self._keys = keys
        self._passes_foreign = passes_foreign
        self._tells_token = reading.tells_token
        self._header_wins = reading.header_wins
        self._takes_keys = "api_key" in credentials
        self.takes_url_tokens = "access_token" in credentials
        sources = {**SOURCES, "bearer": Bearer(reading)}
        self._find_bearer = sources["bearer"].find
        explicit = [source for name in credentials if (source := sources[name]).explicit]
        if self._takes_keys and "bearer" not in credentials:
            explicit.append(sources["bearer"])  # an API key may come as Bearer wherever API keys count
        self._takes_tokens = {"bearer": "bearer" in credentials, "access_token": self.takes_url_tokens}
        self._sources = tuple((source.find, source.method) for source in explicit)
        listed = cookies.logins if "cookie" in credentials else ()
        self._cookies = {each.name: each for each in listed if self._logins is None or each.name in self._logins}
        names = dict.fromkeys(each.rule.name.encode() for each in self._cookies.values())
        self._find_cookie = Cookie(names, self.is_ours).find
        self._own_cookies = cookies.own
        self._origins = cookies.origins

    def identify(self, request: Presented, *, anonymous: bool) -> Verified | Literal[_Cold.COLD]:
        """Who is calling, without suspending; COLD if only the store can tell.

        Raises SeveralCredentials, CredentialsMissing, CredentialsRejected or Forbidden.
        """
        token, method = self._find(request)
        if token is None:
            found = self._by_cookie(request) if self._cookies else None
            return self._without(request, anonymous=anonymous) if found is None else found
        if method != "api_key":
            verified = self._tokens.get(token)
            if verified is not None and self._takes_tokens[method]:
                return self._accept(verified, method, token)
        return self._not_cached(request, token, method)

    async def identify_cold(self, request: Presented, *, anonymous: bool = False, in_outage: bool = True) -> Verified:
        """Ask the store about the token that `identify` called COLD; where it is away, as `store.when_down` says.

        Without `in_outage` nothing but the store's word counts. Raises CredentialsRejected, Forbidden, or
        StoreUnavailable: never a 401 because the store is away.
        """
        token, method = self._find(request)
        if token is None:
            return await self._by_cold_cookie(request, anonymous=anonymous, in_outage=in_outage)
        verified = await self._verifier.verify(token, in_outage=in_outage)
        if isinstance(verified, Reason):
            reason = Reason.BAD_HEADER if not token or b" " in token else verified
            raise self.rejected(f"{method}: no token that opens routes: {reason.value}", reason, token)
        return self._accept(verified, method, token)

    def outranks_url_token(self, request: Presented) -> bool:
        """Whether a Bearer beside an `access_token` parameter counts alone; otherwise the two are one too many."""
        return self._header_wins and self._find_bearer(request) is not None

    def rejected(self, detail: str, reason: Reason, token: bytes) -> CredentialsRejected:
        """The refusal of a token, with its text where the dialect's answer is made of that."""
        told = token.decode("latin-1") if self._tells_token else ""
        return CredentialsRejected(detail, reason=reason, presented=told)

    def of_request(self, request: Presented, refused: CredentialsRejected) -> CredentialsRejected:
        """The same refusal where it was found after the token had counted: the ERP has ended its session."""
        token, _ = self._find(request)
        return refused if token is None else self.rejected(str(refused), refused.reason, token)

    async def slide(self, request: Presented, verified: Verified) -> None:
        """Let the session of a cookie live on from this use, and hand the cookie out again where that was written."""
        login, token = self._cookies.get(verified.identity.login), self._find_cookie(request)
        if login is None or token is None:
            return
        before = verified.expires_at
        with suppress(StoreUnavailable):  # it has just said that the session is alive, and will be asked again
            await login.slide(verified)
        kept = self._tokens.get(token)
        if kept is not None:
            kept.expires_at = verified.expires_at
            kept.headers[_NEXT] = self._tokens.clock() + login.rule.max_age / 100
        if verified.expires_at > before:
            now = verified.expires_at - login.rule.max_age
            ((_, request.set_cookie),) = set_cookie(login.rule, token.decode("ascii"), now)

    def foreign(self, request: Presented) -> Verified:
        """For a public route: nothing is judged, what is ours is taken away, what is not passes."""
        if request.cookie is not None and self._own_cookies is not None:
            request.cookie = self._own_cookies.cut(request.cookie)
        if request.api_key is not None and self._holds_ours(request.api_key):
            request.api_key = None
        if request.authorization is not None and self._holds_ours(request.authorization):
            request.authorization = None
        return FOREIGN

    def is_ours(self, token: bytes) -> bool:
        """Whether the gateway made this value, or it is a declared API key; valid or not."""
        # A token that was verified before need not have its signature checked again.
        return self._tokens.get(token) is not None or self._verifier.is_ours(token) or self._keys.declares(token)

    def _holds_ours(self, value: bytes) -> bool:
        """Whether ours stands anywhere in a header, whatever the scheme and whatever a careless client wrote around."""
        pieces = [value, *value.split(), *_PIECE.findall(value), *_in_basic(value)]
        return len(pieces) > _MOST_PIECES or any(map(self.is_ours, pieces))

    def _find(self, request: Presented) -> tuple[bytes | None, str]:
        found, by = None, ""
        for find, method in self._sources:
            token = find(request)
            if token is not None:
                if found is not None:
                    raise SeveralCredentials(f"{by} and {method} in one request")
                found, by = token, method
        return found, by

    def _without(self, request: Presented, *, anonymous: bool) -> Verified:
        """What a request without a credential that counts comes to."""
        if self._passes_foreign and self._leaves_a_credential(request):
            return FOREIGN
        if anonymous:
            return NOBODY
        other = bool(request.authorization)
        raise CredentialsMissing("no credential", reason=Reason.MISSING_SCHEME if other else Reason.ABSENT)

    def _by_cookie(self, request: Presented) -> Verified | Literal[_Cold.COLD] | None:
        """None: there is no cookie of ours, or one that does not count here."""
        token = self._find_cookie(request)
        if token is None:
            return None
        verified = self._tokens.get(token)
        if verified is None:
            return COLD if self._verifier.is_ours(token) else None
        login = self._cookies.get(verified.identity.login)
        if login is None:
            return None
        if self._tokens.clock() >= verified.headers.get(_NEXT, verified.expires_at - login.unwritten):
            return COLD  # its use has to be written
        refuse_other_sites(request, self._origins)
        return self._accept(verified, "cookie", token)

    async def _by_cold_cookie(self, request: Presented, *, anonymous: bool, in_outage: bool) -> Verified:
        token = self._find_cookie(request)
        verified = Reason.ABSENT if token is None else await self._verifier.verify(token, in_outage=in_outage)
        if token is None or isinstance(verified, Reason) or verified.identity.login not in self._cookies:
            return self._without(request, anonymous=anonymous)
        refuse_other_sites(request, self._origins)
        return self._accept(verified, "cookie", token)

    def _leaves_a_credential(self, request: Presented) -> bool:
        self.foreign(request)
        return any(value is not None for value in (request.authorization, request.api_key, request.cookie))

    def _not_cached(self, request: Presented, token: bytes, method: str) -> Verified | Literal[_Cold.COLD]:
        if self._takes_keys and method != "access_token":
            key = self._keys.find(token)
            if key is not None:
                return self._accept_key(key)
            over = self._keys.why_not(token)
            if over is not None:  # whatever the store may know of it
                raise self.rejected(f"{method}: {over.value}", over, token)
            if api_key_id(token) is not None:
                made = self._tokens.get(token)
                return COLD if made is None else self._accept_key(made)
        if self._passes_foreign and method != "access_token" and not self.is_ours(token):
            return self.foreign(request)  # something of ours may stand in a header that the route does not read
        if method == "api_key" or not self._takes_tokens[method]:
            raise self.rejected(f"{method}: no such API key", Reason.UNKNOWN_KEY, token)
        return COLD

    def _accept(self, verified: Verified, method: str, token: bytes) -> Verified:
        identity = verified.identity
        if identity.key_id:
            if not self._takes_keys or method == "access_token":
                raise self.rejected(f"{method}: an API key, where none counts", Reason.UNKNOWN_KEY, token)
            return self._accept_key(verified)
        if self._logins is not None and identity.login not in self._logins:
            detail = f"a token of login {identity.login}, which the route does not accept"
            raise self.rejected(detail, Reason.OTHER_LOGIN, token)
        if method == "bearer":
            return verified
        presented = verified.headers.get(method)
        if presented is None:  # kept with the entry, so that it dies with it
            identity = replace(identity, method=method)
            presented = Verified(identity, verified.expires_at, verified.session_id, verified.token_hash)
            verified.headers[method] = presented
        assert isinstance(presented, Verified)
        return presented

    def _accept_key(self, key: Verified) -> Verified:
        allowed = key.identity.key_routes
        if allowed and self._route not in allowed:
            raise Forbidden("the API key is limited to other routes")
        return key


def _in_basic(value: bytes) -> list[bytes]:
    """Name and password of HTTP Basic, where many an API takes its keys (`curl -u KEY:`)."""
    scheme, _, encoded = b" ".join(value.split()).partition(b" ")
    if scheme.lower() != b"basic":
        return []
    try:  # as the most lenient ERP reads it: either alphabet, with or without padding
        name, _, password = b64decode(encoded.translate(_STANDARD).rstrip(b"=") + b"==").partition(b":")
    except ValueError:
        return []
    return [name, password]
