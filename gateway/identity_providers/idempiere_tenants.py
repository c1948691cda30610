"""What a user of iDempiere may choose from: its tenants with their roles, organisations, warehouses and languages."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError

from gateway.config.identities import Tenant
from gateway.errors import ErpNonsense

_AT_ONCE: Final = 8
"""Calls to the ERP at the same time."""
_MOST: Final = 400
"""Calls for one login. For whoever may choose from more, only what the identity provider names is read."""

NOTHING: Final[Mapping[str, str]] = {}

Ask = Callable[[str], Awaitable[dict[str, Any]]]
"""Asks a selection endpoint, such as `roles?client=11`, with the token of the login's first step."""


class TooManyChoices(ErpNonsense):
    """More than one login may ask for."""


async def read_tenants(told: Mapping[str, Any], ask: Ask, only: Mapping[str, str] = NOTHING) -> list[dict[str, Any]]:
    """Everything the login may choose from, as JSON in the shape of `tenants` in the configuration.

    Of tenants, roles and organisations that `only` names, no others. Raises ErpNonsense for what is no such list,
    TooManyChoices for one without end.
    """
    reader = _Reader(ask, only)
    return await _all(reader.tenant(client) for client in reader.wanted("tenant", _listed(told, "clients")))


def tenants_of(facts: Mapping[str, Any]) -> tuple[Tenant, ...]:
    """The tenants in the configuration's own model. Raises ErpNonsense."""
    try:
        return tuple(Tenant.model_validate(tenant) for tenant in facts.get("tenants", ()))
    except ValidationError as error:
        raise ErpNonsense("idempiere: a tenant, role, organisation or warehouse without id or name") from error


class _Reader:
    """Asks for one login, a few things at a time."""

    def __init__(self, ask: Ask, only: Mapping[str, str]) -> None:
        self._ask = ask
        self._only = only
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._left = _MOST

    def wanted(self, what: str, listed: list[dict[str, str]]) -> list[dict[str, str]]:
        """Those that are named by id or name, all where none is."""
        named = self._only.get(what)
        return [each for each in listed if named in {None, each["id"], each["name"]}]

    async def tenant(self, client: dict[str, str]) -> dict[str, Any]:
        language = (await self._get("language", client=client["id"])).get("AD_Language")
        roles = self.wanted("role", await self._list("roles", client=client["id"]))
        return {
            **client,
            "language": language if isinstance(language, str) and language else "en_US",
            "roles": await _all(self._role(client["id"], role) for role in roles),
        }

    async def _role(self, client: str, role: dict[str, str]) -> dict[str, Any]:
        organizations = await self._list("organizations", client=client, role=role["id"])
        wanted = self.wanted("organization", organizations)
        found = await _all(self._organization(client, role["id"], each) for each in wanted)
        return {**role, "organizations": found}

    async def _organization(self, client: str, role: str, organization: dict[str, str]) -> dict[str, Any]:
        where = {"client": client, "role": role, "organization": organization["id"]}
        return {**organization, "warehouses": await self._list("warehouses", **where)}

    async def _list(self, what: str, **chosen: str) -> list[dict[str, str]]:
        return _listed(await self._get(what, **chosen), what)

    async def _get(self, what: str, **chosen: str) -> dict[str, Any]:
        self._left -= 1
        if self._left < 0:
            raise TooManyChoices(f"idempiere: the choice of one user takes more than {_MOST} calls")
        async with self._turn:
            return await self._ask(f"{what}?{urlencode(chosen)}")


async def _all(asked: Iterable[Coroutine[Any, Any, dict[str, Any]]]) -> list[dict[str, Any]]:
    """All answers; the first failure ends the other calls, so that none outlives its login."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in asked]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _listed(told: Mapping[str, Any], what: str) -> list[dict[str, str]]:
    listed = told.get(what, [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise ErpNonsense(f"idempiere: {what} is no list")
    return list(_named(what, listed))


def _named(what: str, listed: Iterable[dict[str, Any]]) -> Iterable[dict[str, str]]:
    for each in listed:
        known, name = each.get("id"), each.get("name")
        if isinstance(known, bool) or not isinstance(known, int) or not isinstance(name, str) or not name:
            raise ErpNonsense(f"idempiere: {what} lists something without id or name")
        yield {"id": str(known), "name": name}
