"""Dialect `odoo`: the web session of Odoo's own web client, JSON-RPC around a `session_id` cookie."""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator

from gateway.config.section import Section
from gateway.config.values import Flag, Line, Names, read_whole
from gateway.dialects.contract import DialectTools, Endpoints
from gateway.dialects.odoo_pages import (
    JSON_TYPES,
    page,
    redirect,
    refused_json2,
    refused_page,
    speaks_json2,
    speaks_json_rpc,
)
from gateway.dialects.odoo_rpc import (
    ACCESS_ERROR,
    Asked,
    InvalidRequestError,
    OdooFault,
    answered,
    failed,
    plain_refusal,
    read_request,
    request_id,
)
from gateway.dialects.odoo_session import chosen, major, session_info, version_info
from gateway.dialects.odoo_tokens import SessionIds
from gateway.dialects.replies import traced, with_trailing_slash
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, media_type, parse_form, text
from gateway.errors import (
    CredentialsMissing,
    GatewayError,
    LoginRejected,
    MalformedBody,
    SelectionNeeded,
    StoreUnavailable,
)
from gateway.model import (
    Call,
    Choice,
    CookieRule,
    CredentialReading,
    Handler,
    Headers,
    Reply,
    Session,
    TokenKind,
)
from gateway.tokens.cache import Verified
from gateway.tokens.cookies import cookie_values, set_cookie
from gateway.tokens.keys import KeyRing
from gateway.tokens.policy import TokenPolicy

COOKIE: Final = "session_id"
HEADER: Final = "x-openerp-session-id"
"""What clients without a cookie jar send in its place: Odoo reads it until 15."""
WEEK: Final = 7 * 86400.0
"""Seconds: `sessions.max_inactivity_seconds` of Odoo."""
_PARAMETERS: Final = ("db", "login", "password")
_PLAIN_PATH: Final = re.compile(r"/(?:(?!/)[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]{1,2047})?")
"""Never `//host` or `/\\host`, which browsers read as another origin (GHSA-4mf2-f3wh-gvf2)."""
_DATABASES: Final = ("/web/database/**", "/web/database/list")
"""Odoo's database manager asks for a master password and nothing else; clients need the list before they log in."""

Method = Callable[[Call, Asked], Awaitable[Reply]]


def _version(version: str) -> str:
    version_info(version)
    return version


class OdooOptions(Section):
    """The switches. Defaults are what the documentation shows; the words are Odoo's own."""

    databases: Names = ()
    """Those that exist; any where it is empty."""
    session_info: tuple[Literal["session_id", "company_id"], ...] = ("session_id", "company_id")
    """Members that Odoo's own session_info no longer has; [] is what Odoo 14 and later answer."""
    error_code: Annotated[Literal[200, 0], BeforeValidator(read_whole)] = 200
    """Of errors that Odoo does not number; newer versions say 0."""
    server_version: Annotated[Line, AfterValidator(_version)] = "18.0"
    """Told by session_info, unless the ERP has told its own."""
    cookie_secure: Flag = False
    cookie_samesite: Literal["", "Strict", "Lax", "None"] = ""


class Odoo:
    """Failures are HTTP 200 with an error in the envelope; the session lives a week from its last use."""

    Options = OdooOptions
    reading = CredentialReading(never_open=(_DATABASES,))

    def __init__(self, options: OdooOptions, tools: DialectTools) -> None:
        self._options = options
        self._broker = tools.broker
        self._clock = tools.clock
        self._path = tools.path
        self._base_url = tools.issuer.removesuffix(tools.path)
        assert isinstance(tools.tokens, SessionIds)
        self._ids = tools.tokens
        self.cookie = CookieRule(
            COOKIE,
            int(tools.policy.access_ttl),
            secure=options.cookie_secure or options.cookie_samesite == "None",
            same_site=options.cookie_samesite,
            header=HEADER,
        )

    @staticmethod
    def policy(issuer: str, audience: str, _: OdooOptions) -> TokenPolicy:
        """A cookie that lives a week from its last use, and nothing to refresh."""
        return TokenPolicy(
            issuer,
            audience,
            format="opaque",
            access_ttl=WEEK,
            refresh_ttl=0,
            absolute_ttl=inf,
            grace=0,
            sliding_access=True,
        )

    @staticmethod
    def token_format(ring: KeyRing, _policy: TokenPolicy, _options: OdooOptions) -> SessionIds:
        """Odoo's 84 characters."""
        return SessionIds(ring)

    def endpoints(self) -> Endpoints:
        """Odoo looks at the path only: JSON-RPC comes with any method, and GET with a body is in its documentation."""
        methods: dict[str, Method] = {
            "/authenticate": self._authenticate,
            "/get_session_info": self._get_session_info,
            "/check": self._check,
            "/destroy": self._destroy,
        }
        handlers: dict[tuple[str, str], Handler] = {
            (verb, suffix): partial(self._call, suffix, method)
            for suffix, method in methods.items()
            for verb in ("POST", "GET")
        }
        return with_trailing_slash(handlers | {("GET", "/logout"): self._logout})

    def well_known(self) -> Endpoints:
        """None."""
        return {}

    def refuse(self, error: GatewayError, body: bytes | None = None, _: str = "") -> Reply:
        """JSON-RPC, under the id of the request where it can be read."""
        return failed(request_id(body), error, self._options.error_code)

    def refuse_call(self, error: GatewayError, call: Call | None) -> Reply:
        """As Odoo's routes do: JSON-RPC to what is sent as JSON, the login page to all else."""
        if call is None or (speaks_json_rpc(call) and not speaks_json2(call)):
            return self.refuse(error, call.body if call is not None else None)
        return refused_json2(error) if speaks_json2(call) else refused_page(error, call)

    async def _call(self, suffix: str, method: Method, call: Call) -> Reply:
        if media_type(call) not in JSON_TYPES:  # no form of another site's gets here without a preflight
            return self._not_json(suffix)
        try:
            asked = read_request(call.body)
        except InvalidRequestError as error:
            return plain_refusal(str(error))
        try:
            return await method(call, asked)
        except GatewayError as error:
            return traced(failed(asked.id, error, self._options.error_code), error)

    async def _authenticate(self, call: Call, asked: Asked) -> Reply:
        database, username, password = self._credentials(asked)
        try:
            account = await self._broker.verify_password(username, password, call)
        except SelectionNeeded:
            return answered(asked.id, {"uid": None})  # Odoo's answer for a user with a second factor
        tenant, context = chosen(account, database)
        pair = await self._broker.open(account, call, Choice(tenant=tenant, context=context), refresh=False)
        with suppress(CredentialsMissing, StoreUnavailable):
            # The id rotates at login. If the store goes away now, the former session ends a week after its last use.
            await self._broker.logout(await self._caller(call), call)
        info = self._info(pair.session, pair.access_token)
        return answered(asked.id, info, self._set_cookie(pair.access_token))

    async def _get_session_info(self, call: Call, asked: Asked) -> Reply:
        token = self._cookie(call)
        await self._broker.slide(await self._broker.authenticate(token))
        live = await self._broker.live(token, TokenKind.ACCESS)
        # Odoo touches the session here, and so hands the cookie out again.
        sid = token.decode("ascii")
        return answered(asked.id, self._info(live.session, sid), self._set_cookie(sid))

    async def _check(self, call: Call, asked: Asked) -> Reply:
        await self._broker.slide(await self._caller(call))
        return answered(asked.id)

    async def _destroy(self, call: Call, asked: Asked) -> Reply:
        await self._broker.logout(await self._caller(call), call)
        return answered(asked.id, None, self._set_cookie(self._ids.nobodys()))

    async def _logout(self, call: Call) -> Reply:
        headers = call.headers
        # A picture on a foreign page must not log anybody out; a link there may, as in Odoo.
        foreign = headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
        try:
            if not foreign:
                await self._broker.logout(await self._caller(call), call)
        except CredentialsMissing:
            pass
        except GatewayError as error:
            return traced(self.refuse(error), error)
        cookie = () if foreign else self._set_cookie(self._ids.nobodys())
        return redirect(self._redirect(call.query), cookie)

    def _credentials(self, asked: Asked) -> tuple[str, str, str]:
        """Database, name and password. Raises OdooFault and LoginRejected."""
        if "" in asked.params:
            raise OdooFault("builtins.TypeError", "params must be an object")
        missing = [f"'{name}'" for name in _PARAMETERS if name not in asked.params]
        if missing:
            listed = " and ".join(missing) if len(missing) < 3 else f"{', '.join(missing[:-1])}, and {missing[-1]}"
            plural = "s" if len(missing) > 1 else ""
            told = f"Session.authenticate() missing {len(missing)} required positional argument{plural}: {listed}"
            raise OdooFault("builtins.TypeError", told)
        database = asked.params["db"]
        allowed = self._options.databases
        if not isinstance(database, str) or not database or (allowed and database not in allowed):
            raise OdooFault(ACCESS_ERROR, "Database not found.")
        try:
            text(asked.params, "db", MAX_NAME)
            return database, text(asked.params, "login", MAX_NAME), text(asked.params, "password", MAX_SECRET)
        except MalformedBody:
            raise LoginRejected("no name or no password that could be one") from None

    def _cookie(self, call: Call) -> bytes:
        """The session id. Raises CredentialsMissing where there is none of ours, or more than one."""
        values = set(cookie_values(call.headers.get("cookie", "").encode("latin-1"), COOKIE.encode()))
        values.add(call.headers.get(HEADER, "").strip().encode("latin-1"))
        ours = [value for value in values if self._ids.recognise(value, self._clock()) is not None]
        if len(ours) != 1:
            raise CredentialsMissing(f"{len(ours)} session ids")
        return ours[0]

    async def _caller(self, call: Call) -> Verified:
        """Raises CredentialsRejected, too."""
        return await self._broker.authenticate(self._cookie(call))

    def _info(self, session: Session, sid: str) -> dict[str, Any]:
        options = self._options
        return session_info(
            session, version=options.server_version, base_url=self._base_url, sid=sid, keys=options.session_info
        )

    def _set_cookie(self, value: str) -> Headers:
        return set_cookie(self.cookie, value, self._clock())

    def _not_json(self, suffix: str) -> Reply:
        told = f"Request inferred type is compatible with ['http'] but '{self._path}{suffix}' is type='json'."
        return page(400, "Bad Request", told)

    def _redirect(self, query: str) -> str:
        """Where the client wants to go after its logout, if that is a plain path of this origin."""
        default = "/odoo" if major(self._options.server_version) >= 18 else "/web"
        try:
            wanted = parse_form(query.encode("ascii", "replace")).get("redirect", default)
        except MalformedBody:
            return default
        return wanted if _PLAIN_PATH.fullmatch(wanted) else default
