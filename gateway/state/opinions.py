"""The same question put to several servers, of which some may be dead, slow or cut off from the rest."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

from gateway.model import spawn

OTHERS: Final = 0.1
"""Seconds that the others have to answer once one has: one that is cut off from the rest knows only the past."""

_T = TypeVar("_T")


async def opinions(questions: Iterable[Coroutine[Any, Any, _T]], *, name: str) -> list[_T]:
    """What was answered by the first and within `OTHERS` after it, in the order of asking; empty if all failed."""
    asked = [spawn(question, name=name) for question in questions]
    try:
        left = set(asked)
        while left and not any(_answered(one) for one in asked):
            _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        if left:
            await asyncio.wait(left, timeout=OTHERS)
        return [one.result() for one in asked if _answered(one)]
    finally:
        for one in asked:
            one.cancel()


def _answered(asked: "asyncio.Task[Any]") -> bool:
    return asked.done() and not asked.cancelled() and asked.exception() is None
