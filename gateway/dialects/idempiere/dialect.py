"""The endpoints of an idempiere login: one step, two steps, selection, refresh, logout, and its key where shown."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.idempiere import selection
from gateway.dialects.idempiere.clients import Client, clients_of, listing
from gateway.dialects.idempiere.numbers import number_of, user_number
from gateway.dialects.idempiere.options import IdempiereOptions
from gateway.dialects.idempiere.refusals import (
    BAD_SIGNATURE,
    INVALID_REFRESH_TOKEN,
    NULL_TOKEN,
    ClientUnknown,
    Declined,
    SessionMissing,
    refused,
    token_text,
)
from gateway.dialects.idempiere.requests import (
    Refresh,
    read_credential,
    read_logout,
    read_parameters,
    read_query,
    read_refresh,
)
from gateway.dialects.idempiere.sessions import as_listed_now, choice_of, final_answer, renewed
from gateway.dialects.idempiere.tokens import IdempiereTokens
from gateway.dialects.replies import NO_STORE, json_reply, spelled, with_trailing_slash
from gateway.dialects.requests import bearer
from gateway.errors import CredentialsMissing, CredentialsRejected, GatewayError, LoginRejected, Reason, RefreshRejected
from gateway.model import (
    Account,
    Call,
    CookieRule,
    CredentialReading,
    Handler,
    RefreshRules,
    Reply,
    Session,
    TokenKind,
)
from gateway.tokens.format import TokenFormat
from gateway.tokens.keys import KeyRing
from gateway.tokens.live import LiveToken
from gateway.tokens.login_tokens import LoginTokens
from gateway.tokens.policy import TokenPolicy

_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_OK: Final = {"summary": "OK"}


class Idempiere:
    """Below `/api/v1/auth`, where iDempiere has it."""

    Options = IdempiereOptions
    reading = CredentialReading(scheme_case_sensitive=True, tells_token=True)
    cookie: CookieRule | None = None
    as_listed_now = staticmethod(as_listed_now)

    def __init__(self, options: IdempiereOptions, tools: DialectTools) -> None:
        self._options = options
        self._broker = tools.broker
        self._clock = tools.clock
        self._rules = selection.Rules(options.mandatory_organization_id, options.login_languages)
        tokens = tools.tokens
        exposed = tokens.jwk() if options.expose_jwk and isinstance(tokens, IdempiereTokens) else {}
        self._jwk = json_reply(200, exposed)

    @staticmethod
    def policy(issuer: str, audience: str, _: IdempiereOptions) -> TokenPolicy:
        """1 h access, 24 h sliding refresh, 7 d at most; every refresh token counts once, a second use ends it all."""
        return TokenPolicy(issuer, audience, access_ttl=_HOUR, refresh_ttl=_DAY, absolute_ttl=7 * _DAY, grace=0.0)

    @staticmethod
    def token_format(ring: KeyRing, policy: TokenPolicy, _: IdempiereOptions) -> TokenFormat:
        """The ERP's JWTs, unless the login wants opaque tokens."""
        return LoginTokens.of(ring, policy) if policy.format == "opaque" else IdempiereTokens(ring)

    def endpoints(self) -> Endpoints:
        """Relative to the login's path."""
        handlers = {
            ("POST", "/tokens"): self._login,
            ("PUT", "/tokens"): self._finalize,
            ("GET", "/roles"): self._roles,
            ("GET", "/organizations"): self._organizations,
            ("GET", "/warehouses"): self._warehouses,
            ("GET", "/language"): self._language,
            ("POST", "/refresh"): self._refresh,
            ("POST", "/logout"): self._logout,
            ("GET", "/jwk"): self._show_jwk,
        }
        spoken = {key: spelled(handler, self.refuse) for key, handler in handlers.items()}
        return with_trailing_slash(spoken | _options(handlers))

    def well_known(self) -> Endpoints:
        """None: iDempiere has no such documents."""
        return {}

    def refuse(self, error: GatewayError, _: bytes | None = None, __: str = "") -> Reply:
        """A problem in JSON or an empty 401. The request id has no place in it."""
        return refused(error, self._clock())

    async def _login(self, call: Call) -> Reply:
        credential = read_credential(call)
        if not credential.username or not credential.password:
            raise LoginRejected("no user name or no password")
        account = await self._broker.verify_password(credential.username, credential.password, call)
        clients = clients_of(account)
        if not clients:
            raise LoginRejected("no client with a role of type WS or without one")
        if credential.parameters is not None:
            rules = self._rules_for(account)
            chosen = selection.select(clients, selection.ids_of(clients), credential.parameters, rules)
            pair = await self._broker.open(account, call, choice_of(account, chosen))
            return json_reply(200, final_answer(pair, chosen, self._options.menu_tree_id))
        listed, named = {"clients": listing(clients)}, {"clients": ",".join(str(client.id) for client in clients)}
        only = selection.sole(clients, self._rules)
        if only is None:
            return json_reply(200, {**listed, "token": await self._broker.open_preauth(account, call, named)})
        pair = await self._broker.open(account, call, choice_of(account, only, named))
        return json_reply(200, listed | final_answer(pair, only, self._options.menu_tree_id))

    async def _finalize(self, call: Call) -> Reply:
        live, account, clients, allowed = await self._first_step(call)
        chosen = selection.select(clients, allowed, read_parameters(call), self._rules_for(account))
        pair = await self._broker.finalize(live, account, call, choice_of(account, chosen))
        return json_reply(200, final_answer(pair, chosen, self._options.menu_tree_id))

    async def _roles(self, call: Call) -> Reply:
        _, _, clients, allowed = await self._first_step(call)
        (client,) = read_query(call, "client")
        return json_reply(200, {"roles": listing(selection.listed_client(clients, allowed, client).open_roles)})

    async def _organizations(self, call: Call) -> Reply:
        _, _, clients, allowed = await self._first_step(call)
        client, role = read_query(call, "client", "role")
        found = selection.listed_role(selection.listed_client(clients, allowed, client), role)
        return json_reply(200, {"organizations": listing(found.organizations)})

    async def _warehouses(self, call: Call) -> Reply:
        _, _, clients, allowed = await self._first_step(call)
        client, role, organization = read_query(call, "client", "role", "organization")
        found = selection.listed_role(selection.listed_client(clients, allowed, client), role)
        return json_reply(200, {"warehouses": listing(selection.listed_organization(found, organization).warehouses)})

    async def _language(self, call: Call) -> Reply:
        _, _, clients, _ = await self._first_step(call)
        (asked,) = read_query(call, "client")
        for client in clients:
            if client.id == asked:
                return json_reply(200, {"AD_Language": client.language})
        raise ClientUnknown

    async def _refresh(self, call: Call) -> Reply:
        asked = read_refresh(call)
        if asked.client_id is None and self._options.mandatory_client_id_on_refresh:
            raise Declined("No clientId provided")
        if asked.user_id is None and self._options.mandatory_user_id_on_refresh:
            raise Declined("No userId provided")
        _check_token(asked.token)
        rules = RefreshRules(before=lambda session: _check_ids(asked, session), renew=renewed)
        try:
            pair = await self._broker.refresh(asked.token, call, rules=rules)
        except RefreshRejected as error:
            raise Declined(token_text(error.reason, asked.token) or INVALID_REFRESH_TOKEN) from None
        return json_reply(200, {"token": pair.access_token, "refresh_token": pair.refresh_token})

    async def _logout(self, call: Call) -> Reply:
        token = read_logout(call)
        _check_token(token)
        try:
            await self._broker.logout_by_token(token.encode(), call)
        except CredentialsRejected as error:
            if error.reason in {Reason.PREAUTH, Reason.WRONG_KIND}:
                raise SessionMissing from None
            raise Declined(token_text(error.reason.value, token) or BAD_SIGNATURE) from None
        return json_reply(200, _OK)

    def _rules_for(self, account: Account) -> selection.Rules:
        """An ERP that told what there is to choose from has languages of its own, too."""
        asks_an_erp = account.erp_session is not None and bool(account.tenants)
        return replace(self._rules, erp_knows_languages=True) if asks_an_erp else self._rules

    async def _show_jwk(self, _: Call) -> Reply:
        return self._jwk

    async def _first_step(self, call: Call) -> tuple[LiveToken, Account, tuple[Client, ...], frozenset[int]]:
        """Whose token it is, what there is to choose now, and what the first step of the login found."""
        if not call.headers.get("authorization", "").startswith("Bearer"):
            raise CredentialsMissing("no Bearer token", reason=Reason.MISSING_SCHEME)
        token = bearer(call)
        try:
            live = await self._broker.live(token, TokenKind.PREAUTH, TokenKind.ACCESS)
        except CredentialsRejected as error:
            error.presented = token.decode()
            raise
        account = await self._broker.account_of(live.session)
        told = live.claims.get("Clients") if live.claims else live.session.context.get("clients")
        allowed = frozenset(map(int, told.split(","))) if told else frozenset()
        return live, account, clients_of(account), allowed


def _options(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Handler]:
    """OPTIONS, which JAX-RS answers by itself and to anybody: what there is at a path."""
    methods: dict[str, list[str]] = {}
    for method, suffix in keys:
        methods.setdefault(suffix, []).append(method)
    return {("OPTIONS", suffix): partial(_allowed, ", ".join([*found, "OPTIONS"])) for suffix, found in methods.items()}


async def _allowed(methods: str, _: Call) -> Reply:
    return Reply(200, b"", ((b"Allow", methods.encode("ascii")), *NO_STORE))


def _check_token(token: str) -> None:
    """Raises Declined for what is no token before anyone is asked."""
    if not token:
        raise Declined(NULL_TOKEN)
    if not token.isascii():
        raise Declined(token_text(Reason.MALFORMED.value, token))


def _check_ids(asked: Refresh, session: Session) -> None:
    """Raises RefreshRejected where the client names another client or user than the session's."""
    if asked.client_id not in {None, number_of(session.context.get("tenant", ""))}:
        raise RefreshRejected("another_client")
    if asked.user_id not in {None, user_number(session)}:
        raise RefreshRejected("another_client")
