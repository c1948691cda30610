"""Identity provider: the users that the configuration lists."""

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from gateway.identity_providers.passwords import PasswordChecks, check_hash, decoy_hash
from gateway.model import Account, Call

IdText = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value), Field(min_length=1)]
"""An id written as a number or a string."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Warehouse(_Model):
    """A warehouse of an organization."""

    id: int
    name: str


class Organization(_Model):
    """An organization that a role may act for."""

    id: int
    name: str
    warehouses: tuple[Warehouse, ...] = ()


class TenantRole(_Model):
    """A role within a tenant; only those of type WS or none may log in through web services."""

    id: int
    name: str
    type: str = ""
    organizations: tuple[Organization, ...] = ()


class Tenant(_Model):
    """A tenant that a user may choose at login."""

    id: int
    name: str
    language: str = "en_US"
    roles: tuple[TenantRole, ...] = ()


class User(_Model):
    """A listed user. The id is what sessions, limits and revocations use; the name may change."""

    username: str = Field(min_length=1, max_length=256)
    password_hash: str = Field(repr=False)
    id: IdText
    type: Literal["user", "application"] = "user"
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    locked: bool = False

    @field_validator("password_hash")
    @classmethod
    def _is_argon2(cls, value: str) -> str:
        check_hash(value)
        return value


class UsersOptions(_Model):
    """What `identity_providers.<name>` of type users may say besides the type."""

    users: tuple[User, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _told_apart(self) -> "UsersOptions":
        for what, values in (
            ("id", [user.id for user in self.users]),
            ("username (compared without case)", [folded(user.username) for user in self.users]),
        ):
            twice = [value for value, count in Counter(values).items() if count > 1]
            if twice:
                raise ValueError(f'two users have the same {what}: "{twice[0]}"')
        return self


@dataclass(frozen=True, slots=True)
class ProviderTools:
    """What every identity provider is handed."""

    name: str
    checks: PasswordChecks


class Users:
    """A PasswordVerifier over listed users; names match after NFKC and case folding, passwords byte for byte."""

    Options = UsersOptions

    def __init__(self, options: UsersOptions, tools: ProviderTools) -> None:
        self.name = tools.name
        self._checks = tools.checks
        self._by_name = {folded(user.username): user for user in options.users}
        self._by_id = {user.id: user for user in options.users}
        self._decoy = decoy_hash(user.password_hash for user in options.users)

    async def verify(
        self,
        username: str,
        password: str,
        call: Call,  # noqa: ARG002 - part of the contract; providers that ask an ERP pass the client's address on
    ) -> Account | None:
        """The account, or None for a wrong name or password or a locked user, at equal cost. Raises Unavailable."""
        user = self._by_name.get(folded(username))
        matches = await self._checks.matches(user.password_hash if user else self._decoy, password)
        return self._account(user) if matches else None

    async def lookup(self, user_id: str) -> Account | None:
        """The account as it is listed now; None if it was removed or locked."""
        return self._account(self._by_id.get(user_id))

    def _account(self, user: User | None) -> Account | None:
        if user is None or user.locked:
            return None
        tenants: tuple[Any, ...] = user.tenants
        return Account(self.name, user.id, user.username, user.type, user.roles, user.scopes, tenants)


def folded(username: str) -> str:
    """The one form in which two spellings of a name are the same (CVE-2026-47203: no second bucket per spelling)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())
