"""Dialect `native`: the gateway's own login for clients that follow no ERP's."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.metadata import JWKS_PATH, jwks_endpoint
from gateway.dialects.replies import NO_STORE, json_reply, refusal, spelled
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, bearer, read_json, text
from gateway.errors import GatewayError, NotFound
from gateway.model import Call, CredentialReading, Reply, Session, TokenPair
from gateway.tokens.cache import Verified
from gateway.tokens.format import TokenFormat
from gateway.tokens.keys import KeyRing
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.policy import TokenPolicy
from gateway.tokens.session_id import public_id

_NO_CONTENT: Final = Reply(204, b"", NO_STORE)


class NativeOptions(BaseModel):
    """The dialect has no switches."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Native:
    """Login, refresh, logout, and one's own sessions, in JSON."""

    Options = NativeOptions
    reading = CredentialReading()
    cookie = None

    def __init__(self, _: NativeOptions, tools: DialectTools) -> None:
        self._broker = tools.broker
        self._clock = tools.clock
        self._jwks = jwks_endpoint(tools.jwks)

    @staticmethod
    def policy(issuer: str, audience: str, _: NativeOptions) -> TokenPolicy:
        """15 min access, 30 d sliding refresh, 90 d at most; rotation with 10 s grace."""
        return TokenPolicy(issuer, audience)

    @staticmethod
    def token_format(ring: KeyRing, policy: TokenPolicy, _: NativeOptions) -> TokenFormat:
        """RFC 9068, or opaque."""
        return LoginTokens.of(ring, policy)

    def endpoints(self) -> Endpoints:
        """Relative to the login's path."""
        handlers = {
            ("POST", "/login"): self._login,
            ("POST", "/refresh"): self._refresh,
            ("POST", "/logout"): self._logout,
            ("GET", "/me"): self._me,
            ("GET", "/sessions"): self._sessions,
            ("DELETE", "/sessions"): self._end_all,
            ("DELETE", "/sessions/{id}"): self._end_one,
        }
        return {key: spelled(handler, self.refuse) for key, handler in handlers.items()}

    def well_known(self) -> Endpoints:
        """The keys that verify assertions and asymmetric access tokens; every login names the same ones."""
        return {("GET", JWKS_PATH): self._jwks}

    def refuse(self, error: GatewayError, _: bytes | None = None, request_id: str = "") -> Reply:
        """The gateway's own form of a refusal."""
        return refusal(error, request_id)

    async def _login(self, call: Call) -> Reply:
        members = read_json(call)
        username, password = text(members, "username", MAX_NAME), text(members, "password", MAX_SECRET)
        return json_reply(200, _pair(await self._broker.login(username, password, call)))

    async def _refresh(self, call: Call) -> Reply:
        token = text(read_json(call), "refresh_token", MAX_SECRET)
        return json_reply(200, _pair(await self._broker.refresh(token, call)))

    async def _logout(self, call: Call) -> Reply:
        await self._broker.logout(await self._caller(call), call)
        return _NO_CONTENT

    async def _me(self, call: Call) -> Reply:
        verified = await self._caller(call)
        identity = verified.identity
        return json_reply(
            200,
            {
                "user": identity.user,
                "user_id": identity.user_id,
                "identity_provider": identity.provider,
                "login": identity.login,
                "roles": sorted(identity.roles),
                "scopes": sorted(identity.scopes),
                "tenant": identity.tenant,
                "session_id": public_id(identity.session_id),
                "expires_in": max(0, int(verified.expires_at - self._clock())),
            },
        )

    async def _sessions(self, call: Call) -> Reply:
        verified = await self._caller(call)
        sessions = await self._broker.sessions(verified.identity)
        return json_reply(200, {"sessions": [_listed(each, verified.session_id) for each in sessions]})

    async def _end_one(self, call: Call) -> Reply:
        verified = await self._caller(call)
        if not await self._broker.end_session(verified.identity, call.path.rpartition("/")[2], call):
            raise NotFound("no such session of this user")
        return _NO_CONTENT

    async def _end_all(self, call: Call) -> Reply:
        verified = await self._caller(call)
        await self._broker.end_all(verified.identity, call)
        return _NO_CONTENT

    async def _caller(self, call: Call) -> Verified:
        return await self._broker.authenticate(bearer(call))


def _pair(pair: TokenPair) -> dict[str, Any]:
    answer: dict[str, Any] = {"access_token": pair.access_token}
    if pair.refresh_token:
        answer["refresh_token"] = pair.refresh_token
    return {**answer, "token_type": "Bearer", "expires_in": pair.expires_in}


def _listed(session: Session, current: str) -> dict[str, Any]:
    ends = session.absolute_expiry
    return {
        "id": public_id(session.id),
        "login": session.login,
        "client_id": session.client_id,
        "tenant": session.tenant,
        "created_at": int(session.created),
        "ends_at": int(ends) if ends < float("inf") else None,
        "current": session.id == current,
    }
