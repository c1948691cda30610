"""Identity provider: the users that the configuration lists."""

from hashlib import sha256
from typing import Any

from gateway.config.identities import User, UsersOptions, canonical_username
from gateway.errors import AccountLocked
from gateway.identity_providers.contract import ProviderTools
from gateway.identity_providers.passwords import decoy_hash
from gateway.model import Account, Call, Session


class Users:
    """A PasswordVerifier over listed users; names match after NFKC and case folding, passwords byte for byte."""

    Options = UsersOptions

    def __init__(self, options: UsersOptions, tools: ProviderTools) -> None:
        self.name = tools.name
        self._checks = tools.checks
        self._by_name = {canonical_username(user.username): user for user in options.users}
        self._by_id = {user.id: user for user in options.users}
        self._marks = {user.id: _mark(user.password_hash.reveal()) for user in options.users}
        self._decoy = decoy_hash([user.password_hash.reveal() for user in options.users])

    async def verify(
        self,
        username: str,
        password: str,
        call: Call,  # noqa: ARG002 - part of the contract; providers that ask an ERP pass the client's address on
    ) -> Account | None:
        """The account, or None for a wrong name or password, at equal cost.

        Raises AccountLocked (told only to who knows the password) and Unavailable.
        """
        user = self._by_name.get(canonical_username(username))
        matches = await self._checks.matches(user.password_hash.reveal() if user else self._decoy, password)
        if user is None or not matches:
            return None
        if user.locked:
            raise AccountLocked("locked in the configuration")
        return self._account(user)

    async def lookup(
        self,
        user_id: str,
        session: Session | None = None,  # noqa: ARG002 - part of the contract; providers that list nobody need it
    ) -> Account | None:
        """The account as it is listed now; None if it was removed or locked."""
        return self.listed(user_id)

    def listed(self, user_id: str) -> Account | None:
        """The same without suspending, for every cold read of a token."""
        user = self._by_id.get(user_id)
        return None if user is None or user.locked else self._account(user)

    def id_of(self, username: str) -> str:
        """The id of the user of that name, locked or not; empty if there is none."""
        user = self._by_name.get(canonical_username(username))
        return user.id if user else ""

    def _account(self, user: User) -> Account:
        tenants: tuple[Any, ...] = user.tenants
        mark = self._marks[user.id]
        return Account(self.name, user.id, user.username, user.type, user.roles, user.scopes, tenants, mark)


def _mark(password_hash: str) -> str:
    """Of the hash, which is salted: the store keeps it with each session."""
    return sha256(f"password\0{password_hash}".encode()).hexdigest()[:16]
