"""Identity provider `tryton`: signs in by JSON-RPC and puts Tryton's own session on requests, which it cannot renew."""

from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote

from gateway.config.values import Line
from gateway.errors import AccountLocked, ErpNonsense, SelectionNeeded
from gateway.identity_providers.contract import ErpAccounts, ErpOptions, ProviderTools
from gateway.identity_providers.erp_answers import JSON_HEADERS, json_body, read_object, text_in, token_in
from gateway.model import Account, Call, ErpAnswer, ErpSession

_OVER: Final = frozenset({401, 403})
"""What Tryton answers to a session that it does not know; 403 in releases before 5.0."""


class TrytonOptions(ErpOptions):
    """The options of `type: tryton`: one database is one set of users."""

    database: Line


class Tryton(ErpAccounts):
    """An ErpProvider over `common.db.login` (trytond/protocols/dispatcher.py)."""

    Options = TrytonOptions
    headers = frozenset({"authorization"})
    cookies = frozenset({"tryton_session"})
    """Never ours, and kept from the client's requests: to Tryton it counts more than the header."""

    def __init__(self, options: TrytonOptions, tools: ProviderTools) -> None:
        super().__init__(options, tools)
        self._path = f"/{quote(options.database, safe='')}/rpc/"

    async def verify(self, username: str, password: str, call: Call) -> Account | None:
        """The account, None for a wrong name or password. Raises AccountLocked, SelectionNeeded, ErpDown and kin."""
        address = call.client_address
        answer = await self._rpc("common.db.login", [username, {"password": password}], address=address)
        if answer.status == 401:
            return None
        if answer.status == 429:
            raise AccountLocked("tryton: too many failed logins")
        told = _envelope(answer)
        if "error" in told:
            _refuse(told["error"])
        uid, key = _session_of(told.get("result"))
        return self._account(str(uid), username, _session(username, uid, key, address))

    async def renew(self, erp: ErpSession) -> ErpSession | None:
        """The same session if Tryton still knows it; None if it has ended."""
        answer = await self._rpc("model.res.user.get_preferences", [True, {}], erp)
        if answer.status in _OVER:
            return None
        _envelope(answer)
        return erp

    async def destroy(self, erp: ErpSession) -> None:
        """End the session. One that is over already is a 401, and as good."""
        await self._rpc("common.db.logout", [], erp)

    async def _rpc(
        self, method: str, params: list[Any], erp: ErpSession | None = None, *, address: str = ""
    ) -> ErpAnswer:
        """One call. Behind a proxy that it trusts, Tryton knows a session from its user's address only: it is kept."""
        return await self._ask(
            "POST",
            self._path,
            body=json_body({"id": 1, "method": method, "params": params}),
            headers={**JSON_HEADERS, **(dict(erp.headers) if erp is not None else {})},
            address=text_in(erp.facts, "address") if erp is not None else address,
        )


def _session(username: str, uid: int, key: str, address: str) -> ErpSession:
    known = b64encode(f"{username}:{uid}:{key}".encode()).decode()
    return ErpSession(headers=(("Authorization", f"Session {known}"),), facts={"address": address})


def _session_of(result: object) -> tuple[int, str]:
    """The user's id and the session's key; what may follow them is the address of Tryton's bus."""
    if not isinstance(result, list) or len(result) < 2:
        raise ErpNonsense("tryton: the login has no session")
    uid = result[0]
    if isinstance(uid, bool) or not isinstance(uid, int):
        raise ErpNonsense("tryton: the user's id is no number")
    return uid, token_in({"key": result[1]}, "key", "tryton")


def _envelope(answer: ErpAnswer) -> dict[str, Any]:
    if answer.status != 200:
        raise ErpNonsense(f"tryton: status {answer.status}, not a JSON-RPC answer; is the database right?")
    told = read_object(answer, "tryton")
    if "error" not in told and "result" not in told:
        raise ErpNonsense("tryton: not a JSON-RPC answer")
    return told


def _refuse(error: object) -> None:
    """Raise what was wrong. A LoginException asks for another parameter than the password, such as a code."""
    name = error[0] if isinstance(error, list) and error else None
    if name == "LoginException":
        raise SelectionNeeded("tryton: the account wants more than a password")
    raise ErpNonsense("tryton: the login failed with an error")
