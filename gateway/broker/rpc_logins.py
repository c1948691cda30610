"""Passwords that every call carries: asked of the ERP, and for a short time not asked again."""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from secrets import token_bytes
from time import monotonic
from typing import Final, Protocol, runtime_checkable

from gateway.authn.sources import RpcCall
from gateway.broker.protection import Audit, Protection, network_of
from gateway.errors import Forbidden, LoginRejected, TooManyRequests
from gateway.model import Account, Call, Identity
from gateway.state.attempts import Limits
from gateway.tokens.cache import Verified

KEPT_SECONDS: Final = 60.0
MOST_KEPT: Final = 4096
"""Users and addresses whose last password is known; the one that has waited longest makes way."""


@runtime_checkable
class RpcProvider(Protocol):
    """An identity provider that looks at a password without opening a session: its ERP takes one in each call."""

    name: str
    upstream: str
    database: str

    async def verify_rpc(self, who: str | int, password: str, call: Call) -> Account | None:
        """The account of a login or uid, None for a wrong password. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: bytes
    verified: Verified
    until: float


class RpcLogins:
    """Who makes a call. Nothing of a password is kept but a digest, in memory, under a key that nobody else has."""

    def __init__(
        self,
        provider: RpcProvider,
        protection: Protection,
        limits: Limits,
        audit: Audit,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._provider = provider
        self._protection = protection
        self._limits = limits
        self._audit = audit
        self._clock = clock
        self._key = token_bytes(32)
        self._kept: OrderedDict[tuple[str, str | int, str], _Kept] = OrderedDict()

    async def verified(self, asked: RpcCall, method: str, call: Call) -> Verified:
        """Whose password it is. Raises LoginRejected, Banned, TooManyRequests, Forbidden or Unavailable."""
        if asked.database != self._provider.database or asked.who is None:
            raise Forbidden("another database than the identity provider's")
        # By address: a password that was right elsewhere must not tell a banned address that it is.
        place = (method, asked.who, network_of(call.client_address))
        digest = self._digest(asked)
        kept = self._kept.get(place)
        if kept is not None and self._clock() < kept.until and hmac.compare_digest(kept.digest, digest):
            return kept.verified
        account = await self._judged(asked, method, call, place)
        identity = Identity(
            self._provider.name, account.id, account.name, method, frozenset(account.roles), frozenset(account.scopes)
        )
        verified = Verified(identity, inf, "")
        self._kept[place] = _Kept(digest, verified, self._clock() + KEPT_SECONDS)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return verified

    async def _judged(self, asked: RpcCall, method: str, call: Call, place: tuple[str, str | int, str]) -> Account:
        self._kept.pop(place, None)  # else a guess after the first wrong one would be free of the count
        who = asked.who if isinstance(asked.who, str) else f"uid {asked.who}"

        async def check() -> Account | None:
            assert asked.who is not None
            return await self._provider.verify_rpc(asked.who, asked.password, call)

        told = {"login": "", "method": method, "client": call.client_address, "request_id": call.request_id}
        try:
            account = await self._protection.judge(self._provider.name, who, call, self._limits, check)
            if account is None:
                raise LoginRejected
        except (TooManyRequests, LoginRejected) as refused:
            result = "banned" if isinstance(refused, TooManyRequests) else "rejected"
            self._audit("login", result=result, **told)
            raise
        found = {"provider": self._provider.name, "user_id": account.id, "user": account.name}
        self._audit("login", result="accepted", **found, **told)
        return account

    def _digest(self, asked: RpcCall) -> bytes:
        parts = (asked.database, str(asked.who), asked.password)
        return hmac.digest(self._key, "\0".join(parts).encode(), sha256().name)
