"""Bans as an operator sees and lifts them: by names and addresses, where the store knows digests."""

from collections.abc import Collection, Mapping, Sequence

from gateway.admin.control import BanView, Lifting
from gateway.broker.accounts import CLIENTS_PROVIDER, Lists
from gateway.broker.protection import network_of
from gateway.config.identities import canonical_username
from gateway.model import PasswordVerifier
from gateway.state.attempts import Attempts
from gateway.state.keys import account_tag


async def listed(attempts: Attempts) -> Sequence[BanView]:
    """All that are in force. Raises StoreUnavailable."""
    found = await attempts.bans.listed()
    return [BanView(ban.scope, ban.provider, ban.user_id, ban.address, ban.until) for ban in found]


async def lift(attempts: Attempts, providers: Mapping[str, PasswordVerifier], which: Lifting) -> int:
    """End those that are meant; how many were in force. Raises StoreUnavailable."""
    accounts = await _accounts(attempts, providers, which) if which.user else None
    return await attempts.bans.lift(accounts=accounts, address=network_of(which.address))


async def _accounts(attempts: Attempts, providers: Mapping[str, PasswordVerifier], which: Lifting) -> Collection[str]:
    """All that the counters may know the user by: the name as it was typed, and the id that it is known to be."""
    name = canonical_username(which.user)
    found: set[str] = set()
    for provider in [which.provider] if which.provider else [*providers, CLIENTS_PROVIDER]:
        listing = providers.get(provider)
        known = listing.id_of(which.user) if isinstance(listing, Lists) else ""
        ids = {which.user, known, await attempts.user_named(provider, name)} - {""}
        found |= {account_tag(provider, name=name), *(account_tag(provider, user_id=each) for each in ids)}
    return found
