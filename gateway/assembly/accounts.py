"""The service accounts of one configuration and the next: who stays signed in, and who leaves the ERP."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gateway.model import spawn
from gateway.upstream.service_account import ServiceAccount

if TYPE_CHECKING:
    from gateway.assembly.assemble import Assembled

_LINGER: Final = 60.0
"""Seconds for which requests that began under the earlier configuration may still need its session."""
_FAREWELL: Final = 2.0
"""Seconds that the end of a process waits for ERPs."""


def hand_over(earlier: "Assembled", built: "Assembled") -> None:
    """`built` is in force: accounts that are the same stay signed in, the others sign out when nobody needs them."""
    staying = dict(_accounts(built))
    for key, account in _accounts(earlier):
        same = staying.get(key)
        if same is not None and same.same_as(account) and _asks_the_same(earlier, built, *key):
            account.hand_over(same)
        else:
            spawn(_leave_later(account), name="service account")


async def leave(assembled: "Assembled") -> None:
    """The process ends: sign out of all ERPs, as far as they answer at once."""
    ending = [account.end() for _, account in _accounts(assembled)]
    if ending:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await asyncio.gather(*ending)


def _accounts(assembled: "Assembled") -> Iterator[tuple[tuple[str, str], ServiceAccount]]:
    """By upstream and identity provider."""
    for name, upstream in assembled.upstreams.by_name.items():
        if upstream.erp is not None and upstream.erp.service is not None:
            yield (name, upstream.erp.provider.name), upstream.erp.service


def _asks_the_same(earlier: "Assembled", built: "Assembled", upstream: str, provider: str) -> bool:
    """Neither the ERP nor how one signs in there has changed."""
    before, now = earlier.config, built.config
    return (
        before.upstreams[upstream].servers == now.upstreams[upstream].servers
        and before.identity_providers[provider] == now.identity_providers[provider]
    )


async def _leave_later(account: ServiceAccount) -> None:
    await asyncio.sleep(_LINGER)
    await account.end()
