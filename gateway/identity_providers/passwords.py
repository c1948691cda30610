"""Checks passwords against argon2 hashes in a few threads with a bounded queue, at equal cost for unknown users."""

import asyncio
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from secrets import token_bytes
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from gateway.errors import Unavailable

_WORKERS: Final = max(1, min(4, (os.cpu_count() or 2) - 1))
"""A check holds a core for tens of milliseconds: one is left to the event loop."""
_QUEUE: Final = 64
"""Checks that may wait; at 50 ms each and one worker the last of them waits about three seconds."""

_USUAL_HASH: Final = f"$argon2id$v=19$m=65536,t=3,p=4${'A' * 22}${'A' * 43}"
"""The shape of what `gateway hash-password` makes (RFC 9106, section 4: the second recommended option)."""


def threads_for(processes: int) -> int:
    """Threads of each of so many processes that share the machine: one at least, and together no more than of one."""
    return max(1, _WORKERS // processes)


class PasswordChecks:
    """The thread pool that all password and client secret checks share."""

    def __init__(self, workers: int = _WORKERS, queue: int = _QUEUE) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._room = workers + queue
        self._pending = 0

    async def matches(self, password_hash: str, password: str) -> bool:
        """Whether the password is the one that was hashed. Raises Unavailable when too many checks are waiting."""
        if self._pending >= self._room:
            raise Unavailable("too many password checks are waiting", retry_after=2)
        loop = asyncio.get_running_loop()
        self._pending += 1
        try:
            check = self._pool.submit(_verify, password_hash, password)
        except BaseException:
            self._pending -= 1
            raise
        # Counted down when the thread is done, not when the caller is gone: a cancelled caller's check still runs.
        check.add_done_callback(lambda done: self._finished(done, loop))
        return await asyncio.wrap_future(check)

    def _finished(self, _: "Future[bool]", loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody counts any more
            loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._pending -= 1

    def close(self) -> None:
        """End the threads; checks that have not begun are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def decoy_hash(hashes: Collection[str]) -> str:
    """A hash that no password matches, with the most common parameters of the given ones.

    Checked for names that do not exist, so that time does not tell who does. Salt and digest are random bytes: nothing
    is hashed, so that a reload does not hold the event loop up.
    """
    parameters, salt, digest = Counter(map(_shape, hashes or (_USUAL_HASH,))).most_common(1)[0][0]
    return f"{parameters}${_random(salt)}${_random(digest)}"


def _shape(password_hash: str) -> tuple[str, int, int]:
    """`$argon2id$v=19$m=65536,t=3,p=4`, and how many bytes salt and digest have."""
    parameters, salt, digest = password_hash.rsplit("$", 2)
    return parameters, len(salt) * 3 // 4, len(digest) * 3 // 4


def _random(size: int) -> str:
    return b64encode(token_bytes(size)).decode().rstrip("=")


def _verify(password_hash: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(password_hash, password.encode())
    except VerificationError:
        return False
