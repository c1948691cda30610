"""Dialect `oauth2`: token, revocation and introspection endpoints for OAuth2 clients (RFC 6749, 7009, 7662)."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.grants import asked_scopes, client_credentials, read_grant_form
from gateway.dialects.metadata import CACHED, JWKS_PATH, jwks_endpoint, metadata, metadata_path
from gateway.dialects.replies import NO_STORE, json_reply, refusal, spelled
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, text
from gateway.errors import (
    GatewayError,
    GrantNotAllowed,
    LoginRejected,
    RefreshRejected,
    UnsupportedGrant,
)
from gateway.model import Call, CredentialReading, OAuthClient, Reply, TokenPair
from gateway.tokens.format import TokenFormat
from gateway.tokens.issuer import Introspection
from gateway.tokens.keys import KeyRing
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.policy import TokenPolicy

GRANTS: Final = ("password", "client_credentials", "refresh_token")


class OAuth2Options(BaseModel):
    """The dialect has no switches."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OAuth2:
    """Password, client credentials and refresh grants; all clients are confidential."""

    Options = OAuth2Options
    reading = CredentialReading()
    cookie = None

    def __init__(self, _: OAuth2Options, tools: DialectTools) -> None:
        self._broker = tools.broker
        self._path = tools.path
        self._metadata = json_reply(200, metadata(tools.issuer, GRANTS, tools.scopes), CACHED)
        self._jwks = jwks_endpoint(tools.jwks)

    @staticmethod
    def policy(issuer: str, audience: str, _: OAuth2Options) -> TokenPolicy:
        """15 min access, 30 d sliding refresh, 90 d at most; rotation with 10 s grace."""
        return TokenPolicy(issuer, audience)

    @staticmethod
    def token_format(ring: KeyRing, policy: TokenPolicy, _: OAuth2Options) -> TokenFormat:
        """RFC 9068, or opaque."""
        return LoginTokens.of(ring, policy)

    def endpoints(self) -> Endpoints:
        """Relative to the login's path."""
        handlers = {
            ("POST", "/token"): self._token,
            ("POST", "/revoke"): self._revoke,
            ("POST", "/introspect"): self._introspect,
        }
        posts = {key: spelled(handler, self._answer_failure) for key, handler in handlers.items()}
        return {**posts, ("GET", "/jwks"): self._jwks}

    def well_known(self) -> Endpoints:
        """RFC 8414, section 3.1: the well-known part stands before the issuer's path."""
        return {("GET", metadata_path(self._path)): self._describe, ("GET", JWKS_PATH): self._jwks}

    def refuse(self, error: GatewayError, _: bytes | None = None, request_id: str = "") -> Reply:
        """RFC 6750, which RFC 6749's clients know."""
        return refusal(error, request_id)

    def _answer_failure(self, error: GatewayError, _: bytes | None, request_id: str) -> Reply:
        """At these endpoints a wrong password and a dead refresh token are both 400 invalid_grant (RFC 6749, 5.2)."""
        if isinstance(error, LoginRejected | RefreshRejected):
            members = {"error": "invalid_grant", "error_description": error.public, "request_id": request_id}
            return json_reply(400, {name: value for name, value in members.items() if value})
        return refusal(error, request_id)

    async def _token(self, call: Call) -> Reply:
        client, form = await self._client_and_form(call)
        grant = text(form, "grant_type", MAX_NAME)
        if grant not in GRANTS:
            raise UnsupportedGrant
        if grant not in client.grants:
            raise GrantNotAllowed(f"client {client.id}, grant {grant}")
        scopes = asked_scopes(form)
        if grant == "client_credentials":
            pair = await self._broker.client_login(client, call, scopes)
        elif grant == "password":
            username, password = text(form, "username", MAX_NAME), text(form, "password", MAX_SECRET)
            pair = await self._broker.login(username, password, call, client, scopes)
        else:
            pair = await self._broker.refresh(text(form, "refresh_token", MAX_SECRET), call, client, scopes)
        return json_reply(200, _token_answer(pair))

    async def _revoke(self, call: Call) -> Reply:
        client, form = await self._client_and_form(call)
        await self._broker.revoke(text(form, "token", MAX_SECRET), client, call)
        return Reply(200, b"", NO_STORE)

    async def _introspect(self, call: Call) -> Reply:
        client, form = await self._client_and_form(call)
        known = await self._broker.introspect(text(form, "token", MAX_SECRET), client)
        return json_reply(200, {"active": False} if known is None else _introspection(known))

    async def _describe(self, _: Call) -> Reply:
        return self._metadata

    async def _client_and_form(self, call: Call) -> tuple[OAuthClient, Mapping[str, str]]:
        form = read_grant_form(call)
        return await self._broker.authenticate_client(client_credentials(call, form), call), form


def _token_answer(pair: TokenPair) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
    }
    if pair.refresh_token:
        answer["refresh_token"] = pair.refresh_token
    # REQUIRED where it differs from what was asked for (RFC 6749, section 5.1); told always.
    return {**answer, "scope": " ".join(pair.session.scopes)}


def _introspection(known: Introspection) -> dict[str, Any]:
    """RFC 7662, section 2.2; what is not known is left out."""
    session = known.session
    answer: dict[str, Any] = {
        "active": True,
        "scope": " ".join(session.scopes),
        "client_id": session.client_id,
        "username": session.user,
        "token_type": known.token_type,
        "exp": known.exp,
        "iat": known.issued_at,
        "sub": session.user_id,
        "aud": known.audience,
        "iss": known.issuer,
        "jti": known.jti,
    }
    return {name: value for name, value in answer.items() if value not in (None, "")}
