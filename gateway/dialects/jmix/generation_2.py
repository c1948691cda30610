"""Jmix 2.x and 3.x: `/oauth2/token`, `/oauth2/revoke` and `/logout` of Spring Authorization Server."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.grants import asked_scopes
from gateway.dialects.jmix.refusals import json_reply
from gateway.dialects.jmix.requests import read_client, read_parameters
from gateway.dialects.replies import NO_STORE, challenge, spelled, what_to_do
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, bearer, parse_form, text
from gateway.errors import (
    AccountLocked,
    ClientRejected,
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    GatewayError,
    GrantNotAllowed,
    LoginRejected,
    MalformedBody,
    Reason,
    RefreshRejected,
    ScopeRejected,
    SeveralCredentials,
    UnsupportedGrant,
)
from gateway.model import Call, CredentialReading, Handler, OAuthClient, Reply, TokenPair

_SERVED: Final = frozenset({"password", "client_credentials", "refresh_token"})
_KNOWN: Final = _SERVED | {"authorization_code"}
_TOKEN_ERRORS: Final = "https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"  # noqa: S105 - an address
_REVOCATION_ERRORS: Final = "https://datatracker.ietf.org/doc/html/rfc7009#section-2.1"
_BEARER_ERRORS: Final = "https://tools.ietf.org/html/rfc6750#section-3.1"
_BARE: Final = {
    RefreshRejected: "invalid_grant",
    GrantNotAllowed: "unauthorized_client",
    ScopeRejected: "invalid_scope",
}
_PLAIN_PATH: Final = re.compile(r"/(?:(?!/)[!$&'()*+,\-./0-9:;=?@A-Z_a-z~%]{1,2047})?")
"""Never `//host` or `/\\host`, which browsers read as another origin."""
_NO_COOKIE: Final = (b"Set-Cookie", b"JSESSIONID=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/")
_NOT_FOUND: Final = "Authorization for provided access token not found"
"""Jmix looks among the live access tokens: a refresh token, one that was replaced or another login's are not there."""


class BadParameter(MalformedBody):
    """A parameter is missing, or is not what it should be."""

    def __init__(self, name: str, uri: str = _TOKEN_ERRORS) -> None:
        super().__init__(f"OAuth 2.0 Parameter: {name}")
        self.uri = uri


class Generation2:
    """A Dialect but for what is of its class."""

    reading = CredentialReading(url_token_methods=frozenset(), preflight_status=200)

    def __init__(self, tools: DialectTools) -> None:
        self._broker = tools.broker
        self._path = tools.path

    def endpoints(self) -> Endpoints:
        """Relative to the login's path."""
        handlers: dict[str, Handler] = {"/token": self._token, "/revoke": self._revoke}
        return {("POST", suffix): spelled(handler, _answer_failure) for suffix, handler in handlers.items()}

    def well_known(self) -> Endpoints:
        """`/logout` stands beside the login's path: it is the application's."""
        path = self._path.rpartition("/")[0] + "/logout"
        logout = spelled(self._logout, _answer_failure)
        return {("GET", path): logout, ("POST", path): logout}

    def refuse(self, error: GatewayError) -> Reply:
        """On a route: all is in the challenge, and the body empty."""
        if isinstance(error, CredentialsRejected):
            malformed = error.reason is Reason.BAD_HEADER
            return _challenged(401, "invalid_token", "Bearer token is malformed" if malformed else _NOT_FOUND)
        if isinstance(error, CredentialsMissing):
            return Reply(401, b"", (*NO_STORE, (b"WWW-Authenticate", b"Bearer")))
        if isinstance(error, SeveralCredentials):
            return _challenged(400, "invalid_request", "Found multiple bearer tokens in the request")
        if isinstance(error, Forbidden):
            told = "The request requires higher privileges than provided by the access token."
            return _challenged(403, "insufficient_scope", told)
        return _answer_failure(error)

    async def _token(self, call: Call) -> Reply:
        client = await read_client(self._broker, call)
        form = read_parameters(call)
        grant = form.get("grant_type")
        if grant is None:
            raise BadParameter("grant_type")
        if grant not in _KNOWN:
            raise UnsupportedGrant
        if grant not in client.grants & _SERVED:
            raise GrantNotAllowed(f"client {client.id}, grant {grant}")
        scopes = asked_scopes(form)
        pair = await self._granted(grant, form, call, client, scopes)
        return json_reply(200, _token_answer(pair, scopes))

    async def _granted(
        self, grant: str, form: Mapping[str, str], call: Call, client: OAuthClient, scopes: tuple[str, ...] | None
    ) -> TokenPair:
        if grant == "client_credentials":
            return await self._broker.client_login(client, call, scopes)
        if grant == "refresh_token":
            return await self._broker.refresh(_required(form, "refresh_token"), call, client, scopes)
        username, password = _required(form, "username"), _required(form, "password")
        return await self._broker.login(username, password, call, client, scopes)

    async def _revoke(self, call: Call) -> Reply:
        client = await read_client(self._broker, call)
        token = read_parameters(call).get("token")
        if token is None:
            raise BadParameter("token", _REVOCATION_ERRORS)
        await self._broker.revoke(token, client, call)
        return Reply(200, b"", NO_STORE)

    async def _logout(self, call: Call) -> Reply:
        """By the Bearer header; whoever comes without one, or with a dead one, is sent on all the same."""
        with suppress(CredentialsMissing):
            await self._broker.logout(await self._broker.authenticate(bearer(call)), call)
        return Reply(302, b"", (*NO_STORE, _NO_COOKIE, (b"Location", _redirect(call.query).encode("ascii"))))


def _answer_failure(error: GatewayError, _: bytes | None = None, __: str = "") -> Reply:
    if isinstance(error, ClientRejected):
        return json_reply(401, {"error": "invalid_client"}, (*NO_STORE, *challenge(error)))
    bare = next((code for kind, code in _BARE.items() if isinstance(error, kind)), "")
    if bare:
        return json_reply(400, {"error": bare})
    if isinstance(error, LoginRejected):
        locked = isinstance(error, AccountLocked)
        return _told(400, "invalid_grant", "User account is locked" if locked else "Bad credentials")
    if isinstance(error, UnsupportedGrant):
        return _told(400, error.code, "OAuth 2.0 Parameter: grant_type")
    if isinstance(error, MalformedBody):
        return _told(400, error.code, error.explanation, error.uri if isinstance(error, BadParameter) else "")
    return json_reply(
        error.status, {"error": error.code, "error_description": error.public}, (*NO_STORE, *what_to_do(error))
    )


def _told(status: int, code: str, description: str, uri: str = _TOKEN_ERRORS) -> Reply:
    members = {"error": code, "error_description": description, "error_uri": uri or _TOKEN_ERRORS}
    return json_reply(status, members)


def _challenged(status: int, code: str, description: str) -> Reply:
    challenge = f'Bearer error="{code}", error_description="{description}", error_uri="{_BEARER_ERRORS}"'
    return Reply(status, b"", (*NO_STORE, (b"WWW-Authenticate", challenge.encode("ascii"))))


def _required(form: Mapping[str, str], name: str) -> str:
    try:
        return text(form, name, MAX_NAME if name == "username" else MAX_SECRET)
    except MalformedBody:
        raise BadParameter(name) from None


def _token_answer(pair: TokenPair, scopes: tuple[str, ...] | None) -> dict[str, Any]:
    """The scope is told where one was asked for; what is left is rounded down when it is written."""
    refresh = {"refresh_token": pair.refresh_token} if pair.refresh_token else {}
    scope = {"scope": " ".join(scopes)} if scopes else {}
    end = {"expires_in": pair.expires_in - 1} if pair.expires_in else {}
    return {"access_token": pair.access_token, **refresh, **scope, "token_type": "Bearer", **end}


def _redirect(query: str) -> str:
    """Where the client wants to go after its logout, if that is a plain path of this origin."""
    try:
        wanted = parse_form(query.encode("ascii", "replace")).get("post_logout_redirect_uri", "/")
    except MalformedBody:
        return "/"
    return wanted if _PLAIN_PATH.fullmatch(wanted) else "/"
