"""Dialect `jdx`: the token endpoint of the JDX Odoo REST API, and its error answers."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any, Final

from gateway.config.section import Section
from gateway.config.values import AnyLine
from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.grants import asked_scopes, client_credentials, read_grant_form
from gateway.dialects.jdx_tokens import TOKEN_FORMAT, JdxTokens
from gateway.dialects.replies import NO_STORE, challenge, json_reply, spelled, what_to_do, with_trailing_slash
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, text
from gateway.errors import (
    ClientRejected,
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    GatewayError,
    GrantNotAllowed,
    MalformedBody,
    Reason,
    RefreshRejected,
    UnsupportedGrant,
)
from gateway.model import (
    PLAIN_REFRESH,
    Account,
    Call,
    CookieRule,
    CredentialReading,
    OAuthClient,
    RefreshRules,
    Reply,
    Session,
    TokenPair,
)
from gateway.tokens.keys import KeyRing
from gateway.tokens.policy import TokenPolicy

GRANTS: Final = ("client_credentials", "refresh_token")
FORMATS: Final = ("jwt", "opaque")
EXPIRED: Final = "The access token has expired"
"""The only text that the documentation prints."""
INVALID: Final = "The access token is invalid"
MISSING: Final = "The access token is missing"
WRONG_CLIENT: Final = "Wrong client_id or client_secret"
NO_KEY: Final = "API key not found or revoked"
NO_PERMISSION: Final = "User lacks permission"
_HOUR: Final = 3600.0
_DAY: Final = 86400.0


class JdxOptions(Section):
    """The keys of a jdx login beyond those of every login."""

    database: AnyLine = ""
    """The Odoo database: the claim `db` of JWTs."""


class Jdx:
    """Clients authenticate in the body, or by Basic as RFC 6749 has it; users come by API key only."""

    Options = JdxOptions
    reading = CredentialReading()
    cookie: CookieRule | None = None

    def __init__(self, _: JdxOptions, tools: DialectTools) -> None:
        self._broker = tools.broker

    @staticmethod
    def policy(issuer: str, audience: str, _: JdxOptions) -> TokenPolicy:
        """1 h access, 30 d refresh from the login on; rotation with 10 s grace."""
        return TokenPolicy(
            issuer,
            audience,
            format="opaque",
            access_ttl=_HOUR,
            refresh_ttl=30 * _DAY,
            absolute_ttl=inf,
            sliding=False,
        )

    @staticmethod
    def token_format(ring: KeyRing, policy: TokenPolicy, options: JdxOptions) -> JdxTokens:
        """Opaque, or JWTs where the client or the login asks for them."""
        return JdxTokens(ring, policy.format, options.database)

    def endpoints(self) -> Endpoints:
        """Relative to the login's path."""
        return with_trailing_slash({("POST", "/token"): spelled(self._token, self._answer_failure)})

    def well_known(self) -> Endpoints:
        """None: JDX documents no discovery."""
        return {}

    def refuse(self, error: GatewayError, _: bytes | None = None, __: str = "") -> Reply:
        """`{"error","error_description"}` in the documented words where there are any."""
        code, told = _spelling(error)
        headers = (*NO_STORE, *challenge(error), *what_to_do(error))
        return json_reply(error.status, {"error": code, "error_description": told}, headers)

    def _answer_failure(self, error: GatewayError, _: bytes | None, __: str) -> Reply:
        """At the endpoint a dead refresh token is 400 invalid_grant (RFC 6749, section 5.2)."""
        if isinstance(error, RefreshRejected):
            return json_reply(400, {"error": error.code, "error_description": error.public})
        return self.refuse(error)

    async def _token(self, call: Call) -> Reply:
        form = read_grant_form(call)
        client = await self._broker.authenticate_client(client_credentials(call, form), call)
        grant = text(form, "grant_type", MAX_NAME)
        if grant not in GRANTS:
            raise UnsupportedGrant
        if grant not in client.grants:
            raise GrantNotAllowed(f"client {client.id}, grant {grant}")
        if grant == "client_credentials":
            return json_reply(200, _token_answer(await self._log_in(client, form, call)))
        return json_reply(200, _token_answer(await self._refresh(client, form, call)))

    async def _log_in(self, client: OAuthClient, form: Mapping[str, str], call: Call) -> TokenPair:
        """The documentation shows refreshes and no answer with a refresh token: whoever may refresh gets one."""
        refresh = "refresh_token" in client.grants
        return await self._broker.client_login(client, call, asked_scopes(form), _asked_format(form), refresh=refresh)

    async def _refresh(self, client: OAuthClient, form: Mapping[str, str], call: Call) -> TokenPair:
        asked = _asked_format(form)

        def renew(session: Session, _: Account) -> Session:
            return replace(session, context={**session.context, **asked})

        rules = RefreshRules(renew=renew) if asked else PLAIN_REFRESH
        token = text(form, "refresh_token", MAX_SECRET)
        return await self._broker.refresh(token, call, client, asked_scopes(form), rules)


def _asked_format(form: Mapping[str, str]) -> dict[str, str]:
    """What the session keeps of the client's wish for a token's form. Raises MalformedBody."""
    asked = form.get(TOKEN_FORMAT)
    if asked is None:
        return {}
    if asked not in FORMATS:
        raise MalformedBody("The token_format is neither jwt nor opaque.")
    return {TOKEN_FORMAT: asked}


def _token_answer(pair: TokenPair) -> dict[str, Any]:
    answer: dict[str, Any] = {"access_token": pair.access_token, "token_type": "Bearer", "expires_in": pair.expires_in}
    return {**answer, "refresh_token": pair.refresh_token} if pair.refresh_token else answer


def _spelling(error: GatewayError) -> tuple[str, str]:
    """Code and description."""
    if isinstance(error, CredentialsMissing):
        return _refused_credential(error)
    if isinstance(error, ClientRejected):
        return "invalid_client", WRONG_CLIENT
    if isinstance(error, Forbidden):
        return "access_denied", NO_PERMISSION
    return error.code, error.explanation if isinstance(error, MalformedBody) else error.public


def _refused_credential(error: CredentialsMissing) -> tuple[str, str]:
    if not isinstance(error, CredentialsRejected):
        return "invalid_token", MISSING
    if error.reason in {Reason.UNKNOWN_KEY, Reason.KEY_EXPIRED, Reason.KEY_BLOCKED}:
        return "invalid_api_key", NO_KEY
    # Of what is ours and unknown, the store has forgotten the end.
    over = error.reason in {Reason.EXPIRED, Reason.UNKNOWN}
    return "invalid_token", EXPIRED if over else INVALID
