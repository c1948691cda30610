"""Identity provider `odoo`: signs in at Odoo's web session, whose cookie slides with its use."""

import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.config.values import Line
from gateway.errors import AccountLocked, ErpNonsense, SelectionNeeded
from gateway.identity_providers.contract import ErpAccounts, ErpOptions, Path, ProviderTools
from gateway.identity_providers.erp_answers import JSON_HEADERS, json_body, media_type, read_object, text_in
from gateway.model import Account, Call, ErpAnswer, ErpSession

COOKIE: Final = "session_id"
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{16,512}")
_EXPIRED = re.compile(rb'"code":\s*100\s*[,}]')
_LOGIN_PAGE = re.compile(rb"(?:https?://[^/]*)?(?:/[a-z]{2,3}(?:_[A-Za-z@]+)?)?/web/login(?:[?#]|$)")
TOLD: Final = (
    "uid",
    "name",
    "partner_id",
    "partner_display_name",
    "company_id",
    "user_context",
    "user_companies",
    "is_admin",
    "is_system",
    "is_internal_user",
    "server_version",
    "server_version_info",
    "support_url",
    "active_ids_limit",
    "max_file_upload_size",
)
"""Members of session_info that are kept: what clients read of the user. Menus and hashes of assets are not."""
_MOST_TOLD: Final = 16384
"""Bytes of them: they stand in the session's record, once sealed and once in its context."""
_REDIRECTS: Final = frozenset({302, 303})


class OdooOptions(ErpOptions):
    """The options of `type: odoo`: one database is one set of users."""

    database: Line
    path: Path = "/web/session"


class Odoo(ErpAccounts):
    """An ErpProvider over /web/session/authenticate (JSON-RPC on HTTP 200)."""

    Options = OdooOptions
    headers = frozenset({"x-openerp-session-id"})
    """Never sent. Until 15 Odoo believes it before the cookie, so that it may not come from a client either."""
    cookies = frozenset({COOKIE})

    def __init__(self, options: OdooOptions, tools: ProviderTools) -> None:
        super().__init__(options, tools)
        self._path = options.path
        self.database = options.database

    async def verify(self, username: str, password: str, call: Call) -> Account | None:
        """The account, None for a wrong name or password. Raises AccountLocked, SelectionNeeded, ErpDown and kin."""
        params = {"db": self.database, "login": username, "password": password}
        answer = await self._session_call("authenticate", params, address=call.client_address)
        envelope = _envelope(answer)
        if "error" in envelope:
            _refuse_other_than_wrong_password(envelope["error"])
            return None
        result = envelope.get("result")
        if not isinstance(result, dict):
            raise ErpNonsense("odoo: the sign-in has no result")
        uid = result.get("uid")
        if uid is False:  # how a wrong password was told until Odoo 12; a second factor is null
            return None
        if not uid:
            raise SelectionNeeded("odoo: the account has a second factor")
        if isinstance(uid, bool) or not isinstance(uid, int):
            raise ErpNonsense("odoo: the uid is no number")
        facts = _facts(result)
        # In the body until Odoo 12, in the cookie ever since.
        session_id = answer.cookies.get(COOKIE) or text_in(result, COOKIE)
        return self._account(str(uid), text_in(result, "username") or username, _session(session_id, facts))

    async def verify_rpc(self, who: str | int, password: str, call: Call) -> Account | None:
        """The account of a login or uid by password or API key, which opens no web session; None for a wrong one.

        Raises ErpDown and kin.
        """
        first = (self.database, who, password)
        if isinstance(who, str):
            uid, name = await self._called(call, "common", "authenticate", *first, {}), who
        else:
            # Every user may read this of himself (SELF_READABLE_FIELDS): the call that any password of his can make.
            asked = ("res.users", "read", [[who]], {"fields": ["login"]})
            rows = await self._called(call, "object", "execute_kw", *first, *asked)
            uid, name = (False, "") if rows is False else (who, _login_of(who, rows))
        if not uid:
            return None
        if isinstance(uid, bool) or not isinstance(uid, int):
            raise ErpNonsense("odoo: the uid is no number")
        return Account(self.name, str(uid), name, "user", self._roles, self._scopes)

    async def _called(self, call: Call, service: str, method: str, *args: Any) -> Any:
        """What `/jsonrpc` answers; False for a wrong password."""
        params = {"service": service, "method": method, "args": args}
        answer = await self._ask("POST", "/jsonrpc", body=_rpc(params), address=call.client_address)
        envelope = _envelope(answer)
        if "error" in envelope:
            _refuse_other_than_wrong_password(envelope["error"])
            return False
        return envelope.get("result")

    async def renew(self, erp: ErpSession) -> ErpSession | None:
        """The same session if Odoo still knows it, under its new id if it has just rotated; None if it has ended.

        None, too, where it has become another user's.
        """
        answer = await self._session_call("get_session_info", {}, erp)
        if not _is_of(answer, erp):
            return None
        return _session(answer.cookies.get(COOKIE) or dict(erp.cookies)[COOKIE], erp.facts)

    async def is_theirs(self, erp: ErpSession) -> bool:
        """Asks whose session it is: a login changes the cookie, and so does a logout."""
        return _is_of(await self._session_call("get_session_info", {}, erp), erp)

    async def destroy(self, erp: ErpSession) -> None:
        """End the session."""
        await self._session_call("destroy", {}, erp)

    def says_expired(self, status: int, headers: Mapping[bytes, bytes], start: bytes | None) -> bool | None:
        """A 401, a redirect to the login page, or code 100 in a JSON-RPC answer."""
        if status == 200 and media_type(headers) == b"application/json":
            return None if start is None else b'"error"' in start and _EXPIRED.search(start) is not None
        if status in _REDIRECTS:
            return _LOGIN_PAGE.match(headers.get(b"location", b"")) is not None
        return status == 401

    async def _session_call(
        self, method: str, params: dict[str, Any], erp: ErpSession | None = None, *, address: str = ""
    ) -> ErpAnswer:
        carried = {"Cookie": f"{COOKIE}={dict(erp.cookies)[COOKIE]}"} if erp is not None else {}
        return await self._ask(
            "POST", f"{self._path}/{method}", body=_rpc(params), headers={**JSON_HEADERS, **carried}, address=address
        )


def _login_of(uid: int, rows: object) -> str:
    """The login in a user's own record; the uid where Odoo does not tell it: it has looked at the password before."""
    if rows is None:
        raise ErpNonsense("odoo: the call has no result")
    row = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) else {}
    name = text_in(row, "login")
    if name and row.get("id") != uid:
        raise ErpNonsense("odoo: it tells of another user than was asked for")
    return name or str(uid)


def _rpc(params: dict[str, Any]) -> bytes:
    return json_body({"jsonrpc": "2.0", "method": "call", "params": params, "id": 1})


def _facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """What Odoo says of the user, for dialects that pass it on; where it says a great deal, only the most needed."""
    told = {key: result[key] for key in TOLD if result.get(key) is not None}
    if len(json_body(told)) > _MOST_TOLD:
        told = {key: value for key, value in told.items() if isinstance(value, int | str)}
    return told if len(json_body(told)) <= _MOST_TOLD else {"uid": result["uid"]}


def _session(session_id: str, facts: Mapping[str, Any]) -> ErpSession:
    if not _SESSION_ID.fullmatch(session_id):
        raise ErpNonsense("odoo: no usable session_id")
    return ErpSession(cookies=((COOKIE, session_id),), facts=facts)


def _is_of(answer: ErpAnswer, erp: ErpSession) -> bool:
    """Whether get_session_info tells of the user who signed in, and not of another one or of nobody."""
    if answer.status in _REDIRECTS:
        return False
    envelope = _envelope(answer)
    error, result = envelope.get("error"), envelope.get("result")
    if isinstance(error, dict) and error.get("code") == 100:
        return False
    if not isinstance(result, dict):
        raise ErpNonsense("odoo: no session info")
    uid = result.get("uid")
    return bool(uid) and uid == erp.facts.get("uid")


def _envelope(answer: ErpAnswer) -> dict[str, Any]:
    if answer.status != 200:
        raise ErpNonsense(f"odoo: status {answer.status}, not a JSON-RPC answer")
    return read_object(answer, "odoo")


def _refuse_other_than_wrong_password(error: object) -> None:
    """Raise what was wrong, unless it was the name or the password."""
    data = error.get("data") if isinstance(error, dict) else None
    data = data if isinstance(data, dict) else {}
    name, message = text_in(data, "name"), text_in(data, "message")
    if name.rpartition(".")[2] != "AccessDenied":
        # A database that is not there is the operator's fault, not the user's: never "wrong password".
        raise ErpNonsense(f"odoo: the sign-in failed with {name or 'an unnamed error'}")
    if message.startswith("Too many login failures"):
        raise AccountLocked("odoo: too many login failures")
