"""The section `identity_providers`, and the listed users of `type: users`."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.config.credentials import PasswordHash
from gateway.config.section import OpenOptions, Options, Section, split_options
from gateway.config.values import AnyLine, Flag, Line, Name, Names, some


class IdentityProviderConfig(Section):
    """Who checks a username and password. All keys but `type` belong to the variant."""

    type: Name
    """Assembly looks it up: the registry of identity providers is the only list of them."""
    options: OpenOptions = Field(default_factory=Options)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, data: Any) -> Any:
        return split_options(data, {"type"})


class Warehouse(Section):
    """A warehouse of an organisation."""

    id: Line
    name: Line


class Organization(Section):
    """An organisation that a role may work in."""

    id: Line
    name: Line
    warehouses: tuple[Warehouse, ...] = ()


class TenantRole(Section):
    """A role within a tenant; only the types WS and empty may log in."""

    id: Line
    name: Line
    type: AnyLine = ""
    organizations: tuple[Organization, ...] = ()


class Tenant(Section):
    """A tenant that a user may choose at login."""

    id: Line
    name: Line
    language: Line = "en_US"
    roles: tuple[TenantRole, ...] = ()


class User(Section):
    """A listed user. `application` users may hold application tokens that do not expire."""

    username: Line
    password_hash: PasswordHash
    id: Line
    locked: Flag = False
    """Cannot log in, and what was issued before is refused; the entry, its id and its name stay taken."""
    type: Literal["user", "application"] = "user"
    roles: Names = ()
    scopes: Names = ()
    tenants: tuple[Tenant, ...] = ()


def canonical_username(name: str) -> str:
    """One spelling per user: NFKC, then case folded, so that no look-alike is a second account or ban counter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _each_once(users: tuple[User, ...]) -> tuple[User, ...]:
    _refuse_twice("username", (canonical_username(user.username) for user in users))
    _refuse_twice("id", (user.id for user in users))
    for user in users:
        _refuse_twice("tenant", (tenant.name for tenant in user.tenants))
        _each_id_once("tenant", user.tenants)
        for tenant in user.tenants:
            _each_id_once("role", tenant.roles)
            for role in tenant.roles:
                _each_id_once("organization", role.organizations)
                for organization in role.organizations:
                    _each_id_once("warehouse", organization.warehouses)
    return users


def _each_id_once(what: str, choices: Sequence[Tenant | TenantRole | Organization | Warehouse]) -> None:
    """A client chooses by id: of two that share one, it could only ever have the first."""
    _refuse_twice(f"{what} id", (choice.id for choice in choices))


def _refuse_twice(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f'lists the {what} "{value}" twice')
        seen.add(value)


class UsersOptions(Section):
    """The options of an identity provider of `type: users`."""

    users: Annotated[tuple[User, ...], AfterValidator(some), AfterValidator(_each_once)]
