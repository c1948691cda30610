"""Which scopes and tenant a session gets: pure rules, the same at login and at every refresh."""

from collections.abc import Sequence

from gateway.errors import ScopeRejected
from gateway.model import Account, OAuthClient


def allowed_scopes(account: Account, client: OAuthClient | None) -> tuple[str, ...]:
    """The user's scopes, capped by those of the client where it lists any."""
    if client is None or not client.scopes:
        return account.scopes
    return tuple(scope for scope in account.scopes if scope in client.scopes)


def granted_scopes(allowed: Sequence[str], requested: Sequence[str] | None) -> tuple[str, ...]:
    """What was asked for, or all that is allowed. Raises ScopeRejected for more (RFC 6749, section 3.3)."""
    if requested is None:
        return tuple(allowed)
    if set(requested) - set(allowed):
        raise ScopeRejected("more than may be granted")
    return tuple(requested)


def kept_scopes(allowed: Sequence[str], requested: Sequence[str] | None) -> tuple[str, ...]:
    """What is left of a grant now: never more than was asked for at login, nor than is allowed today."""
    return tuple(allowed) if requested is None else tuple(scope for scope in requested if scope in allowed)


def kept_tenant(account: Account, tenant: str) -> str:
    """The session's tenant while the user still has it; else the only one, or none."""
    return tenant if any(each.name == tenant for each in account.tenants) else account.default_tenant
