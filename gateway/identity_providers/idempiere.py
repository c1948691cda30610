"""Identity provider `idempiere`: signs in at the REST API; tenant, role, organisation and warehouse come from there."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from gateway.config.values import AnyLine
from gateway.errors import AccountLocked, ErpNonsense, LoginRejected, SelectionNeeded, Unavailable
from gateway.identity_providers.contract import ErpAccounts, ErpOptions, Path, ProviderTools
from gateway.identity_providers.erp_answers import (
    bearer,
    claims_of,
    json_body,
    jwt_renew_at,
    read_object,
    text_in,
    token_in,
)
from gateway.identity_providers.idempiere_tenants import Ask, TooManyChoices, read_tenants, tenants_of
from gateway.model import Account, Call, ErpAnswer, ErpSession, spawn

_LOCKED: Final = re.compile(r"\block(?:ed|out)\b|number of login attempts", re.IGNORECASE)
"""AD_Messages of shut accounts in English, which `locale` asks for."""
_SENT: Final = {
    "tenant": "clientId",
    "role": "roleId",
    "organization": "organizationId",
    "warehouse": "warehouseId",
    "language": "language",
}
"""A choice in the gateway's words, and in iDempiere's."""
_CLAIMS: Final = {
    "tenant": "AD_Client_ID",
    "user": "AD_User_ID",
    "role": "AD_Role_ID",
    "organization": "AD_Org_ID",
    "warehouse": "M_Warehouse_ID",
    "language": "AD_Language",
}


class IdempiereOptions(ErpOptions):
    """The options of `type: idempiere`. A default counts where the login's dialect lets nobody choose; id or name."""

    path: Path = "/api/v1/auth"
    tenant: AnyLine = ""
    role: AnyLine = ""
    organization: AnyLine = ""
    warehouse: AnyLine = ""
    language: AnyLine = ""


class Idempiere(ErpAccounts):
    """An ErpProvider over the two-step login. A user's id is the name: AD_User_ID is known per tenant only."""

    Options = IdempiereOptions
    headers = frozenset({"authorization"})
    cookies: frozenset[str] = frozenset()

    def __init__(self, options: IdempiereOptions, tools: ProviderTools) -> None:
        super().__init__(options, tools)
        self._path = options.path
        self._defaults = {what: value for what in _SENT if (value := getattr(options, what))}

    async def verify(self, username: str, password: str, call: Call) -> Account | None:
        """The account with its tenants, None for a wrong name or password. Raises AccountLocked, ErpDown and kin."""
        body = json_body({"userName": username, "password": password})
        answer = await self._ask("POST", f"{self._path}/tokens?locale=en_US", body=body, address=call.client_address)
        told = read_object(answer, "idempiere")
        if answer.status == 401 and told.get("title") == "Authenticate error":
            if _LOCKED.search(text_in(told, "detail")):
                raise AccountLocked("idempiere: the account is locked")
            return None
        if answer.status != 200:
            raise ErpNonsense(f"idempiere: status {answer.status} from the login")
        token = token_in(told, "token", "idempiere")

        async def ask(what: str) -> dict[str, Any]:
            asked = self._ask("GET", f"{self._path}/{what}", token=token, address=call.client_address)
            return self._read(await asked, what)

        # With one tenant, one role and one organisation there is nothing to choose, and the login is over.
        is_final = bool(told.get("refresh_token"))
        begun = ErpSession(secrets={"preauth": token, "address": call.client_address})
        erp = self._final(told, {}) if is_final else begun
        try:
            erp = replace(erp, facts={**erp.facts, "tenants": await self._choices(told, ask)})
            return replace(self._account(username, username, erp), tenants=self.tenants(erp))
        except BaseException:
            spawn(self._forget(erp), name="ERP logout")
            raise

    def tenants(self, erp: ErpSession) -> tuple[Any, ...]:
        """As `tenants` of a listed user."""
        return tenants_of(erp.facts)

    async def settle(self, erp: ErpSession, choice: Mapping[str, str]) -> ErpSession:
        """Finish the login in the ERP, which knows what may be chosen and what needs no choice."""
        if "preauth" not in erp.secrets and _is_for(erp.facts, choice):
            return erp  # a second session there would outlive our logout
        defaults = {} if "tenant" in choice else self._defaults  # whoever may choose leaves the rest to the ERP
        wanted = {what: value for what, value in {**defaults, **choice}.items() if value}
        token = text_in(erp.secrets, "preauth") or text_in(erp.secrets, "access")
        sent = {_SENT[what]: _number(value) for what, value in wanted.items() if what in _SENT}
        address = text_in(erp.secrets, "address")
        answer = await self._ask("PUT", f"{self._path}/tokens", body=json_body(sent), token=token, address=address)
        if answer.status == 401:
            detail = text_in(read_object(answer, "idempiere"), "detail") if answer.body else ""
            raise (LoginRejected if choice else SelectionNeeded)(f"idempiere: {detail or 'the choice was refused'}")
        return self._final(self._read(answer, "tokens"), erp.facts)

    async def renew(self, erp: ErpSession) -> ErpSession | None:
        """Spend the refresh token, once: a second use would be a breach there. None if iDempiere refuses it."""
        refresh = text_in(erp.secrets, "refresh")
        if not refresh:
            return None
        ids = {"clientId": erp.facts.get("tenant"), "userId": erp.facts.get("user")}
        known = {name: value for name, value in ids.items() if value is not None}
        answer = await self._ask("POST", f"{self._path}/refresh", body=json_body({"refresh_token": refresh, **known}))
        if answer.status == 401:
            return None
        return self._final(self._read(answer, "refresh"), erp.facts)

    async def destroy(self, erp: ErpSession) -> None:
        """Log out, which ends the token and its refresh token; a login that was never finished has nothing to end."""
        access = text_in(erp.secrets, "access")
        if access:
            await self._ask("POST", f"{self._path}/logout", body=json_body({"token": access}))

    async def _choices(self, told: Mapping[str, Any], ask: Ask) -> list[dict[str, Any]]:
        try:
            return await read_tenants(told, ask)
        except TooManyChoices:
            if not self._defaults:
                raise
            return await read_tenants(told, ask, self._defaults)

    async def _forget(self, erp: ErpSession) -> None:
        """Nothing came of a login; an ERP that cannot be told now lets the session expire."""
        with suppress(Unavailable):
            await self.destroy(erp)

    def _final(self, told: Mapping[str, Any], facts: Mapping[str, Any]) -> ErpSession:
        access = token_in(told, "token", "idempiere")
        refresh = token_in(told, "refresh_token", "idempiere")
        claims = claims_of(access)
        known = {what: claims[claim] for what, claim in _CLAIMS.items() if isinstance(claims.get(claim), int | str)}
        if claims:
            known.setdefault("warehouse", 0)
        if isinstance(told.get("userId"), int):
            known["user"] = told["userId"]
        if text_in(told, "language"):
            known["language"] = told["language"]
        if isinstance(told.get("menuTreeId"), int):
            known["menu_tree"] = told["menuTreeId"]
        return ErpSession(
            headers=tuple(bearer(access).items()),
            renew_at=jwt_renew_at(self._clock(), access),
            secrets={"access": access, "refresh": refresh},
            facts={**facts, **known},
        )

    def _read(self, answer: ErpAnswer, what: str) -> dict[str, Any]:
        if answer.status != 200:
            raise ErpNonsense(f"idempiere: status {answer.status} from {what.partition('?')[0]}")
        return read_object(answer, "idempiere")


def _is_for(facts: Mapping[str, Any], choice: Mapping[str, str]) -> bool:
    """Whether a finished login is what was chosen; the choice is in ids where a client made it."""
    return all(str(facts.get(what)) == value for what, value in choice.items() if what in _SENT)


def _number(value: str) -> int | str:
    """Ids go as numbers, as most clients send them; what is no number is looked up by name."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value
