"""Chooses client, role, organization, warehouse and language of a session from what was asked for: pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gateway.dialects.idempiere.clients import Client, Entry, Organization, Role
from gateway.dialects.idempiere.refusals import Declined

_DIGITS: Final = re.compile(r"[0-9]{1,10}")
_LANGUAGE: Final = re.compile(r"[a-z]{2}_[A-Z]{2}")

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a client asks for: ids or names as text, empty where it was left out."""

    client: str = ""
    role: str = ""
    organization: str = ""
    warehouse: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the login's switches say of a selection."""

    mandatory_organization_id: bool = False
    login_languages: tuple[str, ...] = ()
    """Those that may be asked for; empty for those of the user's clients."""
    erp_knows_languages: bool = False
    """Where none are listed, any that could be one goes to the ERP, which ignores what it does not know."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What a session is opened for."""

    client: Client
    role: Role
    organization: Organization
    warehouse: Entry | None
    language: str
    resolved: dict[str, int]
    """The ids that the client did not send itself, in the order of the answer."""
    left_open: frozenset[str] = frozenset()
    """Of warehouse and language, what was not asked for: an ERP has its own defaults, such as the user's language."""


@dataclass(slots=True)
class _Selection:
    """The lookups come first, in this order, and only then whether what they found may be used: so iDempiere does."""

    clients: Sequence[Client]
    allowed: frozenset[int]
    asked: Parameters
    rules: Rules
    resolved: dict[str, int] = field(default_factory=dict)

    def client(self) -> Client:
        open_clients = [client for client in self.clients if client.id in self.allowed]
        if not self.asked.client:
            found = open_clients[0] if len(open_clients) == 1 else None
            self._note("clientId", found)
        else:
            found = self._looked_up("clientId", self.clients, self.asked.client, "Client value not found")
        if found is None or found not in open_clients:
            raise Declined("Invalid clientId")
        return found

    def role(self, client: Client) -> Role | None:
        if self.asked.role:
            return self._named("roleId", "Role", client.roles, self.asked.role)
        if len(client.open_roles) != 1:
            raise Declined("Missing roleId parameter")
        self._note("roleId", client.open_roles[0])
        return client.open_roles[0]

    def organization(self, client: Client, role: Role | None) -> Organization | None:
        among = role.organizations if role else ()
        if self.asked.organization:
            found = self._named("organizationId", "Organization", client.organizations, self.asked.organization)
            # Roles may have different warehouses in one organization.
            return found and (_first(among, lambda each: each.key == found.key) or found)
        if self.rules.mandatory_organization_id:
            if len(among) == 1 and among[0].id == 0:
                raise Declined("Missing organizationId parameter")
            among = among if len(among) == 1 else ()
        # Organization 0 is `*`, all of them: a default only where there is no other.
        default = next((each for each in among if each.id), among[0] if among else None)
        self._note("organizationId", default)
        return default

    def warehouse(self, client: Client, organization: Organization | None) -> Entry | None:
        """The warehouse, None for none; raises Declined for one that there is not in the whole client."""
        if not self.asked.warehouse:
            found = next(iter(organization.warehouses), None) if organization and organization.id else None
            self._note("warehouseId", found)
            return found
        if _is_id(self.asked.warehouse) and int(self.asked.warehouse) == 0:
            return None
        # Those of the organization first: other organizations, and the same one of another role, may use the name, too.
        own = organization.warehouses if organization else ()
        others = (each for role in client.roles for unit in role.organizations for each in unit.warehouses)
        everywhere = (*own, *others)
        found = self._looked_up("warehouseId", everywhere, self.asked.warehouse, "Warehouse name not found")
        return found or Entry(self.asked.warehouse, "")

    def language(self) -> str:
        """The one that was asked for, empty for another that nobody knows."""
        wanted, listed = self.asked.language, self.rules.login_languages
        if not listed and self.rules.erp_knows_languages and _LANGUAGE.fullmatch(wanted):
            return wanted
        return wanted if wanted in (listed or tuple(each.language for each in self.clients)) else ""

    def _named(self, answer: str, what: str, entries: Sequence[E], text: str) -> E | None:
        if not _is_id(text) and len([entry for entry in entries if entry.name == text]) > 1:
            raise Declined(f"{what} name not unique")
        return self._looked_up(answer, entries, text, f"{what} name not found")

    def _looked_up(self, answer: str, entries: Sequence[E], text: str, unknown: str) -> E | None:
        """By id, else by name; a number that is neither is judged later. Raises Declined."""
        if _is_id(text):
            by_id = _first(entries, lambda entry: entry.id == int(text))
            if by_id:
                return by_id
        by_name = _first(entries, lambda entry: text in {entry.name, entry.key})
        if by_name is None and not _is_id(text):
            raise Declined(unknown)
        self._note(answer, by_name)
        return by_name

    def _note(self, answer: str, found: Entry | None) -> None:
        if found:
            self.resolved[answer] = found.id


def select(clients: Sequence[Client], allowed: frozenset[int], asked: Parameters, rules: Rules) -> Selected:
    """What the session is opened for; `allowed` are the ids of clients that the first step found. Raises Declined."""
    selection = _Selection(clients, allowed, asked, rules)
    client = selection.client()
    role = selection.role(client)
    organization = selection.organization(client, role)
    warehouse = selection.warehouse(client, organization)
    if role is None or not role.is_for_webservice:
        raise Declined("Invalid roleId")
    if organization is None or organization not in role.organizations:
        raise Declined("Invalid organizationId")
    if not organization.id:
        warehouse = None  # `*` has no warehouse, and one that was asked for is not judged
    if warehouse and warehouse.key not in {each.key for each in organization.warehouses}:
        raise Declined("Invalid warehouseId")
    language = selection.language()
    known = {"warehouse": asked.warehouse, "language": language}
    left_open = frozenset(what for what, value in known.items() if not value)
    return Selected(client, role, organization, warehouse, language or client.language, selection.resolved, left_open)


def sole(clients: Sequence[Client], rules: Rules) -> Selected | None:
    """The only thing there is to choose (abbreviated login); None where there is a choice."""
    if len(clients) != 1 or len(clients[0].open_roles) != 1 or len(clients[0].open_roles[0].organizations) != 1:
        return None
    return select(clients, ids_of(clients), Parameters(), Rules(login_languages=rules.login_languages))


def ids_of(clients: Sequence[Client]) -> frozenset[int]:
    """The ids that clients see."""
    return frozenset(client.id for client in clients)


def listed_client(clients: Sequence[Client], allowed: frozenset[int], client: int) -> Client:
    """A client of the selection endpoints. Raises Declined."""
    found = _first(clients, lambda each: each.id == client and each.id in allowed)
    if found is None:
        raise Declined("Invalid client")
    return found


def listed_role(client: Client, role: int) -> Role:
    """A role of the selection endpoints. Raises Declined."""
    found = _first(client.open_roles, lambda each: each.id == role)
    if found is None:
        raise Declined("Invalid role")
    return found


def listed_organization(role: Role, organization: int) -> Organization:
    """An organization of the selection endpoints. Raises Declined."""
    found = _first(role.organizations, lambda each: each.id == organization)
    if found is None:
        raise Declined("Invalid organization")
    return found


def _first(entries: Sequence[E], matches: Callable[[E], bool]) -> E | None:
    return next((entry for entry in entries if matches(entry)), None)


def _is_id(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None
