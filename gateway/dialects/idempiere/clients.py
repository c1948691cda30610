"""What a user may choose from, in iDempiere's words: clients with their roles, organizations and warehouses."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gateway.dialects.idempiere.numbers import number_of
from gateway.model import Account

ROLE_TYPES_WEBSERVICE: Final = frozenset(("", "WS"))
"""Roles of other types open no session of the REST API."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something with an id and a name; `key` is the id as the identity provider writes it."""

    key: str
    name: str

    @property
    def id(self) -> int:
        """The id that clients see."""
        return number_of(self.key)


@dataclass(frozen=True, slots=True)
class Organization(Entry):
    """An organization; the first warehouse is its default one."""

    warehouses: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Role(Entry):
    """A role of a client."""

    type: str = ""
    organizations: tuple[Organization, ...] = ()

    @property
    def is_for_webservice(self) -> bool:
        """Whether sessions may be opened with it."""
        return self.type in ROLE_TYPES_WEBSERVICE


@dataclass(frozen=True, slots=True)
class Client(Entry):
    """A tenant. `tenant` is its name to the gateway, empty where the identity provider knows none."""

    tenant: str = ""
    language: str = "en_US"
    roles: tuple[Role, ...] = ()

    @property
    def open_roles(self) -> tuple[Role, ...]:
        """Those that a login may choose."""
        return tuple(role for role in self.roles if role.is_for_webservice)

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """Those of all roles, each once."""
        return tuple({each.key: each for role in self.roles for each in role.organizations}.values())


def clients_of(account: Account) -> tuple[Client, ...]:
    """The clients that the user may log in to: those with a role for it.

    An identity provider without tenants (another ERP's, or plainly listed users) has one client, role and organization
    in their place, so that iDempiere's clients can sign in to it, too.
    """
    if not account.tenants:
        return (_stand_in(account.provider),)
    return tuple(client for client in map(_client, account.tenants) if client.open_roles)


def are_listed(account: Account) -> bool:
    """Whether the account tells what may be chosen: one that an ERP knows is only remembered after its login."""
    return all(hasattr(tenant, "roles") for tenant in account.tenants)


def listing(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """As the selection endpoints and the first answer list them."""
    return [{"id": entry.id, "name": entry.name} for entry in entries]


def _stand_in(name: str) -> Client:
    role = Role("1", name, organizations=(Organization("1", name),))
    return Client("1", name, roles=(role,))


def _client(tenant: Any) -> Client:
    roles = tuple(_role(each) for each in getattr(tenant, "roles", ()))
    return Client(str(tenant.id), tenant.name, tenant.name, tenant.language, roles)


def _role(role: Any) -> Role:
    return Role(str(role.id), role.name, role.type, tuple(_organization(each) for each in role.organizations))


def _organization(organization: Any) -> Organization:
    warehouses = tuple(Entry(str(each.id), each.name) for each in organization.warehouses)
    return Organization(str(organization.id), organization.name, warehouses)
