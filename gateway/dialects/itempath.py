"""Dialect `itempath`: ItemPath's user API, where a refresh token is a Bearer credential and stays what it is."""

from functools import partial
from math import inf
from typing import Any, Final

from gateway.config.section import Section
from gateway.config.values import Flag
from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.itempath_refusals import NO_APPLICATION, answer, refused
from gateway.dialects.itempath_tokens import ItemPathTokens
from gateway.dialects.replies import spelled
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, read_json, text
from gateway.errors import CredentialsMissing, CredentialsRejected, Forbidden, GatewayError, Reason, RefreshRejected
from gateway.model import Call, CookieRule, CredentialReading, Reply, TokenKind
from gateway.tokens.format import TokenFormat
from gateway.tokens.keys import KeyRing
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.policy import TokenPolicy

_MINUTE: Final = 60.0
_DAY: Final = 86400.0
_TOLD: Final = {
    each.value: each for each in (Reason.MALFORMED, Reason.BAD_SIGNATURE, Reason.EXPIRED, Reason.WRONG_KIND)
}
"""Reasons of a refused refresh that the answer tells; all others are that the token was revoked."""


class ItemPathOptions(Section):
    """The switches: both are what newer releases of ItemPath's libraries do, and the documentation does not show."""

    alg_first: Flag = False
    """The JWT header is `{"alg","typ"}`, as PyJWT writes it now. Tokens of the other order end with the change."""
    csrf_claim: Flag = False
    """JWT_COOKIE_CSRF_PROTECT with tokens in cookies: a claim `csrf` before `exp`."""


class ItemPath:
    """Login, refresh and application tokens. There is no logout: a session ends with its refresh token."""

    Options = ItemPathOptions
    reading = CredentialReading(scheme_case_sensitive=True, bearer_is_strict=False, tells_token=True)
    cookie: CookieRule | None = None

    def __init__(self, _: ItemPathOptions, tools: DialectTools) -> None:
        self._broker = tools.broker
        self._clock = tools.clock
        self._tokens = tools.tokens

    @staticmethod
    def policy(issuer: str, audience: str, _: ItemPathOptions) -> TokenPolicy:
        """15 min access; the refresh token lives 30 d from the login on and is used as often as one likes."""
        return TokenPolicy(
            issuer,
            audience,
            access_ttl=15 * _MINUTE,
            refresh_ttl=30 * _DAY,
            absolute_ttl=inf,
            sliding=False,
            rotate=False,
            grace=0.0,
        )

    @staticmethod
    def token_format(ring: KeyRing, policy: TokenPolicy, options: ItemPathOptions) -> TokenFormat:
        """ItemPath's JWTs, unless the login wants opaque tokens."""
        if policy.format == "opaque":
            return LoginTokens.of(ring, policy)
        return ItemPathTokens(ring, alg_first=options.alg_first, csrf_claim=options.csrf_claim)

    def endpoints(self) -> Endpoints:
        """Relative to the login's path. The method of a refresh is not documented."""
        with_refresh_token = partial(self._refused, wants_refresh=True)
        refresh = spelled(self._refresh, with_refresh_token)
        return {
            ("POST", "/login"): spelled(self._login, self.refuse),
            ("POST", "/refresh"): refresh,
            ("GET", "/refresh"): spelled(self._refresh, with_refresh_token),
            ("POST", "/application-token"): spelled(self._application_token, with_refresh_token),
        }

    def well_known(self) -> Endpoints:
        """None: ItemPath has no such documents."""
        return {}

    def refuse(self, error: GatewayError, _: bytes | None = None, __: str = "") -> Reply:
        """Flask-JWT-Extended's answers, where an access token is wanted."""
        return self._refused(error)

    def _refused(
        self, error: GatewayError, _: bytes | None = None, __: str = "", *, wants_refresh: bool = False
    ) -> Reply:
        presented = error.presented if isinstance(error, CredentialsRejected) else ""
        nameless = isinstance(self._tokens, ItemPathTokens) and self._tokens.lacks_identity(presented.encode())
        return refused(error, wants_refresh=wants_refresh, lacks_identity=nameless)

    async def _login(self, call: Call) -> Reply:
        members = read_json(call)
        username, password = text(members, "username", MAX_NAME), text(members, "password", MAX_SECRET)
        pair = await self._broker.login(username, password, call)
        told = {"login": True, "accessToken": pair.access_token, "refreshToken": pair.refresh_token}
        return answer(200, {**told, "username": pair.session.user, "id": _number(pair.session.user_id)})

    async def _refresh(self, call: Call) -> Reply:
        token = _bearer(call)
        recognised = self._tokens.recognise(token.encode(), self._clock())
        if recognised is not None and recognised.expired:
            raise CredentialsRejected("expired", reason=Reason.EXPIRED)  # told before it is looked at what it is
        try:
            pair = await self._broker.refresh(token, call)
        except RefreshRejected as error:
            reason = _TOLD.get(error.reason, Reason.REVOKED)
            raise CredentialsRejected(error.reason, reason=reason, presented=token) from None
        told = {"accessToken": pair.access_token}
        kept = pair.refresh_token == token
        return answer(200, told if kept else {**told, "refreshToken": pair.refresh_token})

    async def _application_token(self, call: Call) -> Reply:
        token = _bearer(call)
        try:
            live = await self._broker.live(token.encode(), TokenKind.REFRESH)
            return answer(200, {"token": await self._broker.application_token(live, call)})
        except CredentialsRejected as error:
            error.presented = token
            raise
        except Forbidden:
            return answer(403, {"msg": NO_APPLICATION})


def _bearer(call: Call) -> str:
    """The token, as Flask-JWT-Extended finds it; of several comma-separated credentials it would take the one Bearer.

    Raises CredentialsMissing, which says why.
    """
    words = call.headers.get("authorization", "").strip(" ,").split()
    if not words:
        raise CredentialsMissing("no credential", reason=Reason.ABSENT)
    if words[0] != "Bearer":
        raise CredentialsMissing("no Bearer token", reason=Reason.MISSING_SCHEME)
    if len(words) != 2:
        raise CredentialsMissing("a Bearer credential that is not one token", reason=Reason.BAD_HEADER)
    return words[1]


def _number(user_id: str) -> Any:
    """Ids are numbers in ItemPath; one that is none is told as it is."""
    return int(user_id) if user_id.isdecimal() and user_id.isascii() else user_id
