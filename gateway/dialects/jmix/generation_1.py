"""Jmix 1.x: `/oauth/token` and `/oauth/revoke` of spring-security-oauth."""

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Final

from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.jmix.options import JmixOptions
from gateway.dialects.jmix.refusals import (
    Declined,
    client_unknown,
    declined,
    json_reply,
    parameter_missing,
    plain,
    refused,
)
from gateway.dialects.jmix.requests import read_client, read_parameters, read_token
from gateway.dialects.replies import NO_STORE, spelled
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, text
from gateway.errors import (
    AccountLocked,
    ClientRejected,
    GatewayError,
    LoginRejected,
    MalformedBody,
    RefreshRejected,
)
from gateway.model import Call, CredentialReading, Handler, OAuthClient, Reply, Session, TokenPair
from gateway.tokens.session_id import public_id

_SERVED: Final = frozenset({"password", "refresh_token"})
_KNOWN: Final = _SERVED | {"authorization_code", "client_credentials", "external"}
_SCOPES: Final = frozenset({"rest-api", "api"})


class ParameterMissing(MalformedBody):
    """The revocation endpoint was asked about no token."""


class Generation1:
    """A Dialect but for what is of its class."""

    reading = CredentialReading(
        bearer_is_strict=False,
        comma_cut=True,
        header_wins=True,
        url_token_methods=None,
        url_token_in_form=True,
        tells_token=True,
        preflight_status=200,
    )

    def __init__(self, options: JmixOptions, tools: DialectTools) -> None:
        self._scope = options.scope
        self._in_query = options.parameters_in_query
        self._broker = tools.broker
        self._clock = tools.clock
        self._path = tools.path

    def endpoints(self) -> Endpoints:
        """Relative to the login's path."""
        handlers: dict[tuple[str, str], Handler] = {
            ("POST", "/token"): self._token,
            ("POST", "/revoke"): self._revoke,
        }
        return {
            (method, suffix): spelled(handler, partial(self._answer_failure, self._path + suffix))
            for (method, suffix), handler in handlers.items()
        }

    def well_known(self) -> Endpoints:
        """None."""
        return {}

    def refuse(self, error: GatewayError) -> Reply:
        """On a route."""
        return refused(error)

    def _answer_failure(self, path: str, error: GatewayError, _: bytes | None, __: str) -> Reply:
        if isinstance(error, Declined):
            return declined(error)
        if isinstance(error, ClientRejected):
            return client_unknown(path, self._clock())
        if isinstance(error, ParameterMissing):
            return parameter_missing(path, self._clock())
        if isinstance(error, LoginRejected):
            told = "User account is locked" if isinstance(error, AccountLocked) else "Bad credentials"
            return declined(Declined(400, "invalid_grant", told))
        return plain(error, error.explanation if isinstance(error, MalformedBody) else error.public)

    async def _token(self, call: Call) -> Reply:
        client = await read_client(self._broker, call)
        form = read_parameters(call, in_query=self._in_query)
        if form.get("client_id", client.id) != client.id:
            raise Declined(401, "invalid_client", "Given client ID does not match authenticated client")
        scope = self._scope_of(form)
        pair = await self._granted(form, call, client)
        return json_reply(200, _token_answer(pair, scope))

    async def _granted(self, form: Mapping[str, str], call: Call, client: OAuthClient) -> TokenPair:
        grant = form.get("grant_type")
        if grant is None:
            raise Declined(400, "invalid_request", "Missing grant type")
        if grant not in _KNOWN:
            raise Declined(400, "unsupported_grant_type", "Unsupported grant type")
        if grant not in client.grants & _SERVED:
            raise Declined(401, "invalid_client", f"Unauthorized grant type: {grant}")
        if grant == "refresh_token":
            return await self._refreshed(form, call, client)
        try:
            username, password = text(form, "username", MAX_NAME), text(form, "password", MAX_SECRET)
        except MalformedBody:
            raise LoginRejected("no name or no password that could be one") from None
        return await self._broker.login(username, password, call, client)

    async def _refreshed(self, form: Mapping[str, str], call: Call, client: OAuthClient) -> TokenPair:
        token = read_token(form, "refresh_token")
        if token is None:
            raise Declined(400, "invalid_request", "refresh_token parameter not provided")
        try:
            return await self._broker.refresh(token, call, client)
        except RefreshRejected as error:
            if error.reason == "expired":
                raise Declined(401, "invalid_token", "Invalid refresh token (expired): ", token) from None
            others = error.reason == "another_client"
            said = "Wrong client for this refresh token: " if others else "Invalid refresh token: "
            raise Declined(400, "invalid_grant", said, token) from None

    async def _revoke(self, call: Call) -> Reply:
        client = await read_client(self._broker, call)
        token = read_token(read_parameters(call, in_query=self._in_query), "token")
        if token is None:
            raise ParameterMissing("The token is missing.")
        await self._broker.revoke_any(token, client, call)
        return Reply(200, b"", NO_STORE)

    def _scope_of(self, form: Mapping[str, str]) -> str:
        """Jmix's clients have one scope, whose name differs by release; both names are taken."""
        asked = form.get("scope", self._scope)
        if not set(asked.split()) <= _SCOPES:
            raise Declined(400, "invalid_scope", "Invalid scope", scope=self._scope)
        return asked


def _token_answer(pair: TokenPair, scope: str) -> dict[str, Any]:
    """In the order of Spring's serializer. It rounds down what is left when it writes: a second less than was given."""
    refresh = {"refresh_token": pair.refresh_token} if pair.refresh_token else {}
    end = {"expires_in": pair.expires_in - 1} if pair.expires_in else {}
    return {
        "access_token": pair.access_token,
        "token_type": "bearer",
        **refresh,
        **end,
        "scope": scope,
        "OAuth2.SESSION_ID": _session_id(pair.session),
    }


def _session_id(session: Session) -> str:
    """Looks like Tomcat's; made of the public id, so that it opens nothing."""
    return sha256(public_id(session.id).encode()).hexdigest()[:32].upper()
